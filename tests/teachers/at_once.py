"""Run a stage of a teacher that waits for nobody."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

Made = TypeVar("Made")


def at_once(stage: Coroutine[Any, Any, Made]) -> Made:
    """What the stage makes; it must not wait for anything."""
    try:
        stage.send(None)
    except StopIteration as end:
        made: Made = end.value
        return made
    stage.close()
    raise AssertionError("the stage waits for something")
