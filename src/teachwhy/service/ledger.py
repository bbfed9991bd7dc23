"""The ledger: every attempt of every call with what it cost, and every draft with its parents and its calls.

One SQLite file (WAL). An answer is committed the moment it arrives, so it survives the death of the process,
and is forced to the disk every few seconds. The texts of requests are kept once each, whatever number of
requests holds them. Drafts can be made again from the answers, so they are written in lots.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import sqlite3
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, NamedTuple, Self

from teachwhy.errors import DataError, StorageError
from teachwhy.records import ToolCall
from teachwhy.run_dir import storage_errors
from teachwhy.service.calls import Call, DraftRecord, Reply, Stop

LEDGER_FILE = "ledger.sqlite"
VERSION = 1
DRAFTS_PER_WRITE = 500
SYNC_SECONDS = 5.0
BUSY_SECONDS = 60.0

Outcome = Literal["ok", "cut", "filtered", "unreadable", "error"]
"""What became of an attempt; only of an `error` there is no answer."""

_TABLES = """
CREATE TABLE IF NOT EXISTS meta (version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS texts (id TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempts (
    number INTEGER PRIMARY KEY,
    call_id TEXT NOT NULL, stage TEXT NOT NULL, role TEXT NOT NULL, model TEXT NOT NULL,
    sample INTEGER NOT NULL, prompts TEXT NOT NULL, request TEXT NOT NULL, parents TEXT NOT NULL,
    outcome TEXT NOT NULL, reason TEXT NOT NULL, answer BLOB, tool_calls TEXT, stop TEXT,
    input_tokens INTEGER, output_tokens INTEGER, cached_tokens INTEGER,
    cost_usd REAL, price_date TEXT, latency_seconds REAL, batch TEXT, at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS attempts_by_call ON attempts (call_id);
CREATE TABLE IF NOT EXISTS drafts (
    id TEXT PRIMARY KEY, stage TEXT NOT NULL, lineage TEXT NOT NULL, teacher TEXT NOT NULL,
    version TEXT NOT NULL, content BLOB NOT NULL, parents TEXT NOT NULL, calls TEXT NOT NULL
) WITHOUT ROWID;
"""


class Attempt(NamedTuple):
    """What came of asking a call once."""

    outcome: Outcome
    reason: str = ""
    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    stop: Stop = "end"
    input_tokens: int = 0
    output_tokens: int = 0
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


class CallLedger:
    """An open ledger; a context manager. `pays`: no other process may be paying into it at the same time."""

    def __init__(self, path: Path, *, pays: bool = True) -> None:
        """Open or begin the ledger at `path`.

        Raises StorageError when another process pays into it or the place cannot be written, and DataError
        for a file that is no ledger of this version.
        """
        self.path = path
        self._drafts: list[tuple[object, ...]] = []
        self._texts: set[str] = set()
        self._synced = time.monotonic()
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(path) if pays else None
        try:
            with self._errors():
                self._db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=NORMAL")
                self._begin()
        except BaseException:
            if self._lock:
                self._lock.close()
            raise

    def _begin(self) -> None:
        self._db.executescript(_TABLES)
        with self._transaction():
            row = self._db.execute("SELECT version FROM meta").fetchone()
            if row is None:
                self._db.execute("INSERT INTO meta VALUES (?)", (VERSION,))
        if row is not None and row[0] != VERSION:
            raise DataError(
                f"{self.path}: is a ledger of version {row[0]}, this teachwhy writes {VERSION}. Give another "
                "output folder, or use the teachwhy that wrote it."
            )

    def find(self, call_id: str) -> Reply | None:
        """The answer to a call, if there is one."""
        with self._errors():
            row = self._db.execute(
                "SELECT answer, tool_calls, stop, input_tokens, output_tokens, cost_usd FROM attempts "
                "WHERE call_id = ? AND outcome != 'error' LIMIT 1",
                (call_id,),
            ).fetchone()
        if row is None:
            return None
        return Reply(
            call_id=call_id,
            text=_unpack(row[0]),
            tool_calls=tuple(ToolCall.model_validate(call) for call in json.loads(row[1])),
            stop=row[2],
            input_tokens=row[3],
            output_tokens=row[4],
            cost_usd=row[5],
        )

    def add_attempt(self, call_id: str, model: str, call: Call, attempt: Attempt) -> None:
        """Keep an attempt; it survives the death of this process from here on."""
        has_answer = attempt.outcome != "error"
        texts = {_text_id(message.content): message.content for message in call.messages}
        request = {
            "messages": [
                {"role": message.role, "text": _text_id(message.content)}
                | ({"tool_calls": [c.model_dump() for c in message.tool_calls]} if message.tool_calls else {})
                for message in call.messages
            ],
            "tools": [tool.model_dump() for tool in call.tools],
            "max_tokens": call.max_tokens,
            "temperature": call.temperature,
        }
        values = (
            *(call_id, call.stage, call.role, model, call.sample, call.prompts, json.dumps(request)),
            *(json.dumps(call.parents), attempt.outcome, attempt.reason),
            _pack(attempt.text) if has_answer else None,
            json.dumps([c.model_dump() for c in attempt.tool_calls]) if has_answer else None,
            attempt.stop if has_answer else None,
            *(attempt.input_tokens, attempt.output_tokens, attempt.cached_tokens),
            *(attempt.cost_usd, attempt.price_date, attempt.latency_seconds, attempt.batch),
            datetime.now(UTC).isoformat(timespec="seconds"),
        )
        with self._errors(), self._transaction():
            for text_id, text in texts.items():
                if text_id not in self._texts:
                    self._db.execute("INSERT OR IGNORE INTO texts VALUES (?, ?)", (text_id, _pack(text)))
            marks = ", ".join("?" * len(values))
            self._db.execute(f"INSERT INTO attempts VALUES (NULL, {marks})", values)
        self._remember(texts)
        self._sync_now_and_then()

    def _remember(self, texts: Mapping[str, str]) -> None:
        """Long texts that come again and again need not be packed again; the set stays small."""
        if len(self._texts) > 2000:
            self._texts.clear()
        self._texts.update(texts)

    def mark_unreadable(self, call_id: str, reason: str) -> None:
        """Note why an answer is of no use. What was cut or filtered keeps its reason."""
        with self._errors():
            self._db.execute(
                "UPDATE attempts SET outcome = 'unreadable', reason = ? WHERE call_id = ? AND outcome = 'ok'",
                (reason, call_id),
            )

    def add_draft(self, draft: DraftRecord) -> None:
        """Keep a draft; the first of an id stays."""
        lists = (json.dumps(draft.parents), json.dumps(draft.calls))
        self._drafts.append((*draft[:5], _pack(draft.content), *lists))
        if len(self._drafts) >= DRAFTS_PER_WRITE:
            self.flush()

    def flush(self) -> None:
        """Write the drafts that wait."""
        if self._drafts:
            with self._errors(), self._transaction():
                self._db.executemany(
                    "INSERT OR IGNORE INTO drafts VALUES (?, ?, ?, ?, ?, ?, ?, ?)", self._drafts
                )
            self._drafts.clear()

    def read_draft(self, draft_id: str) -> DraftRecord | None:
        """A draft by its id."""
        self.flush()
        with self._errors():
            row = self._db.execute("SELECT * FROM drafts WHERE id = ?", (draft_id,)).fetchone()
        if row is None:
            return None
        draft_id, stage, lineage, teacher, version, content, parents, calls = row
        lists = (tuple(json.loads(parents)), tuple(json.loads(calls)))
        return DraftRecord(draft_id, stage, lineage, teacher, version, _unpack(content), *lists)

    def count_drafts(self) -> dict[tuple[str, str, str, str], int]:
        """Number of drafts by lineage, stage, teacher and version."""
        self.flush()
        with self._errors():
            rows = self._db.execute(
                "SELECT lineage, stage, teacher, version, COUNT(*) FROM drafts "
                "GROUP BY 1, 2, 3, 4 ORDER BY 1, 2"
            )
            return {tuple(row[:4]): row[4] for row in rows}

    def read_request(self, call_id: str) -> list[dict[str, Any]]:
        """The messages of a call as they were sent: role and text."""
        with self._errors():
            row = self._db.execute(
                "SELECT request FROM attempts WHERE call_id = ? LIMIT 1", (call_id,)
            ).fetchone()
            messages = json.loads(row[0])["messages"] if row else []
            for message in messages:
                (data,) = self._db.execute(
                    "SELECT data FROM texts WHERE id = ?", (message["text"],)
                ).fetchone()
                message["text"] = _unpack(data)
        return list(messages)

    def read_attempts(self, call_id: str) -> list[dict[str, Any]]:
        """All attempts of a call in their order: outcome, reason, text, tokens, cost_usd and so on."""
        columns = (
            "stage, role, model, sample, prompts, outcome, reason, stop, input_tokens, output_tokens, "
            "cached_tokens, cost_usd, price_date, latency_seconds, batch, at"
        )
        with self._errors():
            rows = self._db.execute(
                f"SELECT answer, {columns} FROM attempts WHERE call_id = ? ORDER BY number", (call_id,)
            ).fetchall()
        names = columns.split(", ")
        return [
            {"text": _unpack(row[0]) if row[0] is not None else None} | dict(zip(names, row[1:], strict=True))
            for row in rows
        ]

    def spent(self) -> Spending:
        """What all calls took so far."""
        return _add_up(list(self.spent_by_stage().values()))

    def spent_by_stage(self) -> dict[tuple[str, str, str], Spending]:
        """(stage, role, model) -> what its calls took."""
        with self._errors():
            rows = self._db.execute(
                "SELECT stage, role, model, SUM(outcome != 'error'), SUM(outcome = 'error'), "
                "SUM(outcome IN ('cut', 'filtered', 'unreadable')), SUM(input_tokens), SUM(output_tokens), "
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
        with self._errors():
            (dollars,) = self._db.execute("SELECT SUM(cost_usd) FROM attempts").fetchone()
        return float(dollars or 0.0)

    def count_outcomes(self) -> dict[tuple[str, str], int]:
        """(stage, outcome) -> number of attempts."""
        with self._errors():
            rows = self._db.execute(
                "SELECT stage, outcome, COUNT(*) FROM attempts GROUP BY 1, 2 ORDER BY 1, 2"
            )
            return {(row[0], row[1]): row[2] for row in rows}

    def _sync_now_and_then(self) -> None:
        if time.monotonic() - self._synced > SYNC_SECONDS:
            with self._errors():
                self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
            self._synced = time.monotonic()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            told = str(error)
            remedy = "free some space" if "full" in told or "disk" in told else "see that you can write there"
            raise StorageError(f"{self.path}: cannot be used ({told}); {remedy}, and run again") from error
        except sqlite3.DatabaseError as error:
            raise DataError(
                f"{self.path}: is no ledger ({error}). Give another output folder, or put the file back."
            ) from error

    def close(self) -> None:
        """Write what waits, force it to the disk, release the lock."""
        try:
            self.flush()
            with self._errors():
                self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            self._db.close()
            if self._lock:
                self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _lock(path: Path) -> IO[bytes]:
    """A lock beside the ledger, since SQLite's own file must not be opened by others."""
    lock_path = path.with_suffix(".lock")
    with storage_errors(lock_path):
        file = lock_path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise StorageError(
                f"{path}: another process is paying for calls into this ledger. Wait for it to end, or give "
                "another output folder."
            ) from error
    return file


def _add_up(parts: Sequence[Spending]) -> Spending:
    costs = [part.cost_usd for part in parts]
    known = [cost for cost in costs if cost is not None]
    return Spending(
        *(sum(part[place] for part in parts) for place in range(5)),  # type: ignore[misc]
        cost_usd=sum(known) if len(known) == len(costs) else None,
    )


def _text_id(text: str) -> str:
    """32 hex digits of BLAKE2b."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _pack(text: str) -> bytes:
    return zlib.compress(text.encode("utf-8", "surrogatepass"), 1)


def _unpack(data: bytes) -> str:
    return zlib.decompress(data).decode("utf-8", "surrogatepass")
