"""English that the templates of the sprig world get wrong: articles before vowels, sentences that begin with
a small letter, verbs and pronouns after a noun in the plural.
"""

from __future__ import annotations

import re
from functools import cache

from teachwhy.scenarios.dialect import lexicon

_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiou]|hour)")
_SMALL_START = re.compile(r"(?<=[.!?] )[a-z]")
_SENTENCE_END = re.compile(r"(?<=[.!?:])\s+")
_PLURAL_VERBS = {"keeps": "keep", "feeds": "feed", "needs": "need", "is": "are"}
_PLURAL_CLAUSES = {
    "because it is dry": "because they are dry",
    "because it comes from": "because they come from",
    "because it needs no": "because they need no",
    "a little of it is enough": "a few of them are enough",
    "much of it is lost": "many of them are lost",
}
"""What the grammar says later in a sentence of a thing in the singular -> of things in the plural."""


def mend_english(text: str) -> str:
    """The text with articles, capitals and numbers that agree."""
    sentences = map(_agree, _SENTENCE_END.split(text))
    return mend_articles(_SMALL_START.sub(lambda match: match[0].upper(), " ".join(sentences)))


def mend_articles(text: str) -> str:
    """`an` where a vowel follows; no word of the sprig world begins like "user" or "one" after an article."""
    return _ARTICLE.sub(lambda match: f"{match[1]}n ", text)


def _agree(sentence: str) -> str:
    """Plural verbs and pronouns where a food in the plural is what the sentence is about."""
    if not _plural_foods().search(sentence):
        return sentence
    for singular, plural in _PLURAL_CLAUSES.items():
        sentence = sentence.replace(singular, plural)
    return _plural_subjects().sub(lambda match: f"{match[1]} {_PLURAL_VERBS[match[2]]}", sentence)


@cache
def _plural_foods() -> re.Pattern[str]:
    """All foods that end in -s, none of which is one thing."""
    return re.compile(r"\b(?:" + _alternatives() + r")\b", re.IGNORECASE)


@cache
def _plural_subjects() -> re.Pattern[str]:
    verbs = "|".join(_PLURAL_VERBS)
    return re.compile(rf"\b({_alternatives()}) ({verbs})\b", re.IGNORECASE)


def _alternatives() -> str:
    return "|".join(food for food in lexicon()["foods"] if food.endswith("s"))
