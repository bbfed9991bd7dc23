"""What a technique is told by the experiment file: families, options, floor of its grades, prompts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from teachwhy.config import TechniqueConfig
from teachwhy.environments import SourcePrompt, load_prompts, load_shipped_prompts
from teachwhy.errors import ConfigError
from teachwhy.run_dir import expand_home
from teachwhy.scenarios.families import FAMILIES
from teachwhy.teachers.protocol import Teacher

if TYPE_CHECKING:
    from teachwhy.techniques.pipeline import Technique

SCORE_FLOOR = "score_floor"
"""Option of every technique: rows that the teacher grades lower are rejected."""
DEFAULT_SCORE_FLOOR = 0.5


class SettledOptions(NamedTuple):
    """What applies, defaults filled in."""

    families: tuple[str, ...]
    options: dict[str, str]
    score_floor: float


def order_sources(
    technique: Technique[Any], teacher: Teacher, settings: SettledOptions, num_wanted: int, seed: int
) -> tuple[SourcePrompt, ...]:
    """The prompts of a lineage that takes them, in an order of the seed; none where the teacher writes them.

    Raises ConfigError for fewer than rows are wanted.
    """
    path = settings.options.get("prompts", "")
    if not technique.lineage.takes_prompts or (teacher.writes_harm_requests and not path):
        return ()
    sources = list(load_prompts(expand_home(path)) if path else load_shipped_prompts())
    if len(sources) < num_wanted:
        raise ConfigError(
            f"technique {technique.name!r}: num_examples = {num_wanted}, and {path or 'the shipped set'} has "
            f"{len(sources)} prompts. Lower num_examples, or give a file with more (options.prompts)."
        )
    random.Random(f"{technique.lineage.name}/{seed}").shuffle(sources)
    return tuple(sources)


def find_faults(technique: Technique[Any], config: TechniqueConfig) -> Iterator[str]:
    """What of its settings a technique does not take, each with what is allowed."""
    allowed = _allowed_families(technique)
    for family in config.families:
        if family not in allowed:
            choice = ", ".join(allowed) or "none, it takes no families"
            yield f"families: family {family!r} may not be used; allowed: {choice}"
    for name, value in config.options.items():
        if name == SCORE_FLOOR:
            if _parse_floor(value) is None:
                yield f"options: option {SCORE_FLOOR} is {value!r}; allowed: a number from 0 to 1"
        elif name not in technique.options:
            names = ", ".join((*technique.options, SCORE_FLOOR))
            yield f"options: unknown option {name!r}; allowed: {names}"
        elif technique.options[name] and value not in technique.options[name]:
            choice = ", ".join(technique.options[name])
            yield f"options: option {name} is {value!r}; allowed: {choice}"


def resolve_settings(technique: Technique[Any], config: TechniqueConfig) -> SettledOptions:
    """Options with defaults filled in, families checked; raises ConfigError."""
    for fault in find_faults(technique, config):
        raise ConfigError(f"technique {technique.name!r}: {fault}")
    options = {
        name: config.options.get(name, values[0] if values else "")
        for name, values in technique.options.items()
    }
    floor = _parse_floor(config.options[SCORE_FLOOR]) if SCORE_FLOOR in config.options else None
    return SettledOptions(
        config.families or _allowed_families(technique),
        options,
        DEFAULT_SCORE_FLOOR if floor is None else floor,
    )


def _allowed_families(technique: Technique[Any]) -> tuple[str, ...]:
    return tuple(name for name, family in FAMILIES.items() if family.split in technique.lineage.splits)


def _parse_floor(value: str) -> float | None:
    """The number, or None for what is no number from 0 to 1."""
    try:
        floor = float(value)
    except ValueError:
        return None
    return floor if 0.0 <= floor <= 1.0 else None
