"""What a row was made from: the drafts of its stages out of the ledger, and the calls made for them.

Ids of drafts follow from their content, so two rows may share one (a review that found nothing, a bare
"No."). The ledger keeps it once, with the parents that it had first. What belongs to a row is therefore
looked for from the row's own drafts on, and a draft that came out of another row's counts only where the row
itself names it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from teachwhy.errors import DataError, InputError
from teachwhy.records import Example, Message
from teachwhy.service.calls import DraftRecord
from teachwhy.service.ledger import CallLedger

MAX_DRAFTS = 40
"""Of one row; more is a ledger that holds something else."""
_BESIDE = ("first_answers", "review", "question", "injection", "inoculation", "demonstrate")
"""Stages whose drafts no row names: found below what it names."""
_ABOVE = ("scenario", "prompt_types")
"""Stages whose drafts hold all that they were made from, so that their parents are sure."""
_SECTION = "section-"
_TURNS = "demonstrate"


class AskedCall(NamedTuple):
    """A call as the ledger has it: what a model was told, and what it answered last."""

    stage: str
    model: str
    messages: tuple[Message, ...]
    answer: str
    outcome: str
    """`ok`, or why the answer was of no use."""


class History(Protocol):
    """Drafts and calls by their ids."""

    def find_draft(self, draft_id: str) -> DraftRecord | None: ...
    def find_children(self, draft_id: str) -> Sequence[DraftRecord]: ...
    def find_call(self, call_id: str) -> AskedCall | None: ...


class LedgerHistory:
    """The drafts and calls of a ledger, which is not written to; a context manager."""

    def __init__(self, path: Path) -> None:
        """Raises InputError where there is no ledger, and DataError where it is none."""
        if not path.is_file():
            raise InputError(
                f"{path}: there is no such ledger, and the stages of the rows are in it. Give another with "
                "--ledger, or make the rows with teachwhy generate."
            )
        self._ledger = CallLedger(path, pays=False)
        self._db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            self._index_children()
        except sqlite3.DatabaseError as error:
            self.close()
            raise DataError(
                f"{path}: is no ledger of teachwhy ({error}). Give another with --ledger."
            ) from error

    def _index_children(self) -> None:
        """The ledger has no index from a draft to what came of it; one pass over it makes one."""
        marks = ", ".join("?" * len(_BESIDE))
        self._db.execute(
            "CREATE TEMP TABLE children AS SELECT json_each.value AS parent, drafts.id AS id "
            f"FROM drafts, json_each(drafts.parents) WHERE drafts.stage IN ({marks})",
            _BESIDE,
        )
        self._db.execute("CREATE INDEX temp.by_parent ON children (parent)")

    def find_draft(self, draft_id: str) -> DraftRecord | None:
        """A draft by its id."""
        return self._ledger.read_draft(draft_id)

    def find_children(self, draft_id: str) -> Sequence[DraftRecord]:
        """Drafts of the stages whose drafts no row names, made from this one."""
        query = "SELECT DISTINCT id FROM children WHERE parent = ? ORDER BY id LIMIT ?"
        ids = [row[0] for row in self._db.execute(query, (draft_id, MAX_DRAFTS))]
        return [draft for id_ in ids if (draft := self.find_draft(id_)) is not None]

    def find_call(self, call_id: str) -> AskedCall | None:
        """A call by its id, with its last attempt."""
        attempts = self._ledger.read_attempts(call_id)
        if not attempts:
            return None
        last = attempts[-1]
        messages = tuple(
            Message(role=message["role"], content=message["text"])
            for message in self._ledger.read_request(call_id)
        )
        outcome = last["outcome"] if last["outcome"] == "ok" else f"{last['outcome']}: {last['reason']}"
        return AskedCall(last["stage"], last["model"], messages, last["text"] or "", outcome)

    def close(self) -> None:
        """Close both connections."""
        self._db.close()
        self._ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def trace_row(row: Example, history: History) -> tuple[DraftRecord, ...]:
    """The drafts that a row was made from, in the order of its stages; those that are not there are left
    out."""
    found: dict[str, DraftRecord] = {}
    waiting = list(row.parents)
    while waiting and len(found) < MAX_DRAFTS:
        draft_id = waiting.pop(0)
        draft = history.find_draft(draft_id)
        if draft is None or draft_id in found:
            continue
        found[draft_id] = draft
        waiting += own_parents(draft) if draft.stage in _ABOVE else ()
        waiting += [child.id for child in history.find_children(draft_id) if _belongs(child, row, found)]
    order = {stage: place for place, stage in enumerate(row.stages)}
    return tuple(sorted(found.values(), key=lambda draft: order.get(draft.stage, -1)))


def _belongs(child: DraftRecord, row: Example, found: Collection[str]) -> bool:
    """Whether a draft below one of the row's own was made for this row and no other."""
    if child.stage not in _BESIDE or child.stage not in row.stages:
        return False
    if child.stage == _TURNS and not _is_tail(child.content, row.messages):
        return False
    return set(own_parents(child)) <= set(found)


def own_parents(draft: DraftRecord) -> tuple[str, ...]:
    """Parents that are drafts."""
    return tuple(parent for parent in draft.parents if not parent.startswith(_SECTION))


def _is_tail(content: str, messages: Sequence[Message]) -> bool:
    """Whether the turns of a draft are those that the row ends with."""
    try:
        turns = json.loads(content)
    except (ValueError, RecursionError):
        return False
    plain = [message.model_dump(mode="json") for message in messages]
    return bool(turns) and plain[-len(turns) :] == turns
