"""An experiment file and the overrides of a command line, read as plain values.

Reads TOML. What no field could take, wherever it stands (a date, a text that is not UTF-8, a number without
end, brackets without end), is refused here with its key; config.py checks what the fields themselves allow.
"""

from __future__ import annotations

import datetime
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from teachwhy.errors import ConfigError

MAX_DEPTH = 16
"""Levels of tables and lists; an experiment has six."""
MAX_BITS = 64
"""Of a whole number."""
_MAX_POSITION_DIGITS = 6


def read_toml(path: Path) -> dict[str, Any]:
    """The values of an experiment file. Raises ConfigError where it is absent or no TOML."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        beside = sorted(other.name for other in path.parent.glob("*.toml")) if path.parent.is_dir() else []
        hint = f" That folder has: {', '.join(beside)}." if beside else ""
        raise ConfigError(
            f"{path}: no such file. Give the path of an experiment file (TOML).{hint}"
        ) from None
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}). Give the path of a TOML file."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start}). Give a TOML file.") from error
    except ValueError as error:
        raise ConfigError(f"{path}: is no path ({error}). Give the path of a TOML file.") from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}. Mend that line.") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: {_explain_parser(error)}") from error


def apply_override(values: dict[str, Any], override: str) -> None:
    """Put `a.b=c` into `values`. List items are named by their position: `arms.0.title="x"`."""
    key, equals, text = override.partition("=")
    parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(
            f"--set {_shorten(override)}: is not of the form key.path=value. Example: --set "
            "training.updates=60"
        )
    value = _read_value(override, key, text)
    target: Any = values
    for depth, part in enumerate(parts):
        here = ".".join(parts[:depth]) or "the file"
        last = depth == len(parts) - 1
        if isinstance(target, list):
            position = int(part) if _is_position(part) else len(target)
            if position >= len(target):
                raise ConfigError(
                    f"--set {_shorten(override)}: {here} is a list of {len(target)}; "
                    + (f"give a position from 0 to {len(target) - 1}, received " if target else "received ")
                    + f"{part!r}"
                )
            if last:
                target[position] = value
            else:
                target = target[position]
        elif isinstance(target, dict):
            if last:
                target[part] = value
            else:
                target = target.setdefault(part, {})
        else:
            raise ConfigError(
                f"--set {_shorten(override)}: {here} is a value and has no key {part!r}. Set {here} itself."
            )


def _read_value(override: str, key: str, text: str) -> Any:
    """What stands behind the `=` of an override."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        # A bare word is meant as text: the shell has already eaten the quotes of student="sprig".
        if not text or any(character in text for character in "[]{}\"'=\n"):
            raise ConfigError(
                f"--set {_shorten(override)}: {_shorten(text)!r} is not a TOML value. Write a number, true, "
                f"a list or a quoted text: --set '{_shorten(key)}=\"text\"'"
            ) from None
        return text.strip()
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"--set {_shorten(override)}: {_explain_parser(error)}") from error
    if len(parsed) > 1:
        raise ConfigError(f"--set {_shorten(override)}: sets more than one key. Give each its own --set.")
    return parsed["value"]


def _is_position(part: str) -> bool:
    return part.isascii() and part.isdecimal() and len(part) <= _MAX_POSITION_DIGITS


def _explain_parser(error: ValueError | RecursionError) -> str:
    """What stopped the parser, which is no mistake of form."""
    if isinstance(error, RecursionError):
        return f"its brackets are nested too deeply; at most {MAX_DEPTH} levels are read. Mend that value."
    return f"a number in it has too many digits; at most {MAX_BITS} bits are read. Mend that value."


def find_unusable(values: Mapping[str, Any]) -> Iterator[str]:
    """Of every value that no field could take: its key, what it is, what to do."""
    waiting: list[tuple[str, Any, int]] = [("", values, 0)]
    while waiting:
        key, value, depth = waiting.pop()
        if isinstance(value, dict | list):
            if depth == MAX_DEPTH:
                yield f"{_shorten(key)} is nested too deeply; at most {MAX_DEPTH} levels are read."
                continue
            waiting += reversed(list(_items(key, value, depth + 1)))
            if isinstance(value, dict):
                odd = (why for why in map(_find_odd, value) if why)
                yield from (f"{key or 'the file'} has a key that {why}" for why in odd)
        elif isinstance(value, datetime.date | datetime.time):
            yield f"{key} = {value} is a date or a time, which no key takes. Put it in quotes if it is text."
        elif isinstance(value, str) and (why := _find_odd(value)):
            yield f"{key} {why}"
        elif isinstance(value, int) and value.bit_length() > MAX_BITS:
            yield f"{key} is a number of {value.bit_length()} bits; at most {MAX_BITS} are read."


def _items(key: str, value: dict[str, Any] | list[Any], depth: int) -> Iterator[tuple[str, Any, int]]:
    if isinstance(value, dict):
        yield from ((f"{key}.{name}".lstrip("."), inner, depth) for name, inner in value.items())
    else:
        yield from ((f"{key}[{index}]", inner, depth) for index, inner in enumerate(value))


def _find_odd(text: str) -> str:
    """What makes a text unusable as a name, a path or anything else; empty for a good one."""
    if "\0" in text:
        return f"holds the character NUL: {_shorten(text)!r}. Take it out."
    if any("\ud800" <= character <= "\udfff" for character in text):
        return f"is not UTF-8 text: {_shorten(text)!r}. Write it in UTF-8."
    return ""


def _shorten(text: str) -> str:
    return text if len(text) <= 80 else text[:77] + "..."
