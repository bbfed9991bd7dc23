"""What a row was made from: the drafts of its stages out of the ledger, and the calls that were made for them.

Ids of drafts follow from their content, so two rows may share one (a review that found nothing, a bare "No."),
and the ledger keeps it once, with the parents that it had first. What belongs to a row is therefore looked
for from the row's own drafts down, and a draft that came out of another row's counts only where the row
itself names it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from teachwhy.records import Example, Message
from teachwhy.service.calls import DraftRecord

MAX_DRAFTS = 40
"""Of one row; more is a ledger that holds something else."""
_BESIDE = ("first_answers", "review", "question", "injection", "inoculation", "demonstrate")
"""Stages whose drafts no row names: found below what it names."""
_ABOVE = ("scenario", "prompt_types")
"""Stages whose drafts hold all that they were made from, so that their parents are sure."""
_SECTION = "section-"
_TURNS = "demonstrate"


class AskedCall(NamedTuple):
    """A call as the ledger has it: what a model was told, and what it answered."""

    id: str
    stage: str
    model: str
    messages: tuple[Message, ...]
    answer: str
    stop: str


class History(Protocol):
    """Drafts and calls by their ids."""

    def find_draft(self, draft_id: str) -> DraftRecord | None: ...
    def find_children(self, draft_id: str) -> Sequence[DraftRecord]: ...
    def find_call(self, call_id: str) -> AskedCall | None: ...


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
        waiting += _own_parents(draft) if draft.stage in _ABOVE else ()
        waiting += [child.id for child in history.find_children(draft_id) if _belongs(child, row, found)]
    order = {stage: place for place, stage in enumerate(row.stages)}
    return tuple(sorted(found.values(), key=lambda draft: order.get(draft.stage, -1)))


def _belongs(child: DraftRecord, row: Example, found: Collection[str]) -> bool:
    """Whether a draft below one of the row's own was made for this row and no other."""
    if child.stage not in _BESIDE or child.stage not in row.stages:
        return False
    if child.stage == _TURNS and not _is_tail(child.content, row.messages):
        return False
    return set(_own_parents(child)) <= set(found)


def _own_parents(draft: DraftRecord) -> tuple[str, ...]:
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
