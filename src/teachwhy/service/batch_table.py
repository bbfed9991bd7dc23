"""Which batches are with a provider, and which calls went with them, as the ledger keeps it.

A batch is `sending` from before the provider hears of it, `sent` when its id is known, `done` when each of
its calls has an answer or a failure among the attempts, and `dropped` where the provider never had it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from teachwhy.service.calls import Call
from teachwhy.service.ledger_file import LedgerFile, describe_request


class OpenBatch(NamedTuple):
    """A batch some of whose calls have neither an answer nor a failure."""

    number: int
    """In the ledger."""
    model: str
    id: str | None
    """Of the provider; None while it is not known whether it has the batch."""
    file: str | None
    """Id of its file at the provider, where it went there as one."""
    began: datetime
    calls: dict[str, Call]
    """By their ids, in the order of sending."""
    waiting: frozenset[str]
    """Ids of those that are not settled."""


class BatchTable:
    """The tables `batches` and `batch_calls` of a ledger."""

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    def begin(self, model: str, calls: Mapping[str, Call]) -> int:
        """Note that these calls are about to be sent as a batch; its number."""

        def work() -> int:
            at = datetime.now(UTC).isoformat(timespec="seconds")
            number = self._file.db.execute(
                "INSERT INTO batches VALUES (NULL, ?, 'sending', NULL, NULL, ?)", (model, at)
            ).lastrowid
            assert number is not None
            for call_id, call in calls.items():
                self._file.keep_texts(call)
                values = (call.stage, call.role, call.sample, call.prompts, describe_request(call))
                self._file.db.execute(
                    "INSERT INTO batch_calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
                    (number, call_id, *values, json.dumps(call.parents)),
                )
            return number

        return self._file.write(work)

    def note_file(self, number: int, file_id: str) -> None:
        """The provider has the file of a batch."""
        self._change("UPDATE batches SET file = ? WHERE number = ?", (file_id, number))

    def note_sent(self, number: int, batch_id: str) -> None:
        """The provider has a batch, under this id."""
        self._change("UPDATE batches SET state = 'sent', id = ? WHERE number = ?", (batch_id, number))

    def drop(self, number: int) -> None:
        """The provider has no such batch: its calls are free to be sent again."""

        def work() -> None:
            self._file.db.execute("UPDATE batches SET state = 'dropped' WHERE number = ?", (number,))
            self._file.db.execute("UPDATE batch_calls SET is_settled = 1 WHERE batch = ?", (number,))

        self._file.write(work)

    def _change(self, statement: str, values: tuple[object, ...]) -> None:
        self._file.write(lambda: self._file.db.execute(statement, values))

    def settle(self, call_id: str, batch_id: str) -> None:
        """A call of a batch has its answer or its failure; inside `write` of the ledger."""
        db = self._file.db
        for (number,) in db.execute("SELECT number FROM batches WHERE id = ?", (batch_id,)).fetchall():
            db.execute(
                "UPDATE batch_calls SET is_settled = 1 WHERE batch = ? AND call_id = ?", (number, call_id)
            )
            db.execute(
                "UPDATE batches SET state = 'done' WHERE number = ? AND NOT EXISTS "
                "(SELECT 1 FROM batch_calls WHERE batch = ? AND is_settled = 0)",
                (number, number),
            )

    def read_open(self) -> list[OpenBatch]:
        """The batches that are not done, oldest first."""
        with self._file.reading():
            rows = self._file.db.execute(
                "SELECT number, model, id, file, at FROM batches WHERE state IN ('sending', 'sent') "
                "ORDER BY number"
            ).fetchall()
            found = []
            for number, model, batch_id, file, at in rows:
                calls, waiting = self._read_calls(number)
                began = datetime.fromisoformat(at)
                found.append(OpenBatch(number, model, batch_id, file, began, calls, waiting))
            return found

    def _read_calls(self, number: int) -> tuple[dict[str, Call], frozenset[str]]:
        rows = self._file.db.execute(
            "SELECT call_id, stage, role, sample, prompts, request, parents, is_settled FROM batch_calls "
            "WHERE batch = ? ORDER BY rowid",
            (number,),
        ).fetchall()
        calls = {row[0]: self._file.make_call(*row[1:-1]) for row in rows}
        return calls, frozenset(row[0] for row in rows if not row[-1])

    def knows(self, batch_id: str) -> bool:
        """Some batch of this ledger has this id."""
        with self._file.errors():
            found = self._file.db.execute("SELECT 1 FROM batches WHERE id = ?", (batch_id,)).fetchone()
        return found is not None
