"""Documents about a constitution: kinds, subtypes, several drafts in one context, the rewrite by a fresh
reader; the same without any moral matter; and the question to which a document is the answer.

After *Teaching Claude Why*, "Documents": a shared preamble at every layer, what must vary drawn from word
lists by the seed. Stories are in stories.py; they go through the rewrite of this module with a prompt of
their own.
"""

from __future__ import annotations

import re
from random import Random
from typing import NamedTuple

from teachwhy.constitution import Constitution, Section
from teachwhy.errors import TeacherError
from teachwhy.scenarios.english.overlap import RUN, join_runs, split_words
from teachwhy.service.calls import UnreadableReplyError
from teachwhy.teachers.language.drafts import (
    DRAFTS_PER_CONTEXT,
    LENGTHS,
    Text,
    bound_words,
    draw_orders,
    read_texts,
    read_titled,
    show_orders,
)
from teachwhy.teachers.language.reading import check_length, read_all, read_one, read_text
from teachwhy.teachers.language.words import as_lines, draw, load_words
from teachwhy.teachers.language.writer import Asking, Writer
from teachwhy.teachers.protocol import Document, Stage

PROMPTS: dict[Stage, tuple[str, ...]] = {
    "document_kinds": ("document_kinds",),
    "document_subtypes": ("document_subtypes",),
    "documents": ("document_drafts",),
    "rewrite_document": ("document_rewrite", "story_rewrite"),
    "neutral_document": ("document_neutral",),
    "question": ("document_question",),
}
KINDS_PER_CALL = 25
"""Asked for in each of the calls for kinds, one a leaning."""
NUM_SUBTYPES = 30
STORY = "story: "
"""What the kind of a story begins with, and that of no document."""

_ENOUGH = 0.8
"""Share of the kinds, or subtypes, asked for that is good enough; what is over is left out."""
_MOST_KIND_CHARACTERS = 400
_MOST_SUBTYPE_CHARACTERS = 1200
_MOST_QUESTION_CHARACTERS = 1500
_MOST_REASON_CHARACTERS = 300
_LEAST_STORY_WORDS = 400
"""The least that a rewritten story is asked to have, however little a base model left of it."""
_ORDERED = ("author", "stance", "nearness", "opening", "feature")
_VERDICTS = ("consistent", "mended", "contrary")
_MATTERS = re.compile(
    r"\b(?:A\.?I\b|(?i:artificial intelligence|chat ?bots?|robots?|language models?"
    r"|(?:ethic|moral|conscien|constitution)\w*))"
)
"""What would make a neutral document one that matters, and the control no control."""


async def find_kinds(writer: Writer, constitution: Constitution) -> tuple[str, ...]:
    """About a hundred kinds of document, different, in the order of the leanings."""
    kinds: dict[str, str] = {}
    for leaning in load_words("documents")["leaning"]:
        values = {
            "constitution": _show(constitution),
            "leaning": leaning,
            "num_kinds": str(KINDS_PER_CALL),
        }
        found = await writer.write(Asking("document_kinds"), "document_kinds", values, _read_kinds)
        for kind in found:
            kinds.setdefault(_head_of(kind), kind)
    return tuple(kinds.values())


async def find_subtypes(writer: Writer, constitution: Constitution, kind: str) -> tuple[str, ...]:
    """About thirty subtypes of a kind, each with the kind above it, so that it can be written from alone."""
    slots = _draw_slots(kind)
    values = {
        "constitution": _show(constitution),
        "kind": kind,
        "num_slots": str(len(slots)),
        "slots": "\n".join(f"{number}. {slot}" for number, slot in enumerate(slots, 1)),
    }
    found = await writer.write(
        Asking("document_subtypes"),
        "document_subtypes",
        values,
        _read_subtypes,
    )
    return tuple(f"{kind}\nIn particular: {subtype}" for subtype in found)


async def write_documents(writer: Writer, section: Section, subtype: str, seed: int) -> tuple[Document, ...]:
    """Drafts of one context, one call for all: their authors, stances and lengths are drawn apart."""
    values = {
        "section": section.as_text(),
        "kind": subtype,
        "num_drafts": str(DRAFTS_PER_CONTEXT),
        "orders": show_orders(draw_orders("documents", seed, _ORDERED)),
    }
    texts = await writer.write(Asking("documents", sample=seed), "document_drafts", values, read_texts)
    return as_documents(texts, (subtype,) * len(texts), section.id, seed)


async def rewrite_document(writer: Writer, document: Document, section: Section) -> Document:
    """The document or story as a fresh instance writes it that reads section and draft.

    Raises TeacherError, without asking again, where that reader finds that the draft cannot be told truly to
    the section.
    """
    is_story = document.kind.startswith(STORY)
    values = {
        "section": section.as_text(),
        "kind": document.kind,
        "draft": f"{document.title}\n\n{document.text}",
        **bound_words(document.text, _LEAST_STORY_WORDS if is_story else 0),
    }
    rewritten = await writer.write(
        Asking("rewrite_document", sample=document.seed, parents=(document.id,)),
        "story_rewrite" if is_story else "document_rewrite",
        values,
        _read_rewritten,
    )
    if rewritten.text is None:
        reason = rewritten.faults[:_MOST_REASON_CHARACTERS]
        raise TeacherError(f"stage rewrite_document: the draft is contrary to {section.id!r}: {reason}")
    return document.model_copy(update=rewritten.text._asdict())


