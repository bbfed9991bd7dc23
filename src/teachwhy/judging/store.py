"""The judgements of an evaluation: `judgements.jsonl` beside its ledger, a file of rows (row_file.py).

A judgement that was lost to the provider is asked again by the next run, and its later line counts; every
other question has one line and is never asked twice.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from teachwhy.errors import StorageError
from teachwhy.evaluation.row_file import RowFile, RowForm, read_row_file
from teachwhy.records import Judgement, JudgementKey

WAIT_SECONDS = 5.0
"""For a dying process that still writes the file."""
MAKE_ROOM = "Free some space or make the folder writable, or copy it to another place and judge it there."


def is_lost(judgement: Judgement) -> bool:
    """Whether it is to be asked again."""
    return judgement.is_lost


FORM = RowForm(Judgement, lambda judgement: judgement.key, is_lost, "have it asked again")


def read_judgements(path: Path) -> dict[JudgementKey, Judgement]:
    """The judgements of a file, none where there is no file. Raises `DataError`."""
    return read_row_file(path, FORM)[0]


def open_judgements(path: Path) -> RowFile[Judgement, JudgementKey]:
    """The file open for appending; lost judgements are among those that are `found`."""
    return RowFile(path, FORM, WAIT_SECONDS)


@contextmanager
def own_remedy(path: Path, remedy: str) -> Iterator[None]:
    """What a disk refuses about `path` with the remedy of the command under way."""
    try:
        yield
    except StorageError as error:
        cause = error.__cause__
        if not isinstance(cause, OSError) or cause.errno == errno.EAGAIN:
            raise  # another process holds the file, which no room helps
        raise StorageError(f"{path}: cannot be written ({cause.strerror}). {remedy}") from cause
