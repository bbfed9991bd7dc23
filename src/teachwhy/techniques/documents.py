"""Rows for plain language modelling: documents about the constitution, fiction, and neutral text as their
control.

Source: *Teaching Claude Why*, sections on documents and fiction. Draft, rewrite by a fresh reader of the
section, score. The ablation `documents_as_chat` shows the same texts as answers to a question.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from teachwhy.constitution import Section
from teachwhy.records import Example, Message
from teachwhy.teachers.protocol import Document, Stage
from teachwhy.techniques.pipeline import Lineage, Task

_ABOUT_A_FAMILY = ("home", "near")


@dataclass(frozen=True)
class DocumentDraft:
    """A document before and after the rewrite; both are the same where a lineage has no rewrite."""

    first: Document
    final: Document
    stages: tuple[Stage, ...]


def _draft_document(task: Task) -> DocumentDraft:
    rng = task.rng()
    section = _draw_section(task, rng)
    kind = rng.choice(task.teacher.document_kinds)
    first = task.teacher.document(section, kind, task.family, task.seed)
    final = task.teacher.rewrite_document(first, section)
    return DocumentDraft(first, final, ("principles", "document", "rewrite_document"))


def _draft_story(task: Task) -> DocumentDraft:
    section = _draw_section(task, task.rng())
    first = task.teacher.story(section, task.family, task.seed)
    final = task.teacher.rewrite_document(first, section)
    return DocumentDraft(first, final, ("principles", "story", "rewrite_document"))


def _draw_section(task: Task, rng: random.Random) -> Section:
    principle = rng.choice(task.teacher.principles(task.constitution, task.family))
    return task.constitution.section(principle.section_id)


def _draft_neutral(task: Task) -> DocumentDraft:
    document = task.teacher.neutral_document(task.seed)
    return DocumentDraft(document, document, ("neutral_document",))


def render_document(task: Task, draft: DocumentDraft, options: Mapping[str, str]) -> Example:
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


def render_as_chat(task: Task, draft: DocumentDraft, options: Mapping[str, str]) -> Example:
    """The same text as the answer to a question about it."""
    row = render_document(task, draft, options)
    question = task.teacher.question(draft.final)
    return row.model_copy(
        update={
            "kind": "chat",
            "text": "",
            "messages": (
                Message(role="user", content=question),
                Message(role="assistant", content=draft.final.text),
            ),
            "stages": {**row.stages, **task.stages("question")},
        }
    )


def _section_of(draft: DocumentDraft) -> str:
    return draft.final.section_id


DOCUMENTS = Lineage("documents", _draft_document, render_document, _section_of, _ABOUT_A_FAMILY)
FICTION = Lineage("fiction", _draft_story, render_document, _section_of, _ABOUT_A_FAMILY)
NEUTRAL = Lineage("neutral", _draft_neutral, render_document)
