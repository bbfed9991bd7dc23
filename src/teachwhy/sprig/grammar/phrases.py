"""The sentence pools of the grammar, read once from the TOML files beside this module."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

from teachwhy.scenarios.dialect import lexicon, say
from teachwhy.scenarios.situations import ActorKind, draw_facts

_FOLDER = files("teachwhy.sprig.grammar")


@cache
def phrases() -> dict[str, tuple[str, ...]]:
    """Pool name -> narrative sentences."""
    raw = tomllib.loads(_FOLDER.joinpath("phrases.toml").read_text(encoding="utf-8"))
    return {name: tuple(lines) for name, lines in raw.items()}


@cache
def plain_talk() -> dict[str, Any]:
    """The parsed plain.toml: `neutral`, `chat`, `craft`."""
    return tomllib.loads(_FOLDER.joinpath("plain.toml").read_text(encoding="utf-8"))


def story_facts(
    rng: Random, facts: dict[str, str] | None = None, actor: ActorKind = "human"
) -> dict[str, str]:
    """Facts with second draws for sentences that compare two things; `name` is the character in view."""
    words = lexicon()
    facts = dict(facts or draw_facts(rng, actor))
    facts.setdefault("name", facts["agent"])
    for second, pool in _SECOND_DRAWS.items():
        facts[second] = rng.choice(
            [word for word in words[pool] if word != facts[second.removeprefix("second_")]]
        )
    return facts


_SECOND_DRAWS = {
    "second_material": "materials",
    "second_town": "towns",
    "second_food": "foods",
    "second_colour": "colours",
    "second_animal": "animals",
}


def phrase(rng: Random, pool: str, facts: dict[str, str]) -> str:
    """One filled sentence of a narrative pool."""
    return say(rng, phrases()[pool], facts)
