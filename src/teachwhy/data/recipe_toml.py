"""A dataset's recipe as the experiment file that makes its rows again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from teachwhy.config import GRAMMAR
from teachwhy.data.folder import Recipe

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def write_toml(recipe: Recipe) -> Iterator[str]:
    """The lines of the file; defaults are left out."""
    values = {
        "name": recipe.key,
        "teacher": recipe.teacher,
        "dialect": "sprig" if recipe.teacher == GRAMMAR else "english",
        "constitution": recipe.constitution,
        "data_seed": recipe.data_seed,
        "generation": recipe.generation.model_dump(mode="json", exclude_defaults=True),
        "techniques": {recipe.key: recipe.settings.model_dump(mode="json", exclude_defaults=True)},
    }
    yield from _write_table((), values)


def _write_table(path: tuple[str, ...], values: dict[str, Any]) -> Iterator[str]:
    plain = {name: value for name, value in values.items() if not isinstance(value, dict)}
    tables = {name: value for name, value in values.items() if isinstance(value, dict)}
    if path and (plain or not tables):
        yield f"\n[{'.'.join(map(_as_key, path))}]"
    yield from (f"{_as_key(name)} = {_as_text(value)}" for name, value in plain.items())
    for name, value in tables.items():
        yield from _write_table((*path, name), value) if value or len(path) else ()


def _as_key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _as_text(name)


def _as_text(value: object) -> str:
    """A value as JSON, which is TOML too for texts, numbers and lists of these; it ends no fence."""
    return json.dumps(value).replace("`", "\\u0060").replace("\x7f", "\\u007f")
