"""How many calls a draft of each technique takes, and how long their requests are, by a scripted run.

`python -m tests.teachers.language.call_sizes` prints the figures for teachers/language/call_sizes.toml, whose
lengths of answers are set by hand.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import anyio
from tests.teachers.language.scripted import ScriptedService

from teachwhy.config import GenerationConfig, TechniqueConfig
from teachwhy.constitution import load_constitution
from teachwhy.service.calls import Role
from teachwhy.teachers.language.teacher import LanguageTeacher
from teachwhy.teachers.language.writer import Writer
from teachwhy.techniques import TECHNIQUES, Workshop, make_rows

CHARACTERS_PER_TOKEN = 4
NUM_DRAFTS = 30
SHARED = ("principles", "prompt_types", "document_kinds", "document_subtypes")
"""Stages whose calls all drafts share."""


class Measured(NamedTuple):
    """Calls of a stage that a technique adds to those of its lineage."""

    num_calls: int
    input_tokens: float
    """Mean of one call."""


def measure() -> dict[str, dict[tuple[str, Role], Measured]]:
    """Technique -> stage and role -> calls and lengths; the first of a lineage has what all share."""
    services: dict[str, ScriptedService] = {}
    found: dict[str, dict[tuple[str, Role], Measured]] = {}
    for name, technique in TECHNIQUES.items():
        service = services.setdefault(technique.lineage.name, ScriptedService())
        before = len(service.calls)
        teacher = LanguageTeacher(Writer(service, GenerationConfig()))
        workshop = Workshop(teacher, load_constitution())
        anyio.run(make_rows, name, workshop, TechniqueConfig(num_examples=NUM_DRAFTS), 1)
        lengths: dict[tuple[str, Role], list[int]] = defaultdict(list)
        for call in service.calls[before:]:
            characters = sum(len(message.content) for message in call.messages)
            characters += sum(len(tool.model_dump_json()) for tool in call.tools)
            lengths[call.stage, call.role].append(characters)
        found[name] = {
            key: Measured(len(sizes), sum(sizes) / len(sizes) / CHARACTERS_PER_TOKEN)
            for key, sizes in lengths.items()
        }
    return found


if __name__ == "__main__":
    for technique, stages in measure().items():
        print(f"\n[{technique}]")
        for (stage, role), size in stages.items():
            print(f"{stage} {role} {size.num_calls / NUM_DRAFTS:.2f} {size.input_tokens:.0f}")
