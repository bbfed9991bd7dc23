"""Draws from word lists (`word_lists/NAME.toml`): what must vary is drawn by a seed, never hoped for."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from random import Random
from typing import Any

_FOLDER = files("teachwhy.teachers.language").joinpath("word_lists")


@cache
def load_words(name: str) -> Mapping[str, tuple[str, ...]]:
    """Lists by what is drawn from them."""
    return {key: tuple(entries) for key, entries in read_table(name).items()}


@cache
def load_behaviours() -> Mapping[str, str]:
    """Family -> what goes wrong in it, as conduct among people."""
    return {family: text.strip() for family, text in read_table("behaviours").items()}


def read_table(name: str) -> dict[str, Any]:
    """A file of word_lists/ as TOML has it."""
    return tomllib.loads(_FOLDER.joinpath(f"{name}.toml").read_text(encoding="utf-8"))


@cache
def digest_of_lists() -> str:
    """12 hex digits of SHA-256 over all word lists; with that of its prompts the version of a stage."""
    lists = sorted((path for path in _FOLDER.iterdir() if path.is_file()), key=lambda path: path.name)
    content = b"\0".join(path.name.encode() + b"\0" + path.read_bytes() for path in lists)
    return hashlib.sha256(content).hexdigest()[:12]


def draw(words: str, seed: int | str, *names: str) -> dict[str, str]:
    """One entry of each named list of a file; `seed` and name alone decide each."""
    lists = load_words(words)
    return {name: Random(f"{words}/{name}/{seed}").choice(lists[name]) for name in names}


def as_lines(drawn: Mapping[str, str]) -> str:
    """What was drawn, a line each, for a prompt."""
    return "\n".join(f"{name.replace('_', ' ')}: {entry}" for name, entry in drawn.items())
