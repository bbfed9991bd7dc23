"""The ledger of an evaluation: one JSON line an episode, appended when the episode ends.

Reads and writes `episodes.jsonl`, a file of rows (row_file.py). An episode that was lost to its provider
(`is_lost`) runs again on the next start, and its later row counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from teachwhy.evaluation.row_file import RowFile, RowForm, RowRecord, read_row_file
from teachwhy.records import EpisodeKey, EpisodeRow, key_of

PROVIDER_FAILED = "the provider failed"
"""In the reason of every row whose episode a provider's failure ended."""


class LedgerRow(RowRecord, Protocol):
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


Row = TypeVar("Row", bound=LedgerRow)


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

    Raises `DataError` as `read_row_file` does, and for a row of another arm or seed. An episode may stand
    there twice where the earlier row was lost (or is another that `may_replace` says a later one replaces).
    """
    rows, num_bytes = read_row_file(path, _make_form(row_type, arm, seed, may_replace))
    return list(rows.values()), num_bytes


def _make_form(
    row_type: type[Row], arm: str, seed: int, may_replace: Callable[[Row], bool]
) -> RowForm[Row, EpisodeKey]:
    def find_stranger(row: Row) -> str:
        if (row.arm, row.seed) == (arm, seed):
            return ""
        return (
            f"the row is of arm {row.arm!r}, seed {row.seed}; this evaluation is of arm {arm!r}, seed "
            f"{seed}. Give another output folder, or delete that file."
        )

    return RowForm(row_type, key_of, may_replace, "have its episode run again", find_stranger)


class Ledger(RowFile[Row, EpisodeKey]):
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
        """As `RowFile` does; `rows` are those of the episodes that need not run again."""
        super().__init__(path, _make_form(row_type, arm, seed, may_replace), wait_seconds)
        self.rows = [row for row in self.found.values() if not is_lost(row)]

    def append(self, row: Row) -> None:
        """Add a row; it survives the death of this process from here on."""
        super().append(row)
        self.rows.append(row)


def sort_rows(rows: Sequence[Row], order: Sequence[EpisodeKey]) -> list[Row]:
    """The rows in the order of the keys, whatever order they were written in; every key must have a row."""
    by_key = {key_of(row): row for row in rows}
    return [by_key[key] for key in order]
