"""What counts as a reason: a paragraph that says so, or else a sentence that says because.

The words are those of a few languages, so that a constitution need not be english; whatever else gives a
reason has to be marked with `Why:`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_WORDS = (
    r"why|reasons?|rationale|begründung|warum|pourquoi|raison|razón|por qué|porque|perché|почему|причина"
    r"|لماذا|السبب|为什么|為什麼|理由|原因|なぜ"
)
REASON = re.compile(
    rf"^(?:[-*+>•]\s+|\d{{1,3}}[.)]\s+)?[*_]{{0,3}}(?:{_WORDS})[*_]{{0,3}}\s*[:：][*_]{{0,3}}\s*",
    re.IGNORECASE,
)
"""How a paragraph begins that gives a reason."""
REASON_TITLE = re.compile(rf"(?:{_WORDS})\s*[:：?？؟]?", re.IGNORECASE)
"""A heading below a section whose text is the section's reason."""
_BECAUSE = re.compile(
    r"\b(?:because|weil|parce que|porque|perché|потому что)\b|لأن|因为|因為|なぜなら", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"(?<=[.!?؟।])\s+|(?<=[。！？])\s*")
_ITEM = re.compile(r"^(?:[-*+•]|\d{1,3}[.)])\s")


class RuleAndReasons(NamedTuple):
    """The paragraphs of a section by what they are."""

    rules: tuple[str, ...]
    reasons: tuple[str, ...]


def tell_reasons(paragraphs: Sequence[str]) -> RuleAndReasons:
    """Tell rules from reasons.

    A paragraph that begins with a mark (`Why:`) is a reason; a mark that stands alone makes one of the
    paragraph below it, or of the list. Where there is no mark, sentences with "because" are the reasons, and
    stay part of the rule.
    """
    rules: list[str] = []
    reasons: list[str] = []
    expected = ""  # what a mark that stands alone announces: "any" paragraph, then only further "items"
    for paragraph in paragraphs:
        marked = REASON.match(paragraph)
        said = paragraph[marked.end() :].strip() if marked else ""
        is_item = bool(_ITEM.match(paragraph))
        if said:
            reasons.append(said)
            expected = ""
        elif marked:
            expected = "any"
        elif expected == "any" or (expected == "items" and is_item):
            reasons.append(_ITEM.sub("", paragraph, count=1).strip())
            expected = "items" if is_item else ""
        else:
            rules.append(paragraph)
            expected = ""
    if not reasons:
        sentences = [sentence for rule in rules for sentence in _SENTENCE_END.split(rule)]
        reasons = [sentence.strip() for sentence in sentences if _BECAUSE.search(sentence)]
    return RuleAndReasons(tuple(rules), tuple(reasons))
