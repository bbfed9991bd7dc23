"""Rows for plain language modelling: documents about the constitution, fiction, and neutral text as their
control.

Source: *Teaching Claude Why*, sections on documents and fiction. Draft, rewrite by a fresh reader of the
section, score. The ablation `documents_as_chat` shows the same texts as answers to a question.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from teachwhy.records import Example, Message
from teachwhy.teachers.protocol import Document, Stage
from teachwhy.techniques.drafts import name_draft
from teachwhy.techniques.pipeline import Lineage, Task

_ABOUT_A_FAMILY = ("home", "near")


@dataclass(frozen=True)
class DocumentDraft:
    """A document before and after the rewrite; both are the same where a lineage has no rewrite."""

    first: Document
    final: Document
    stages: tuple[Stage, ...]


async def _draft_document(task: Task) -> DocumentDraft:
    teacher, rng, seed, place = task.teacher, *task.context()
    section = rng.choice(teacher.sections(task.constitution, task.family))
    kind = rng.choice(await task.make(teacher.document_kinds, task.constitution))
    subtype = rng.choice(await task.make(teacher.document_subtypes, task.constitution, kind))
    first = (await task.make(teacher.documents, section, subtype, task.family, seed))[place]
    final = await task.make(teacher.rewrite_document, first, section)
    stages: tuple[Stage, ...] = ("document_kinds", "document_subtypes", "documents", "rewrite_document")
    return DocumentDraft(first, final, stages)


async def _draft_story(task: Task) -> DocumentDraft:
    teacher, rng, seed, place = task.teacher, *task.context()
    section = rng.choice(teacher.sections(task.constitution, task.family))
    first = (await task.make(teacher.stories, section, task.family, seed))[place]
    final = await task.make(teacher.rewrite_document, first, section)
    return DocumentDraft(first, final, ("stories", "rewrite_document"))


async def _draft_neutral(task: Task) -> DocumentDraft:
    document = await task.make(task.teacher.neutral_document, task.seed)
    return DocumentDraft(document, document, ("neutral_document",))


async def render_document(task: Task, draft: DocumentDraft, options: Mapping[str, str]) -> Example:
    """The text as a document row."""
    return Example(
        id=task.id,
        technique=task.lineage,
        kind="document",
        text=draft.final.text,
        families=(draft.final.family,) if draft.final.family else (),
        sections=(draft.final.section_id,) if draft.final.section_id else (),
        parents=tuple(dict.fromkeys((draft.first.id, draft.final.id))),
        teacher=task.teacher.name,
        stages=task.stages(*draft.stages),
    )


async def render_as_chat(task: Task, draft: DocumentDraft, options: Mapping[str, str]) -> Example:
    """The same text as the answer to a question about it."""
    row = await render_document(task, draft, options)
    question = await task.make(task.teacher.question, draft.final)
    return row.model_copy(
        update={
            "kind": "chat",
            "text": "",
            "messages": (
                Message(role="user", content=question),
                Message(role="assistant", content=draft.final.text),
            ),
            "parents": (*row.parents, name_draft("question", question, (draft.final,))),
            "stages": {**row.stages, **task.stages("question")},
        }
    )


def _section_of(draft: DocumentDraft) -> str:
    return draft.final.section_id


DOCUMENTS = Lineage(
    "documents", _draft_document, render_document, _section_of, _ABOUT_A_FAMILY, shares_contexts=True
)
FICTION = Lineage(
    "fiction", _draft_story, render_document, _section_of, _ABOUT_A_FAMILY, shares_contexts=True
)
NEUTRAL = Lineage("neutral", _draft_neutral, render_document)
