"""Training examples as JSONL: one row a line, written whole or not at all, checked when read."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from teachwhy.errors import DataError, StorageError
from teachwhy.records import Example, Record
from teachwhy.techniques.pipeline import Rejected

_SHOWN_VALUE_CHARACTERS = 80

RowT = TypeVar("RowT", Example, Rejected)


def write_examples(path: Path, examples: Iterable[Record]) -> None:
    """Write records (Example, or Rejected) as JSONL under a temporary name, then rename.

    Raises StorageError when the disk is full or the folder cannot be written; the old file then stays as it
    was.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            temporary = Path(file.name)
            for example in examples:
                file.write(example.model_dump_json() + "\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        temporary = None
    except OSError as error:
        wanted = "free some space" if error.errno == errno.ENOSPC else "choose a folder that you can write"
        raise StorageError(f"cannot write {str(path)!r} ({error.strerror}); {wanted}") from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def read_examples(path: Path) -> list[Example]:
    """Read rows in their order; blank lines are skipped.

    Raises DataError that names file, line, field and value for a line that is not JSON, breaks the record, or
    repeats the id of an earlier line.
    """
    return read_records(path, Example)


def read_records(path: Path, kind: type[RowT]) -> list[RowT]:
    """`read_examples` for rows of any kind that have an id."""
    rows: list[RowT] = []
    first_lines: dict[str, int] = {}
    for number, line in enumerate(_read_lines(path), start=1):
        if not line.strip():
            continue
        row = _parse_row(path, number, line, kind)
        if row.id in first_lines:
            raise DataError(
                f"{path}, line {number}: field id: {row.id!r} is already the id of line "
                f"{first_lines[row.id]}; give each row its own id"
            )
        first_lines[row.id] = number
        rows.append(row)
    return rows


def _read_lines(path: Path) -> Sequence[str]:
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        raise DataError(
            f"examples {str(path)!r} cannot be read ({error.strerror}); check the path"
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"examples {str(path)!r} are not UTF-8 (byte {error.start}); save as UTF-8"
        ) from error


def _parse_row(path: Path, number: int, line: str, kind: type[RowT]) -> RowT:
    where = f"{path}, line {number}"
    try:
        row = json.loads(line)
    except (json.JSONDecodeError, RecursionError) as error:
        what = getattr(error, "msg", "nested too deeply")
        column = getattr(error, "colno", 1)
        raise DataError(
            f"{where}: not valid JSON at column {column} ({what}): {_shorten(line)}; "
            "each line must be one JSON object (a cut-off last line: the file was not written whole)"
        ) from error
    try:
        return kind.model_validate(row)
    except ValidationError as error:
        raise DataError(f"{where}: {_describe(error, kind)}") from error


def _describe(error: ValidationError, kind: type[Record]) -> str:
    """The first fault of a row in words, with the count of the others."""
    faults = error.errors(include_url=False)
    first = faults[0]
    field = ".".join(str(part) for part in first["loc"]) or "(whole row)"
    value = "" if first["type"] == "missing" else f", got {_shorten(repr(first['input']))}"
    remedy = {
        "missing": "add the field",
        "extra_forbidden": f"remove it; allowed: {', '.join(kind.model_fields)}",
    }.get(first["type"], "correct the value or remove the row")
    others = f" ({len(faults) - 1} more faults in this line)" if len(faults) > 1 else ""
    return f"field {field}: {first['msg']}{value}; {remedy}{others}"


def _shorten(text: str) -> str:
    text = text.strip()
    return text if len(text) <= _SHOWN_VALUE_CHARACTERS else text[: _SHOWN_VALUE_CHARACTERS - 3] + "..."
