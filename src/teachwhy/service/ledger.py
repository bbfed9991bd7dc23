"""The ledger: every attempt of every call with what it cost, and every draft with its parents and its calls.

An answer is committed the moment it arrives, so it survives the death of the process. Drafts can be made
again from the answers, so they are written in lots.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

from teachwhy.errors import StorageError
from teachwhy.records import ToolCall
from teachwhy.service.batch_table import BatchTable
from teachwhy.service.calls import Call, DraftRecord, Reply, Stop
from teachwhy.service.ledger_file import LedgerFile, describe_request, pack, unpack, write_surrogates

DRAFTS_PER_WRITE = 500

Outcome = Literal["ok", "cut", "filtered", "unreadable", "error"]
"""What became of an attempt; only of an `error` there is no answer."""


class Attempt(NamedTuple):
    """What came of asking a call once."""

    outcome: Outcome
    reason: str = ""
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    stop: Stop = "end"
    input_tokens: int | None = 0
    """None, as `output_tokens` then, where the provider did not say."""
    output_tokens: int | None = 0
    cached_tokens: int = 0
    cost_usd: float | None = None
    price_date: str | None = None
    latency_seconds: float = 0.0
    batch: str | None = None


class Spending(NamedTuple):
    """What the calls of a stage, or all calls, took."""

    num_calls: int
    """Attempts that have an answer."""
    num_errors: int
    num_unusable: int
    """Cut, filtered or unreadable answers among `num_calls`."""
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    """None where the price of some call is not known."""


class CallLedger(LedgerFile):
    """An open ledger; a context manager. `pays`: no other process may be paying into it at the same time."""

    def __init__(self, path: Path, *, pays: bool = True) -> None:
        """Open or begin the ledger at `path`. Raises as LedgerFile."""
        super().__init__(path, pays=pays)
        self.batches = BatchTable(self)
        self._drafts: list[tuple[object, ...]] = []
        self._unsaved: list[tuple[str, str, Call, Attempt]] = []

    def find(self, call_id: str) -> Reply | None:
        """The answer to a call, if there is one."""
        with self.reading():
            row = self.db.execute(
                "SELECT answer, tool_calls, stop, input_tokens, output_tokens, cost_usd FROM attempts "
                "WHERE call_id = ? AND outcome != 'error' LIMIT 1",
                (call_id,),
            ).fetchone()
            if row is None:
                return None
            return Reply(
                call_id=call_id,
                text=unpack(row[0]),
                tool_calls=tuple(ToolCall.model_validate(call) for call in json.loads(row[1])),
                stop=row[2],
                input_tokens=row[3] or 0,
                output_tokens=row[4] or 0,
                cost_usd=row[5],
            )

    def add_attempt(self, call_id: str, model: str, call: Call, attempt: Attempt) -> None:
        """Keep an attempt; it survives the death of this process from here on.

        One for which there is no room is kept in memory and written with the next, or at the end; raises
        StorageError then.
        """
        self._unsaved.append((call_id, model, call, attempt))
        self._save()

    def _save(self) -> None:
        while self._unsaved:
            call_id, model, call, attempt = self._unsaved[0]
            at = datetime.now(UTC).isoformat(timespec="seconds")
            try:
                self.write(lambda: self._insert(call_id, model, call, attempt, at))  # noqa: B023 - at once
            except StorageError:
                raise
            except Exception:
                self._unsaved.pop(0)  # nothing about the disk: it would never be written
                raise
            self._unsaved.pop(0)

    def _insert(self, call_id: str, model: str, call: Call, attempt: Attempt, at: str) -> None:
        has_answer = attempt.outcome != "error"
        values = (
            *(call_id, call.stage, call.role, model, call.sample, call.prompts, describe_request(call)),
            *(json.dumps(call.parents), attempt.outcome, write_surrogates(attempt.reason)),
            pack(attempt.text) if has_answer else None,
            json.dumps([c.model_dump() for c in attempt.tool_calls]) if has_answer else None,
            attempt.stop if has_answer else None,
            *(attempt.input_tokens, attempt.output_tokens, attempt.cached_tokens),
            *(attempt.cost_usd, attempt.price_date, attempt.latency_seconds, attempt.batch, at),
        )
        self.keep_texts(call)
        marks = ", ".join("?" * len(values))
        self.db.execute(f"INSERT INTO attempts VALUES (NULL, {marks})", values)
        if attempt.batch is not None:
            self.batches.settle(call_id, attempt.batch)

    def mark_unreadable(self, call_id: str, reason: str) -> None:
        """Note why an answer is of no use. What was cut or filtered keeps its reason."""
        statement = (
            "UPDATE attempts SET outcome = 'unreadable', reason = ? WHERE call_id = ? AND outcome = 'ok'"
        )
        self.write(lambda: self.db.execute(statement, (write_surrogates(reason), call_id)))

    def add_draft(self, draft: DraftRecord) -> None:
        """Keep a draft; the first of an id stays."""
        lists = (json.dumps(draft.parents), json.dumps(draft.calls))
        self._drafts.append((*draft[:5], pack(draft.content), *lists))
        if len(self._drafts) >= DRAFTS_PER_WRITE:
            self.flush()

    def flush(self) -> None:
        """Write the drafts that wait."""
        if self._drafts:
            statement = "INSERT OR IGNORE INTO drafts VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            self.write(lambda: self.db.executemany(statement, self._drafts))
            self._drafts.clear()

    def read_draft(self, draft_id: str) -> DraftRecord | None:
        """A draft by its id."""
        self.flush()
        with self.reading():
            row = self.db.execute("SELECT * FROM drafts WHERE id = ?", (draft_id,)).fetchone()
            if row is None:
                return None
            draft_id, stage, lineage, teacher, version, content, parents, calls = row
            lists = (tuple(json.loads(parents)), tuple(json.loads(calls)))
            return DraftRecord(draft_id, stage, lineage, teacher, version, unpack(content), *lists)

    def count_drafts(self) -> dict[tuple[str, str, str, str], int]:
        """Number of drafts by lineage, stage, teacher and version."""
        self.flush()
        with self.errors():
            rows = self.db.execute(
                "SELECT lineage, stage, teacher, version, COUNT(*) FROM drafts "
                "GROUP BY 1, 2, 3, 4 ORDER BY 1, 2"
            )
            return {tuple(row[:4]): row[4] for row in rows}

    def read_request(self, call_id: str) -> list[dict[str, Any]]:
        """The messages of a call as they were sent: role and text."""
        with self.reading():
            row = self.db.execute(
                "SELECT request FROM attempts WHERE call_id = ? LIMIT 1", (call_id,)
            ).fetchone()
            messages = json.loads(row[0])["messages"] if row else []
            for message in messages:
                message["text"] = self.read_text(message["text"])
        return list(messages)

    def read_attempts(self, call_id: str) -> list[dict[str, Any]]:
        """All attempts of a call in their order: outcome, reason, text, tokens, cost_usd and so on."""
        columns = (
            "stage, role, model, sample, prompts, outcome, reason, stop, input_tokens, output_tokens, "
            "cached_tokens, cost_usd, price_date, latency_seconds, batch, at"
        )
        with self.reading():
            rows = self.db.execute(
                f"SELECT answer, {columns} FROM attempts WHERE call_id = ? ORDER BY number", (call_id,)
            ).fetchall()
            names = columns.split(", ")
            return [
                {"text": unpack(row[0]) if row[0] is not None else None}
                | dict(zip(names, row[1:], strict=True))
                for row in rows
            ]

    def spent(self) -> Spending:
        """What all calls took so far."""
        return _add_up(list(self.spent_by_stage().values()))

    def spent_by_stage(self) -> dict[tuple[str, str, str], Spending]:
        """(stage, role, model) -> what its calls took."""
        with self.errors():
            rows = self.db.execute(
                "SELECT stage, role, model, SUM(outcome != 'error'), SUM(outcome = 'error'), "
                "SUM(outcome IN ('cut', 'filtered', 'unreadable')), "
                "COALESCE(SUM(input_tokens), 0), COALESCE(SUM(output_tokens), 0), "
                "SUM(cost_usd), SUM(outcome != 'error' AND cost_usd IS NULL) "
                "FROM attempts GROUP BY 1, 2, 3 ORDER BY MIN(number)"
            ).fetchall()
        return {
            (row[0], row[1], row[2]): Spending(
                *(row[3], row[4], row[5], row[6], row[7]), None if row[9] else (row[8] or 0.0)
            )
            for row in rows
        }

    def sum_known_costs(self) -> float:
        """Dollars of all calls whose price is known."""
        with self.errors():
            (dollars,) = self.db.execute("SELECT SUM(cost_usd) FROM attempts").fetchone()
        return float(dollars or 0.0)

    def read_uncounted(self) -> list[tuple[str, Call]]:
        """Model and call of all answers whose tokens the provider did not tell."""
        with self.reading():
            rows = self.db.execute(
                "SELECT model, stage, role, sample, prompts, request, parents FROM attempts "
                "WHERE outcome != 'error' AND input_tokens IS NULL ORDER BY number"
            ).fetchall()
            return [(row[0], self.make_call(*row[1:])) for row in rows]

    def count_outcomes(self) -> dict[tuple[str, str], int]:
        """(stage, outcome) -> number of attempts."""
        with self.errors():
            rows = self.db.execute(
                "SELECT stage, outcome, COUNT(*) FROM attempts GROUP BY 1, 2 ORDER BY 1, 2"
            )
            return {(row[0], row[1]): row[2] for row in rows}

    def close(self) -> None:
        """Write what waits, force it to the disk, release the lock.

        Raises StorageError when that cannot be done, with the number of paid answers that are lost by it.
        """
        try:
            self._free_reserve()
            self._save()
            self.flush()
        except StorageError as error:
            lost = sum(attempt.outcome != "error" for *_, attempt in self._unsaved)
            if not lost:
                raise
            raise StorageError(f"{error}. {lost} answers that are paid for could not be kept.") from error
        finally:
            super().close()


def _add_up(parts: Sequence[Spending]) -> Spending:
    costs = [part.cost_usd for part in parts]
    known = [cost for cost in costs if cost is not None]
    return Spending(
        *(sum(part[place] for part in parts) for place in range(5)),  # type: ignore[misc]
        cost_usd=sum(known) if len(known) == len(costs) else None,
    )
