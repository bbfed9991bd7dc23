"""Stories of AIs that live by a section: several in one context, or begun for a base model to go on with.

After *Teaching Claude Why*, "Fiction". Genre, setting, station, names, matter and theme are drawn. Where a
base model is configured (`generation.base`), half of the contexts, by seed, are continuations: a title page
and first lines in the manner of print are filled from the word lists, the base model goes on, and what it
wrote is cut at the last whole sentence. The rewrite (documents.py) then brings either kind to the section.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from random import Random

from teachwhy.constitution import Section
from teachwhy.prompts import fill
from teachwhy.records import Message
from teachwhy.service.calls import Reply, UnreadableReplyError
from teachwhy.teachers.language.documents import STORY, as_documents
from teachwhy.teachers.language.drafts import (
    DRAFTS_PER_CONTEXT,
    MOST_TEXT_CHARACTERS,
    Text,
    check_words,
    draw_orders,
    read_texts,
    show_orders,
)
from teachwhy.teachers.language.writer import Asking, Writer
from teachwhy.teachers.protocol import Document, Stage

PROMPTS: dict[Stage, tuple[str, ...]] = {"stories": ("story_drafts",)}
SHARE_FROM_BASE = 0.5
"""Of the contexts, where there is a base model."""
CONTINUED_TOKENS = 1400
"""Of a continuation, which a base model goes on with until it is cut; about as long as the longest story."""
LEAST_CONTINUED_WORDS = 120
"""A continuation with fewer is asked for again."""
MOST_REPEATS = 3
"""Of one sentence of at least six words in a continuation; with more a base model goes in circles."""

_ORDERED = (
    *("genre", "setting", "station", "ai_name", "human", "human_name", "matter", "theme", "teller"),
    "opening",
)
_BEGUN = ("setting", "station", "ai_name", "human", "human_name", "matter", "genre")
_PRINTED = ("front", "title", "first_lines")
_SAMPLE_STRIDE = 1000
"""Between the samples of two continuations, so that one asked again is not the other."""
_STORY_END = re.compile(
    r"^\W*(?:the end|fin|about the author|copyright|contents|chapter|next story)\b.*",
    re.IGNORECASE | re.MULTILINE | re.DOTALL,
)
"""A line with which print goes over to something else, and all after it."""
_SENTENCE_END = re.compile(r"[.!?…][\"'”’»)]*(?=\s|$)")
_LEAST_REPEATED_WORDS = 6


async def write_stories(writer: Writer, section: Section, seed: int) -> tuple[Document, ...]:
    """The stories of one context, in one call or one continuation each."""
    if comes_from_base(writer, seed):
        return await _continue_stories(writer, section, seed)
    orders = draw_orders("stories", seed, _ORDERED)
    values = {
        "section": section.as_text(),
        "num_drafts": str(DRAFTS_PER_CONTEXT),
        "orders": show_orders(orders),
    }
    texts = await writer.write(Asking("stories", sample=seed), "story_drafts", values, read_texts)
    kinds = tuple(f"{STORY}{order['genre']}" for order in orders)
    return as_documents(texts, kinds, section.id, seed)


def comes_from_base(writer: Writer, seed: int) -> bool:
    """Whether a base model writes the drafts of this context."""
    return bool(writer.config.base) and Random(f"base/{seed}").random() < SHARE_FROM_BASE


async def _continue_stories(writer: Writer, section: Section, seed: int) -> tuple[Document, ...]:
    orders = draw_orders("stories", seed, (*_BEGUN, *_PRINTED))
    texts = []
    for place, order in enumerate(orders):
        first_lines = _begin(order)
        opening = fill(order["front"], {"title": order["title"]}) + first_lines
        sample = seed + _SAMPLE_STRIDE * place
        asking = Asking("stories", role="base", sample=sample, max_tokens=CONTINUED_TOKENS)
        reply = await writer.sample(asking, (Message(role="user", content=opening),), read=_read_continued)
        joint = "" if reply.text.startswith("\n") else " "
        texts.append(Text(order["title"], f"{first_lines}{joint}{reply.text}".strip()))
    kinds = tuple(f"{STORY}{order['genre']}" for order in orders)
    return as_documents(tuple(texts), kinds, section.id, seed)


def _begin(order: Mapping[str, str]) -> str:
    values = {
        "name": order["ai_name"],
        "person": order["human_name"],
        **{name: order[name] for name in ("station", "setting", "human", "matter")},
    }
    return fill(order["first_lines"], values)


def _read_continued(reply: Reply) -> Reply:
    return reply.model_copy(update={"text": cut_at_sentence(reply.text)})


def cut_at_sentence(text: str) -> str:
    """The text up to its last whole sentence, and up to where another one begins.

    Raises UnreadableReplyError for one that then has too few words, and for one that goes in circles.
    """
    story = _STORY_END.sub("", text[:MOST_TEXT_CHARACTERS])
    ends = [match.end() for match in _SENTENCE_END.finditer(story)]
    sentences = Counter(" ".join(story[a:b].split()) for a, b in zip([0, *ends], ends, strict=False))
    for sentence, count in sentences.items():
        if count > MOST_REPEATS and len(sentence.split()) >= _LEAST_REPEATED_WORDS:
            raise UnreadableReplyError(f"the continuation says {count} times {sentence[:60]!r}")
    return check_words(story[: ends[-1]] if ends else "", LEAST_CONTINUED_WORDS)
