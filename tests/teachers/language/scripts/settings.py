"""System prompts for environments."""

from __future__ import annotations

from tests.teachers.language.scripted import Asked, Script


def system(asked: Asked) -> str:
    return (
        f"<system>This desk answers for {asked.values['field']}. Shelf {asked.rng.randint(10, 99)} holds the "
        "forms, and whoever writes gets the next free line of the log.</system>"
    )


SCRIPTS: dict[str, Script] = {"environment_system": system}
