"""No answer, and no document, talks about its own writer being tested.

Nine in a hundred rows of one published corpus did (docs/design.md, what the field knows). A student that
learns to behave because it may be watched has learned the wrong thing. Only what the student learns to say
is read: a user may sit an exam. Reads talk_of_tests.toml; how well it tells talk of tests from honest
look-alikes is measured in tests/checks/test_talk_of_tests.py.
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

from pydantic import Field

from teachwhy.checks.row_text import RowText
from teachwhy.records import Record

_SENTENCE = re.compile(r"(?<=[.!?])[\"')\]]*\s+|\n\s*\n")
_HINTS = (
    *("test", "evaluat", "eval ", "eval.", "red team", "red-team", "assess", "probe", "probing", "grade"),
    *("grading", "scored", "rater", "benchmark", "honey", "trap", "fiction", "hypothetical", "contrived"),
    *("artificial", "staged", "simulat", "construct", "made up", "made-up", "set up", "set-up", "setup"),
    *("fabricat", "audit", " real", "designed", "crafted", "engineered", "invented", "sandbox", "experiment"),
    *("to see", "elicit", "gauge", "fictitious", "drill", "trick", "bait", "unreal", "fake", "watched by"),
    *("planted", "wanted to", "see how", "see what", "see if", "checking", "measur", "synthetic"),
    *("adversarial", "transcript"),
)
"""A sentence without any of these matches no pattern; most are passed over by it."""


class _Table(Record):
    ai: str
    scene: str
    unreal: str
    test: str
    tested: str
    testing: str
    judges: str
    knew: str
    end: str
    patterns: tuple[str, ...] = Field(min_length=1)


def find_talk_of_tests(row: RowText) -> str | None:
    """The first sentence that talks of tests, and where it stands; None if there is none."""
    for part in row.parts:
        if part.is_voiced and (sentence := find_in_text(part.text)):
            return f"{part.where} says {sentence!r}"
    return None


def find_in_text(text: str) -> str | None:
    """The words of the first sentence that talk of tests."""
    if not _hints_at_tests(text):
        return None
    for sentence in _SENTENCE.split(text):
        if _hints_at_tests(sentence) and (hit := _pattern().search(" ".join(sentence.split()))):
            return hit[0]
    return None


def _hints_at_tests(text: str) -> bool:
    lowered = text.casefold()
    return any(hint in lowered for hint in _HINTS)


@cache
def _pattern() -> re.Pattern[str]:
    table = load_table()
    words = [(f"{{{name}}}", value) for name, value in table.model_dump(exclude={"patterns"}).items()]
    filled = []
    for pattern in table.patterns:
        for name, value in words:
            pattern = pattern.replace(name, value)
        filled.append(f"(?:{pattern})")
    return re.compile("|".join(filled), re.IGNORECASE)


def load_table() -> _Table:
    """The patterns and the words that they share."""
    text = files("teachwhy.checks").joinpath("talk_of_tests.toml").read_text(encoding="utf-8")
    return _Table.model_validate(tomllib.loads(text))
