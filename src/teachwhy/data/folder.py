"""The folder of a dataset, as `teachwhy generate` and the data stage of a run leave it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from teachwhy.errors import InputError
from teachwhy.records import Example
from teachwhy.techniques import read_examples

EXAMPLES = "examples.jsonl"
REJECTED = "rejected.jsonl"


class Rows(NamedTuple):
    """The rows that were kept, and their file."""

    examples: list[Example]
    path: Path


def find_rows(folder: Path) -> Path:
    """The file of rows in a dataset's folder. Raises InputError where there is none."""
    path = folder / EXAMPLES
    if not path.is_file():
        beside = sorted(found.parent.name for found in folder.glob(f"*/{EXAMPLES}"))
        hint = f" Folders in it that are: {', '.join(beside[:5])}." if beside else ""
        raise InputError(
            f"{folder}: is no folder of a dataset: it holds no {EXAMPLES}. Give a folder that teachwhy "
            f"generate has written.{hint}"
        )
    return path


def read_rows(folder: Path) -> Rows:
    """The rows of a dataset's folder. Raises InputError and DataError."""
    path = find_rows(folder)
    return Rows(read_examples(path), path)
