"""Prompts of the checks: `prompts/NAME.md`, a part after the line `@system` and one after `@user`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from teachwhy.errors import DataError
from teachwhy.prompts import fill
from teachwhy.records import Message


class Prompt(NamedTuple):
    """A prompt file."""

    system: str
    user: str
    digest: str
    """16 hex digits of SHA-256 over the file."""

    def render(self, values: Mapping[str, str]) -> tuple[Message, ...]:
        """The messages; every value must have its place in the user's part. Raises DataError."""
        user = fill(self.user, values, must_use=tuple(values))
        return (Message(role="system", content=self.system), Message(role="user", content=user))


@cache
def load_prompt(name: str) -> Prompt:
    """Read a prompt file. Raises DataError for one without both parts."""
    text = files("teachwhy.checks").joinpath("prompts", f"{name}.md").read_text(encoding="utf-8")
    head, system_mark, rest = text.partition("@system\n")
    system, user_mark, user = rest.partition("\n@user\n")
    if head.strip() or not system_mark or not user_mark:
        raise DataError(f"prompts/{name}.md: must be @system and its text, then @user and its text")
    return Prompt(system.strip(), user.strip(), hashlib.sha256(text.encode("utf-8")).hexdigest()[:16])