async def write_neutral(writer: Writer, seed: int) -> Document:
    """A document about nothing that matters; topic, kind, author, form and length are drawn."""
    kind = draw("neutral", seed, "kind")["kind"]
    length = Random(f"neutral/length/{seed}").choice(LENGTHS)
    order = {
        **draw("neutral", seed, "topic"),
        "kind": kind,
        **draw("neutral", seed, "author"),
        **draw("documents", seed, "opening", "feature"),
        "length": draw("documents", seed, length)[length],
    }
    asking = Asking("neutral_document", sample=seed)
    text = await writer.write(asking, "document_neutral", {"order": as_lines(order)}, _read_neutral)
    return Document(kind=kind, section_id="", family="", seed=seed, title=text.title, text=text.text)


async def write_question(writer: Writer, document: Document) -> str:
    """The user turn to which the text is the answer; its manner is drawn."""
    manner = draw("documents", document.seed, "question_form", "question_tone", "question_length")
    return await writer.write(
        Asking("question", sample=document.seed, parents=(document.id,)),
        "document_question",
        {"text": document.text, "manner": as_lines(manner)},
        lambda reply: _read_question(reply, document),
    )


def as_documents(
    texts: tuple[Text, ...], kinds: tuple[str, ...], section_id: str, seed: int
) -> tuple[Document, ...]:
    """The texts of a context; the place in it makes the seeds different."""
    return tuple(
        Document(
            kind=kind,
            section_id=section_id,
            family="",
            seed=seed + place,
            title=text.title,
            text=text.text,
        )
        for place, (text, kind) in enumerate(zip(texts, kinds, strict=True))
    )


class _Rewritten(NamedTuple):
    """What the fresh reader wrote; no text for a draft that is contrary to the section."""

    faults: str
    text: Text | None


def _read_neutral(reply: str) -> Text:
    text = read_titled(reply)
    if matter := _MATTERS.search(text.text):
        raise UnreadableReplyError(f"a document about nothing that matters says {matter[0]!r}")
    return text


def _read_question(reply: str, document: Document) -> str:
    """The question; raises UnreadableReplyError for one that has 13 words in a row of the document, since the
    twin would then hold more of it than the document does."""
    question = read_text(reply, "question", _MOST_QUESTION_CHARACTERS)
    copied = set(join_runs(split_words(question))) & set(join_runs(split_words(document.text)))
    if copied:
        raise UnreadableReplyError(f"the question has {RUN} words of the document: {min(copied)!r}")
    return question


def _read_rewritten(reply: str) -> _Rewritten:
    verdict = read_one(reply, "verdict").strip(" .").casefold()
    if verdict not in _VERDICTS:
        raise UnreadableReplyError(f"<verdict> is {verdict[:40]!r}, wanted one of {', '.join(_VERDICTS)}")
    faults = read_one(reply, "faults")
    return _Rewritten(faults, None if verdict == "contrary" else read_titled(reply))


def _read_kinds(reply: str) -> tuple[str, ...]:
    kinds: dict[str, str] = {}
    for kind in read_all(reply, "kind"):
        line = " ".join(check_length(kind, _MOST_KIND_CHARACTERS).split())
        if not line.casefold().startswith(STORY.strip()):
            kinds.setdefault(_head_of(line), line)
    return _take(tuple(kinds.values()), "kind", KINDS_PER_CALL)


def _read_subtypes(reply: str) -> tuple[str, ...]:
    lines = (
        " ".join(check_length(part, _MOST_SUBTYPE_CHARACTERS).split()) for part in read_all(reply, "subtype")
    )
    return _take(tuple(dict.fromkeys(lines)), "subtype", NUM_SUBTYPES)


def _take(found: tuple[str, ...], tag: str, num_wanted: int) -> tuple[str, ...]:
    """As many as wanted; raises UnreadableReplyError for too few."""
    if len(found) < (least := round(num_wanted * _ENOUGH)):
        raise UnreadableReplyError(f"{len(found)} different times <{tag}>, wanted at least {least}")
    return found[:num_wanted]


def _head_of(entry: str) -> str:
    """What no two kinds have in common: all before the first colon, whatever the case."""
    return entry.split(":")[0].strip().casefold()


def _draw_slots(kind: str) -> tuple[str, ...]:
    """Fields and occasions without repetition; the kind alone decides."""
    rng, words = Random(f"subtypes/{kind}"), load_words("documents")
    fields = rng.sample(words["field"], NUM_SUBTYPES)
    occasions = rng.sample(words["occasion"], NUM_SUBTYPES)
    return tuple(f"{field}; {occasion}" for field, occasion in zip(fields, occasions, strict=True))


def _show(constitution: Constitution) -> str:
    return "\n\n".join(section.as_text() for section in constitution.sections)
