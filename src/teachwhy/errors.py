"""The exceptions of teachwhy.

TeachwhyError
├── InputError            the user can mend it: exit 2, one message, no traceback
│   ├── ConfigError       an experiment file or a --set
│   ├── DataError         a JSONL row, a constitution, a score file
│   ├── CheckpointError   a folder that is not a usable checkpoint
│   ├── PlanError         a training plan that makes no sense
│   └── StorageError      a full disk, a read-only folder
└── TeacherError          a teacher's reply that no retry mended
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

MAX_FOREIGN = 500
"""Characters of a foreign text in an error."""


def write_out(text: str) -> str:
    """The text on one line, with every character that does not print as the escape that `repr` has for it."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)


def quote_foreign(value: object) -> str:
    """A text or an error that somebody else made, fit for a message: printable and not too long."""
    try:
        text = write_out(str(value))
    except Exception as error:  # noqa: BLE001 - the text is computed by an object that somebody else made
        text = f"no text: {type(error).__name__}"
    return text if len(text) <= MAX_FOREIGN else f"{text[: MAX_FOREIGN - 3]}..."


def list_faults(error: ValidationError, whole: str) -> list[str]:
    """What pydantic found wrong, a text for each fault: field (`whole` where it is all), why, the value."""
    return [
        f"{'.'.join(map(str, fault['loc'])) or whole}: {fault['msg']}"
        + (f", received {str(fault['input'])[:80]!r}" if _is_plain(fault["input"]) else "")
        for fault in error.errors()
    ]


def _is_plain(value: object) -> bool:
    return value is None or isinstance(value, (str, int, float, bytes))


class TeachwhyError(Exception):
    """Base of every error that teachwhy raises on purpose."""


class InputError(TeachwhyError):
    """Something the user gave is wrong: says what, the value received, what is allowed, what to do."""


class ConfigError(InputError):
    """An experiment file or an override is wrong."""


class DataError(InputError):
    """A data file cannot be read or breaks a rule."""


class CheckpointError(InputError):
    """A folder is not a usable checkpoint.

    Parts of the text come from the checkpoint's author (a template's exception, a value of a config): what
    could steer a terminal or forge a line is written out as an escape.
    """

    def __init__(self, message: str) -> None:
        super().__init__(write_out(message))


class PlanError(InputError):
    """A training plan is senseless (no rows, no loss tokens, too few updates)."""


class StorageError(InputError):
    """The disk is full or the place cannot be written."""


class TeacherError(TeachwhyError):
    """A teacher could not produce a usable reply."""
