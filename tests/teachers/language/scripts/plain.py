"""Plain samples: what the model says to a conversation that no prompt file made."""

from __future__ import annotations

from tests.teachers.language.scripted import Asked, Script


def plain(asked: Asked) -> str:
    return f"A plain answer, number {asked.rng.randint(1000, 9999)}."


SCRIPTS: dict[str, Script] = {"": plain}
