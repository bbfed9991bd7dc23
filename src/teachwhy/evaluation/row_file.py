"""A file of rows: one JSON line a row, appended as each piece of work ends.

A kill loses the work in flight and no other: every row is handed to the operating system when it is appended,
and forced to the disk every few rows and on closing. A line that a kill tore in two can only be the last one;
it is cut off. Anything else that is wrong is a `DataError`.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Generic, Protocol, Self, TypeVar

from pydantic import ValidationError

from teachwhy.errors import DataError, StorageError, list_faults
from teachwhy.run_dir import storage_errors

ROWS_PER_SYNC = 64


class RowRecord(Protocol):
    """What every row has, as a `Record` does."""

    @classmethod
    def model_validate_json(cls, json_data: bytes) -> Self: ...
    def model_dump_json(self) -> str: ...


Row = TypeVar("Row", bound=RowRecord)
Key = TypeVar("Key", bound=tuple[object, ...])


@dataclass(frozen=True)
class RowForm(Generic[Row, Key]):
    """What stands in a file of rows, and what its errors say."""

    row_type: type[Row]
    key_of: Callable[[Row], Key]
    """What makes a row unique; a named tuple."""
    may_replace: Callable[[Row], bool]
    """Whether a later row of the same key counts in the stead of this one."""
    redo: str
    """What deleting a line has done again."""
    find_fault: Callable[[Row], str] = lambda row: ""
    """Why a row cannot stand in this file, with the remedy; "" where it can."""


def read_row_file(path: Path, form: RowForm[Row, Key]) -> tuple[dict[Key, Row], int]:
    """The rows of a file by their key, and the length in bytes of the part that holds them.

    A last line without its newline is torn and left out. No file has no rows. Raises `DataError` for any
    other line that is not a row, for one that cannot stand there, and for a key that stands there twice,
    unless the earlier row may be replaced.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return {}, 0
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror}). Make it readable, or give another folder."
        ) from error
    whole = data[: data.rfind(b"\n") + 1]
    rows: dict[Key, Row] = {}
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            row = form.row_type.model_validate_json(line)
        except ValidationError as error:
            raise DataError(
                f"{path}, line {number}: {list_faults(error, 'the line')[0]}. Every line is one "
                f"{form.row_type.__name__} as JSON; delete this line to {form.redo}."
            ) from error
        if fault := form.find_fault(row):
            raise DataError(f"{path}, line {number}: {fault}")
        key = form.key_of(row)
        if key in rows and not form.may_replace(rows[key]):
            raise DataError(
                f"{path}, line {number}: {describe_key(key)} stands there twice. Delete one of the two lines."
            )
        rows[key] = row
    return rows, len(whole)


def describe_key(key: tuple[object, ...]) -> str:
    """A named tuple in words: "episode 'x', repeat 0"."""
    names: tuple[str, ...] = getattr(key, "_fields", ())
    return ", ".join(f"{name.removesuffix('_id')} {value!r}" for name, value in zip(names, key, strict=True))


class RowFile(Generic[Row, Key]):
    """The file open for appending, locked against other processes; a context manager."""

    def __init__(self, path: Path, form: RowForm[Row, Key], wait_seconds: float) -> None:
        """Open `path`, cut off a torn last line, read what is `found`: the rows by their key.

        Waits up to `wait_seconds` for a dying process that still holds the lock, then raises `StorageError`.
        """
        self.path = path
        self._key_of = form.key_of
        self._unsynced = 0
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = path.open("ab")
        try:
            with storage_errors(path):
                lock_file(self._file, path, wait_seconds)
                self.found, num_bytes = read_row_file(path, form)
                self._file.truncate(num_bytes)
        except BaseException:
            self._file.close()
            raise

    def append(self, row: Row) -> None:
        """Add a row; it survives the death of this process from here on."""
        with storage_errors(self.path):
            self._file.write(row.model_dump_json().encode() + b"\n")
            self._file.flush()
            self._unsynced += 1
            if self._unsynced >= ROWS_PER_SYNC:
                self._sync()
        self.found[self._key_of(row)] = row

    def _sync(self) -> None:
        os.fsync(self._file.fileno())
        self._unsynced = 0

    def close(self) -> None:
        """Force what is left to the disk and release the lock."""
        with storage_errors(self.path):
            try:
                if self._unsynced:
                    self._sync()
            finally:
                self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def lock_file(file: IO[bytes], path: Path, wait_seconds: float) -> None:
    """Lock a file that is open for appending. Waits; raises `StorageError` when another process keeps it."""
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno in (errno.ENOLCK, errno.EOPNOTSUPP):
                return  # some network file systems have no locks
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            if time.monotonic() >= deadline:
                raise StorageError(
                    f"{path}: another process is writing this evaluation. Wait for it to end, or give "
                    "another output folder."
                ) from error
        time.sleep(0.05)
