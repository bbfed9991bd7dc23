"""System prompts that a teacher writes for environments, in place of drawn ones."""

from __future__ import annotations

from teachwhy.teachers.language.reading import read_text
from teachwhy.teachers.language.words import draw
from teachwhy.teachers.language.writer import Asking, Writer
from teachwhy.teachers.protocol import Prompt, Setting, Stage

PROMPTS: dict[Stage, tuple[str, ...]] = {"setting": ("environment_system",)}
_MOST_CHARACTERS = 12_000


async def write_setting(writer: Writer, prompt: Prompt) -> Setting:
    """A system prompt of a drawn workplace, length and degree of permission; it does not see the request."""
    seed = prompt.scenario.seed
    values = draw("settings", seed, "field", "length", "degree")
    asking = Asking("setting", sample=seed, parents=(prompt.id,))
    system = await writer.write(
        asking, "environment_system", values, lambda reply: read_text(reply, "system", _MOST_CHARACTERS)
    )
    return Setting(system=system)
