"""The ledger's file: one SQLite database (WAL), written by one process at a time.

What is committed survives the death of the process, and is forced to the disk every few seconds. The texts
of requests are kept once each, whatever number of requests holds them. While it is open for paying, a file
beside it (`ledger.reserve`) takes up some space: on a full disk it makes room for the answers under way,
which are paid for.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Self, TypeVar

from teachwhy.errors import DataError, StorageError, quote_foreign
from teachwhy.run_dir import storage_errors
from teachwhy.service.calls import Call

VERSION = 1
SYNC_SECONDS = 5.0
BUSY_SECONDS = 60.0
RESERVE_BYTES = 4 << 20
"""Room for about a thousand answers."""
MAX_KNOWN_TEXTS = 2000

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
CREATE TABLE IF NOT EXISTS batches (
    number INTEGER PRIMARY KEY, model TEXT NOT NULL, state TEXT NOT NULL, id TEXT, file TEXT, at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS batches_by_id ON batches (id);
CREATE TABLE IF NOT EXISTS batch_calls (
    batch INTEGER NOT NULL, call_id TEXT NOT NULL, stage TEXT NOT NULL, role TEXT NOT NULL,
    sample INTEGER NOT NULL, prompts TEXT NOT NULL, request TEXT NOT NULL, parents TEXT NOT NULL,
    is_settled INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS batch_calls_by_batch ON batch_calls (batch, call_id);
CREATE INDEX IF NOT EXISTS batch_calls_open ON batch_calls (batch) WHERE is_settled = 0;
CREATE TABLE IF NOT EXISTS drafts (
    id TEXT PRIMARY KEY, stage TEXT NOT NULL, lineage TEXT NOT NULL, teacher TEXT NOT NULL,
    version TEXT NOT NULL, content BLOB NOT NULL, parents TEXT NOT NULL, calls TEXT NOT NULL
) WITHOUT ROWID;
"""

Made = TypeVar("Made")


class LedgerFile:
    """An open ledger file; a context manager. `pays`: no other process may be paying into it meanwhile."""

    def __init__(self, path: Path, *, pays: bool = True) -> None:
        """Open or begin the ledger at `path`.

        Raises StorageError when another process pays into it or the place cannot be written, and DataError
        for a file that is no ledger of this version.
        """
        self.path = path
        self.is_full = False
        """The disk had no room left: what is under way can still be kept, nothing new should be begun."""
        self._known_texts: set[str] = set()
        self._synced = time.monotonic()
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(path) if pays else None
        db = None
        try:
            with self.errors():
                self.db = db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)
                db.execute("PRAGMA journal_mode=WAL")
                db.execute("PRAGMA synchronous=NORMAL")
                self._begin()
            self._reserve = _take_reserve(path) if pays else None
        except BaseException:
            if db is not None:
                db.close()
            if self._lock:
                self._lock.close()
            raise

    def _begin(self) -> None:
        self.db.executescript(_TABLES)
        with self._transaction():
            row = self.db.execute("SELECT version FROM meta").fetchone()
            if row is None:
                self.db.execute("INSERT INTO meta VALUES (?)", (VERSION,))
        if row is not None and row[0] != VERSION:
            raise DataError(
                f"{self.path}: is a ledger of version {row[0]}, this teachwhy writes {VERSION}. Give another "
                "output folder, or use the teachwhy that wrote it."
            )

    def write(self, work: Callable[[], Made]) -> Made:
        """Run `work` in a transaction; on a full disk once more, in the room that the reserve leaves.

        Raises StorageError when there is no room even so.
        """
        try:
            with self.errors(), self._transaction():
                made = work()
        except StorageError:
            self._known_texts.clear()
            if self._reserve is None:
                raise
            self._free_reserve()
            self.is_full = True
            with self.errors(), self._transaction():
                made = work()
        if time.monotonic() - self._synced > SYNC_SECONDS:
            self._sync()
        return made

    def check_room(self) -> None:
        """Raises StorageError when nothing new should be begun."""
        if self.is_full:
            raise StorageError(
                f"{self.path}: the disk is full. The answers that were under way are kept; free some space, "
                "and run the same command to go on."
            )

    def keep_texts(self, call: Call) -> None:
        """Have the texts of a call in their table; inside `write`."""
        for message in call.messages:
            text_id = _make_text_id(message.content)
            if text_id in self._known_texts:
                continue
            self.db.execute("INSERT OR IGNORE INTO texts VALUES (?, ?)", (text_id, pack(message.content)))
            if len(self._known_texts) > MAX_KNOWN_TEXTS:
                self._known_texts.clear()
            self._known_texts.add(text_id)  # a write that fails forgets them all

    def read_text(self, text_id: str) -> str:
        """A text by its id; inside `reading`."""
        (data,) = self.db.execute("SELECT data FROM texts WHERE id = ?", (text_id,)).fetchone()
        return unpack(data)

    def make_call(self, stage: str, role: str, sample: int, prompts: str, request: str, parents: str) -> Call:
        """A call out of its columns; inside `reading`."""
        fields = json.loads(request)
        for message in fields["messages"]:
            message["content"] = self.read_text(message.pop("text"))
        fields |= {"stage": stage, "role": role, "sample": sample, "prompts": prompts}
        return Call.model_validate({**fields, "parents": json.loads(parents)})

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turns what SQLite raises into a StorageError or a DataError."""
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

    @contextmanager
    def reading(self) -> Iterator[None]:
        """As `errors`, and a DataError for a row that no teachwhy wrote so."""
        try:
            with self.errors():
                yield
        except (zlib.error, ValueError, TypeError, KeyError, AttributeError) as error:
            raise DataError(
                f"{self.path}: was changed or is damaged: a row cannot be read ({quote_foreign(error)}). Put "
                "a copy of the file back, or give another output folder."
            ) from error

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise

    def _sync(self) -> None:
        with self.errors():
            self.db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        self._synced = time.monotonic()

    def _free_reserve(self) -> None:
        if self._reserve is not None:
            self._reserve.unlink(missing_ok=True)
            self._reserve = None

    def close(self) -> None:
        """Force what is written to the disk, release the lock."""
        try:
            self._free_reserve()
            self._sync()
        finally:
            self.db.close()
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


def _take_reserve(path: Path) -> Path:
    reserve = path.with_suffix(".reserve")
    with storage_errors(reserve), reserve.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)
    return reserve


def describe_request(call: Call) -> str:
    """What is sent as JSON, with the ids of texts in their place."""
    return json.dumps(
        {
            "messages": [
                {"role": message.role, "text": _make_text_id(message.content)}
                | ({"tool_calls": [c.model_dump() for c in message.tool_calls]} if message.tool_calls else {})
                for message in call.messages
            ],
            "tools": [tool.model_dump() for tool in call.tools],
            "max_tokens": call.max_tokens,
            "temperature": call.temperature,
        }
    )


def write_surrogates(text: str) -> str:
    """A foreign text as SQLite takes it: lone surrogates as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _make_text_id(text: str) -> str:
    """32 hex digits of BLAKE2b."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def pack(text: str) -> bytes:
    """A text as a blob: compressed UTF-8."""
    return zlib.compress(text.encode("utf-8", "surrogatepass"), 1)


def unpack(data: bytes) -> str:
    """The text of a blob."""
    return zlib.decompress(data).decode("utf-8", "surrogatepass")
