"""Draws from word lists (`word_lists/NAME.toml`): what must vary from row to row is drawn, never hoped for."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from random import Random

_FOLDER = files("teachwhy.teachers.language").joinpath("word_lists")


@cache
def load_words(name: str) -> Mapping[str, tuple[str, ...]]:
    """Lists by what is drawn from them."""
    table = tomllib.loads(_FOLDER.joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    return {key: tuple(entries) for key, entries in table.items()}


@cache
def load_behaviours() -> Mapping[str, str]:
    """Family -> what goes wrong in it, as conduct among people."""
    table = tomllib.loads(_FOLDER.joinpath("behaviours.toml").read_text(encoding="utf-8"))
    return {family: text.strip() for family, text in table.items()}


def draw(words: str, seed: int | str, *names: str) -> dict[str, str]:
    """One entry of each named list of a file; `seed` and name alone decide each."""
    lists = load_words(words)
    return {name: Random(f"{words}/{name}/{seed}").choice(lists[name]) for name in names}


def as_lines(drawn: Mapping[str, str]) -> str:
    """What was drawn, a line each, for a prompt."""
    return "\n".join(f"{name.replace('_', ' ')}: {entry}" for name, entry in drawn.items())
