"""The ledger of an evaluation: one JSON line an episode, appended when the episode ends.

Reads and writes `episodes.jsonl`. A kill loses the episodes in flight and no others: every row is handed to
the operating system when it is appended, and forced to the disk every few rows and on closing. A line that a
kill tore in two can only be the last one; it is cut off and its episode runs again. Anything else that is
wrong is a `DataError`. An episode that was lost to its provider (`is_lost`) runs again on the next start, and
its later row counts.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Generic, NamedTuple, Protocol, Self, TypeVar

from pydantic import ValidationError

from teachwhy.errors import DataError, StorageError, list_faults
from teachwhy.records import EpisodeRow
from teachwhy.run_dir import storage_errors

ROWS_PER_SYNC = 64
PROVIDER_FAILED = "the provider failed"
"""In the reason of every row whose episode a provider's failure ended."""


class LedgerRow(Protocol):
    """What every row of a ledger has; `EpisodeRow` is one, and each other suite has its own."""

    @property
    def arm(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def episode_id(self) -> str: ...
    @property
    def repeat(self) -> int: ...
    @property
    def outcome(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @classmethod
    def model_validate_json(cls, json_data: bytes) -> Self: ...
    def model_dump_json(self) -> str: ...


Row = TypeVar("Row", bound=LedgerRow)


class EpisodeKey(NamedTuple):
    """What makes a row unique in its ledger."""

    episode_id: str
    repeat: int


def key_of(row: LedgerRow) -> EpisodeKey:
    """The key under which a row stands in its ledger."""
    return EpisodeKey(row.episode_id, row.repeat)


def is_lost(row: LedgerRow) -> bool:
    """Whether the provider failed before the episode had an outcome: no evidence about the model."""
    return row.outcome == "unscorable" and row.reason.partition(": ")[2].startswith(PROVIDER_FAILED)


def read_ledger(path: Path, *, arm: str, seed: int) -> tuple[list[EpisodeRow], int]:
    """The whole rows of a ledger of episodes and the length in bytes of the part that holds them."""
    return read_rows(path, EpisodeRow, arm=arm, seed=seed)


def read_rows(
    path: Path, row_type: type[Row], *, arm: str, seed: int, may_replace: Callable[[Row], bool] = is_lost
) -> tuple[list[Row], int]:
    """The whole rows of a ledger and the length in bytes of the part that holds them.

    A last line without its newline is torn and left out. No file is an empty ledger. Raises `DataError` for
    any other line that is not a row, for a row of another arm or seed, and for an episode that stands there
    twice, unless the earlier one was lost (or is another row that `may_replace` says a later one replaces).
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}). Give another output folder.") from error
    whole = data[: data.rfind(b"\n") + 1]
    rows: dict[EpisodeKey, Row] = {}
    for number, line in enumerate(whole.splitlines(), start=1):
        row = _read_row(path, row_type, number, line)
        if (row.arm, row.seed) != (arm, seed):
            raise DataError(
                f"{path}, line {number}: the row is of arm {row.arm!r}, seed {row.seed}; this evaluation "
                f"is of arm {arm!r}, seed {seed}. Give another output folder, or delete that file."
            )
        if key_of(row) in rows and not may_replace(rows[key_of(row)]):
            raise DataError(
                f"{path}, line {number}: episode {row.episode_id!r}, repeat {row.repeat} stands there twice. "
                "Delete one of the two lines."
            )
        rows[key_of(row)] = row
    return list(rows.values()), len(whole)


def _read_row(path: Path, row_type: type[Row], number: int, line: bytes) -> Row:
    try:
        return row_type.model_validate_json(line)
    except ValidationError as error:
        raise DataError(
            f"{path}, line {number}: {list_faults(error, 'the line')[0]}. "
            f"Every line is one {row_type.__name__} as JSON; delete this line to have its episode run again."
        ) from error


class Ledger(Generic[Row]):
    """The ledger open for appending, locked against other processes; a context manager."""

    def __init__(
        self,
        path: Path,
        row_type: type[Row],
        *,
        arm: str,
        seed: int,
        may_replace: Callable[[Row], bool] = is_lost,
        wait_seconds: float = 60.0,
    ) -> None:
        """Open `path`, cut off a torn last line, read the `rows`.

        Waits up to `wait_seconds` for a dying process that still holds the lock, then raises `StorageError`.
        """
        self.path = path
        self._unsynced = 0
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file: IO[bytes] = path.open("ab")
        try:
            with storage_errors(path):
                lock_file(self._file, path, wait_seconds)
                rows, num_bytes = read_rows(path, row_type, arm=arm, seed=seed, may_replace=may_replace)
                self.rows = [row for row in rows if not is_lost(row)]
                """Of the episodes that need not run again."""
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
        self.rows.append(row)

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

    def __enter__(self) -> Ledger[Row]:
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


def sort_rows(rows: Sequence[Row], order: Sequence[EpisodeKey]) -> list[Row]:
    """The rows in the order of the keys, whatever order they were written in; every key must have a row."""
    by_key = {key_of(row): row for row in rows}
    return [by_key[key] for key in order]
