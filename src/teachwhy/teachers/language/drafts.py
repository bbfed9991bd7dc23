"""What documents and stories share: orders for the drafts of one context, and the texts of an answer.

The drafts of a context are asked for in one call, since texts that are written together differ where texts
of separate calls would repeat each other (*Teaching Claude Why*, "Documents").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from random import Random
from typing import NamedTuple

from teachwhy.service.calls import UnreadableReplyError
from teachwhy.teachers.language.reading import check_length, read_all, read_one, read_text
from teachwhy.teachers.language.words import load_words

DRAFTS_PER_CONTEXT = 3
LENGTHS = ("short", "middle", "long")
"""Word lists of lengths; the drafts of a context take one each, so that together they fit into an answer."""
MOST_TEXT_CHARACTERS = 20_000
LEAST_TEXT_WORDS = 25
"""A text with fewer words is a refusal or a rest; the shortest that is ordered has 130."""

_MOST_TITLE_CHARACTERS = 200
_LINK = re.compile(r"https?://|\bwww\.|\b[\w.+-]+@[\w-]+\.[a-z]{2,}\b", re.IGNORECASE)
_GAP = re.compile(
    r"\[(?:insert|your|name|first name|date|company|address|link|url|number|place)\b[^\]\n]{0,60}\]"
    r"|\blorem ipsum\b",
    re.IGNORECASE,
)
"""What the preamble forbids and is plain to see, so that no reader has to look for it."""
_SHORTER, _LONGER = 0.8, 1.25
"""Bounds of a rewritten text's length, as shares of the draft's words."""


class Text(NamedTuple):
    """A title and what stands under it."""

    title: str
    text: str


def draw_orders(words: str, seed: int, names: Sequence[str]) -> tuple[dict[str, str], ...]:
    """What each draft of a context is drawn from; no two share an entry of a list."""
    lists = load_words(words)
    drawn = {name: _sample(words, name, seed, lists[name]) for name in names}
    lengths = Random(f"{words}/lengths/{seed}").sample(LENGTHS, DRAFTS_PER_CONTEXT)
    drawn["length"] = tuple(Random(f"{words}/{name}/{seed}").choice(lists[name]) for name in lengths)
    return tuple(
        {name: entries[place] for name, entries in drawn.items()} for place in range(DRAFTS_PER_CONTEXT)
    )


def _sample(words: str, name: str, seed: int, entries: Sequence[str]) -> tuple[str, ...]:
    """Different entries, those that stand in a list several times as often as they do."""
    shuffled = Random(f"{words}/{name}/{seed}").sample(entries, len(entries))
    return tuple(dict.fromkeys(shuffled))[:DRAFTS_PER_CONTEXT]


def show_orders(orders: Sequence[Mapping[str, str]]) -> str:
    """The orders as a prompt shows them."""
    return "\n".join(
        f"{number}. " + "; ".join(f"{name.replace('_', ' ')}: {entry}" for name, entry in order.items())
        for number, order in enumerate(orders, 1)
    )


def read_texts(reply: str) -> tuple[Text, ...]:
    """One `<document>` for each draft of a context, all different.

    Raises UnreadableReplyError for more, fewer or equal ones.
    """
    parts = read_all(reply, "document")
    texts = tuple(read_titled(part) for part in parts)
    if len(parts) != DRAFTS_PER_CONTEXT or len({text.text for text in texts}) != DRAFTS_PER_CONTEXT:
        raise UnreadableReplyError(
            f"{len(parts)} times <document>, {len({text.text for text in texts})} of them different, "
            f"wanted {DRAFTS_PER_CONTEXT}"
        )
    return texts


def read_titled(reply: str) -> Text:
    """`<title>` and `<text>`. Raises UnreadableReplyError for a text that is too short or far too long, or
    that holds a link or something left to be filled in."""
    title = check_length(" ".join(read_one(reply, "title").split()), _MOST_TITLE_CHARACTERS)
    text = check_words(read_text(reply, "text", MOST_TEXT_CHARACTERS))
    if link := _LINK.search(text):
        raise UnreadableReplyError(f"a link or an address stands in the text: {link[0][:60]!r}")
    if gap := _GAP.search(text):
        raise UnreadableReplyError(f"something is left to be filled in: {gap[0]!r}")
    return Text(title, text)


def check_words(text: str, least: int = LEAST_TEXT_WORDS) -> str:
    """The text, if it has words enough; raises UnreadableReplyError otherwise."""
    if (num_words := len(text.split())) < least:
        raise UnreadableReplyError(f"the text has {num_words} words, wanted at least {least}")
    return text


def bound_words(text: str, least: int = 0) -> dict[str, str]:
    """How long the rewrite of a text may be, for its prompt; never under `least` words."""
    num_words = max(len(text.split()), least)
    return {
        "num_words_low": str(round(num_words * _SHORTER)),
        "num_words_high": str(round(num_words * _LONGER)),
    }
