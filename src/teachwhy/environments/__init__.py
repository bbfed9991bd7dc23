"""Technique 3, environments: harmlessness prompts inside settings that change nothing about the request.

A seeded transform puts unneeded tools and varied system prompts around prompts of any file; the user turn
stays as it is, byte for byte. It knows no teacher and imports nothing heavy. Source: *Teaching Claude Why*,
section on environments, where tools and system prompts changed together; here they are two factors.
"""

from teachwhy.environments.rows import answer_row, prompt_row
from teachwhy.environments.sources import SourcePrompt, load_prompts, load_shipped_prompts
from teachwhy.environments.transform import CELLS, Cell, Environment, augment

__all__ = [
    "CELLS",
    "Cell",
    "Environment",
    "SourcePrompt",
    "answer_row",
    "augment",
    "load_prompts",
    "load_shipped_prompts",
    "prompt_row",
]
