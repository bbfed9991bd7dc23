"""The sprig dialect: pools of names, things and sentences, read from the TOML files beside this module.

A draw is a function of the random generator alone; nothing here keeps state but the parsed files.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from random import Random

from teachwhy.prompts import fill

_FOLDER = files("teachwhy.scenarios")


@cache
def lexicon() -> dict[str, tuple[str, ...]]:
    """Pool name -> its words or phrases."""
    raw = tomllib.loads(_FOLDER.joinpath("lexicon.toml").read_text(encoding="utf-8"))
    return {name: _split(text) for name, text in raw.items()}


def _split(text: str) -> tuple[str, ...]:
    parts = text.replace("\n", "|").split("|") if "|" in text else text.split()
    return tuple(" ".join(part.split()) for part in parts if part.strip())


@cache
def shared_sentences() -> dict[str, tuple[str, ...]]:
    """Pool name -> sentences that all families share."""
    raw = tomllib.loads(_FOLDER.joinpath("shared.toml").read_text(encoding="utf-8"))
    return {name: tuple(lines) for name, lines in raw.items()}


@cache
def task_orders() -> dict[str, tuple[str, ...]]:
    """Task kind (the tool that does it) -> ways to order it."""
    raw = tomllib.loads(_FOLDER.joinpath("tasks.toml").read_text(encoding="utf-8"))
    return {name: tuple(table["order"]) for name, table in raw.items()}


@cache
def family_sentences(family: str) -> dict[str, tuple[str, ...]]:
    """Pool name -> sentences of one family."""
    text = _FOLDER.joinpath("families", family, "sprig.toml").read_text(encoding="utf-8")
    return {name: tuple(lines) for name, lines in tomllib.loads(text).items()}


def say(rng: Random, pool: tuple[str, ...], facts: dict[str, str]) -> str:
    """One sentence of the pool, filled, with its first letter raised."""
    sentence = fill(rng.choice(pool), facts)
    return sentence[:1].upper() + sentence[1:]
