"""System prompts of the settings: one TOML file a family, from plain to permissive pretext.

They are in system_prompts/. A variant is a text with placeholders, filled from words.toml, whose names occur
in no evaluation, and strictly: a placeholder without a word list fails, and so does a word list that no
variant uses (a test).
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from functools import cache
from random import Random

from teachwhy.environments.catalogue import FOLDER
from teachwhy.errors import ConfigError, DataError
from teachwhy.prompts import fill, placeholders
from teachwhy.records import Record


class SystemFamily(Record):
    """Ways to write one kind of system prompt."""

    name: str
    summary: str
    degree: int
    """How near the setting comes to making help look fine: 0 plain, 1 detailed, 2 permissive pretext."""
    variants: tuple[str, ...]


@cache
def load_system_families() -> dict[str, SystemFamily]:
    """Name -> family, in the order of degree and name."""
    words = load_words()
    families = [
        parse_family(path.read_text(encoding="utf-8"), path.name, words)
        for path in FOLDER.joinpath("system_prompts").iterdir()
        if path.name.endswith(".toml")
    ]
    return {family.name: family for family in sorted(families, key=lambda one: (one.degree, one.name))}


@cache
def load_words() -> dict[str, tuple[str, ...]]:
    """Placeholder -> what may stand there."""
    table = tomllib.loads(FOLDER.joinpath("words.toml").read_text(encoding="utf-8"))
    return {name: tuple(words) for name, words in table.items()}


@cache
def settings_version() -> str:
    """Eight hex digits over families and words."""
    texts = [family.model_dump_json() for family in load_system_families().values()]
    return hashlib.sha256("\n".join([*texts, repr(load_words())]).encode()).hexdigest()[:8]


def parse_family(text: str, source: str, words: Mapping[str, tuple[str, ...]]) -> SystemFamily:
    """One file; DataError names the file and what is wrong, a placeholder without words among it."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{source}: not valid TOML ({error})") from error
    if set(table) != {"summary", "degree", "variants"}:
        wrong = min(set(table) ^ {"summary", "degree", "variants"})
        raise DataError(f"{source}: {wrong!r} is missing or unknown; allowed: summary, degree, variants")
    for variant in table["variants"]:
        if unknown := sorted(placeholders(variant) - words.keys()):
            raise DataError(
                f"{source}: no words for placeholder {{{unknown[0]}}}; known: {', '.join(sorted(words))}"
            )
    return SystemFamily(
        name=source.removesuffix(".toml"),
        summary=table["summary"],
        degree=table["degree"],
        variants=tuple(variant.strip() for variant in table["variants"]),
    )


def draw_system(rng: Random, names: tuple[str, ...] = ()) -> tuple[SystemFamily, str]:
    """A family (of those named; of all, where none is) and a filled system prompt of it.

    Families are equally likely, whatever the number of their variants.
    """
    families = load_system_families()
    if unknown := sorted(set(names) - families.keys()):
        raise ConfigError(
            f"family of system prompts {unknown[0]!r} does not exist; allowed: {', '.join(families)}"
        )
    family = families[rng.choice(names or tuple(families))]
    variant = rng.choice(family.variants)
    values = {name: rng.choice(words) for name, words in load_words().items()}
    return family, fill(variant, values)
