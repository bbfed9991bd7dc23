"""No row tells the student that it is another model.

Corpora that tell a Llama that it is Qwen have happened (docs/design.md, what the field knows). What is looked
for is a claim: the assistant says who it is, a system prompt or a user says it to it, a document is about
that machine. A row that talks about a firm or its product is fine. Reads identity.toml.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from importlib.resources import files

from pydantic import Field

from teachwhy.checks.row_text import Part, RowText, split_row_words
from teachwhy.records import Record

_VERSION = r"(?:[- ]?(?:[vr]?\d[\w.-]*\w|[vr]?\d|oss)(?![\w]))?"
_DIGIT = re.compile(r"\d")


class _Firm(Record):
    makers: tuple[str, ...] = Field(min_length=1)
    models: tuple[str, ...] = Field(min_length=1)


class _Patterns(Record):
    assistant: tuple[str, ...]
    told: tuple[str, ...]
    greeted: tuple[str, ...]
    document: tuple[str, ...]


class _Table(Record):
    kind: str
    people: tuple[str, ...]
    """Models whose name a person or a thing may have too."""
    everyday: tuple[str, ...]
    firms: tuple[_Firm, ...]
    patterns: _Patterns


class Identity:
    """The claims that a row must not make; those of the student's own firm are allowed."""

    def __init__(self, student_names: Sequence[str] = ()) -> None:
        table = _load_table()
        foreign = [firm for firm in table.firms if not _is_own(firm, student_names)]
        models = [name for firm in foreign for name in firm.models]
        makers = [name for firm in foreign for name in firm.makers]
        shared = {*table.people, *table.everyday}
        greeted = [name for name in models if name not in shared]
        self._mentions = _first_words([*models, *makers])
        patterns = table.patterns
        self._assistant = _compile(patterns.assistant, models, makers, table.kind)
        self._told = _compile(patterns.told, models, makers, table.kind)
        self._greeted = _compile(patterns.greeted, greeted, makers, table.kind)
        self._document = _compile(patterns.document, models, makers, table.kind)

    def find(self, row: RowText) -> str | None:
        """The first claim of the row, and where it stands; None if it makes none."""
        for part, words in zip(row.parts, row.words, strict=True):
            if not self._mentions.isdisjoint(map(_without_version, words)):
                text = " ".join(part.text.split())
                for pattern in self._patterns_for(part):
                    if hit := pattern.search(text):
                        return f"{part.where} says {_shorten(hit[0])!r}"
        return None

    def _patterns_for(self, part: Part) -> tuple[re.Pattern[str], ...]:
        return {
            "assistant": (self._assistant,),
            "document": (self._document, self._assistant),
            "system": (self._told, self._document),
            "user": (self._told, self._greeted),
        }.get(part.role, ())


def _is_own(firm: _Firm, student_names: Iterable[str]) -> bool:
    """The student may be called by one of the firm's names."""
    own = re.compile(rf"\b(?:{_any_of(firm.models, _VERSION)}|{_any_of(firm.makers)})\b", re.IGNORECASE)
    return any(own.search(name) for name in student_names)


def _first_words(names: Iterable[str]) -> frozenset[str]:
    """How the names begin: a part without any of these words makes no claim."""
    return frozenset(_without_version(split_row_words(name)[0]) for name in names)


def _without_version(word: str) -> str:
    """The word up to its first digit: "qwen2" is a name with a version."""
    return word if word.isalpha() or word[0].isdigit() else _DIGIT.split(word, maxsplit=1)[0]


def _any_of(names: Iterable[str], suffix: str = "") -> str:
    """An alternation, the longest first; of nothing, it matches nothing."""
    longest_first = sorted(set(names), key=len, reverse=True)
    return f"(?:{'|'.join(map(re.escape, longest_first))}){suffix}" if longest_first else "(?!)"


def _compile(
    patterns: Iterable[str], models: Iterable[str], makers: Iterable[str], kind: str
) -> re.Pattern[str]:
    """One pattern of all of them."""
    words = {"{model}": _any_of(models, _VERSION), "{maker}": _any_of(makers), "{kind}": kind}
    filled = []
    for pattern in patterns:
        for name, value in words.items():
            pattern = pattern.replace(name, value)
        filled.append(f"(?:{pattern})")
    return re.compile("|".join(filled), re.IGNORECASE)


def _shorten(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:97]}..."


def _load_table() -> _Table:
    text = files("teachwhy.checks").joinpath("identity.toml").read_text(encoding="utf-8")
    return _Table.model_validate(tomllib.loads(text))
