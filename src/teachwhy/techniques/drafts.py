"""What a stage made, as records for the ledger."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any, cast

from pydantic import BaseModel

from teachwhy.constitution import Section
from teachwhy.service.calls import DraftRecord
from teachwhy.teachers.protocol import Draft, Stage, Teacher


def describe_draft(
    teacher: Teacher,
    lineage: str,
    stage: str,
    made: object,
    arguments: Sequence[object],
    calls: tuple[str, ...],
) -> Iterator[DraftRecord]:
    """One record a draft that a stage made; of texts and messages one of all.

    Parents are the drafts among the arguments of the stage, those in tuples included.
    """
    parents = _list_parents(arguments)
    version = teacher.version(cast("Stage", stage))
    drafts = made if isinstance(made, tuple) and made and isinstance(made[0], Draft) else (made,)
    for draft in drafts:
        if isinstance(draft, Draft):
            content = draft.model_dump_json()
        else:
            content = _write_plainly(draft)
        draft_id = name_draft(stage, draft, arguments)
        yield DraftRecord(draft_id, stage, lineage, teacher.name, version, content, parents, calls)


def name_draft(stage: str, draft: object, arguments: Sequence[object]) -> str:
    """The id under which the ledger has what a stage made: a draft's own, or one by stage, parents and
    content."""
    if isinstance(draft, Draft):
        return draft.id
    told = f"{stage}\0{_list_parents(arguments)}\0{_write_plainly(draft)}"
    return f"{stage}-{hashlib.sha256(told.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"


def _write_plainly(draft: object) -> str:
    return json.dumps(draft, default=_plain)


def _list_parents(arguments: Sequence[object]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_ids_of(arguments)))


def _ids_of(arguments: Sequence[object]) -> Iterator[str]:
    for argument in arguments:
        if isinstance(argument, Draft):
            yield argument.id
        elif isinstance(argument, Section):
            yield f"section-{argument.id}"
        elif isinstance(argument, tuple):
            yield from _ids_of(argument)


def _plain(value: object) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"a stage made a {type(value).__name__}, which no ledger keeps")
