"""The prompts of the language teacher: one file each, with a system and a user part.

`prompts/NAME.md` begins with a line `@system`, has a line `@user`, and holds placeholders such as
`{section}`. Shared pieces (`prompts/shared/NAME.md`) stand in them as `{shared_NAME}`. Braces of other
kinds are plain text, and values are never filled again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from teachwhy.errors import DataError
from teachwhy.prompts import fill, placeholders
from teachwhy.records import Message

_FOLDER = files("teachwhy.teachers.language").joinpath("prompts")
_SYSTEM, _USER = "@system\n", "\n@user\n"
_SHARED = "shared_"


class PromptFile(NamedTuple):
    """A prompt as it stands in its file."""

    name: str
    system: str
    user: str
    digest: str
    """12 hex digits of SHA-256 over the file and the shared pieces that it uses."""

    def render(self, **values: str) -> tuple[Message, ...]:
        """System and user message. Raises DataError for a placeholder without a value and for a value that
        neither part uses."""
        known = {**values, **{name: _read_shared(name) for name in self._shared_names()}}
        unused = set(values) - placeholders(self.system) - placeholders(self.user)
        if unused:
            raise DataError(f"prompt {self.name!r} does not use {{{min(unused)}}}; known: {sorted(values)}")
        return (
            Message(role="system", content=fill(self.system, known)),
            Message(role="user", content=fill(self.user, known)),
        )

    def _shared_names(self) -> list[str]:
        names = placeholders(self.system) | placeholders(self.user)
        return sorted(name for name in names if name.startswith(_SHARED))


@cache
def load_prompt(name: str) -> PromptFile:
    """The prompt of this name. Raises DataError for a file that does not have the two parts."""
    text = _FOLDER.joinpath(f"{name}.md").read_text(encoding="utf-8").strip()
    if not text.startswith(_SYSTEM) or text.count(_USER) != 1:
        raise DataError(f"prompts/{name}.md: must begin with a line @system and have one line @user")
    system, user = text.removeprefix(_SYSTEM).split(_USER)
    prompt = PromptFile(name, system.strip(), user.strip(), "")
    pieces = [text, *(_read_shared(piece) for piece in prompt._shared_names())]
    return prompt._replace(digest=hashlib.sha256("\0".join(pieces).encode()).hexdigest()[:12])


def list_prompts() -> tuple[str, ...]:
    """Names of all prompt files."""
    names = (path.name for path in _FOLDER.iterdir() if path.name.endswith(".md"))
    return tuple(sorted(name.removesuffix(".md") for name in names))


@cache
def _read_shared(name: str) -> str:
    path = _FOLDER.joinpath("shared", f"{name.removeprefix(_SHARED)}.md")
    return path.read_text(encoding="utf-8").strip()


def digest_of(names: Mapping[str, object] | tuple[str, ...]) -> str:
    """One digest of several prompt files."""
    return hashlib.sha256(" ".join(load_prompt(name).digest for name in names).encode()).hexdigest()[:12]
