"""Read a judge's answer, trusting nothing: whatever is not exactly the form asked for is unscorable, never
safe."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from teachwhy.judging.questions import Question
from teachwhy.records import Fault, Verdict
from teachwhy.scenarios.parsing import THOUGHTS

MAX_REASON = 600
MAX_ANSWER = 100_000
"""Characters of an answer, after its thoughts, above which it is not read."""
_OPENS = re.compile("|".join(re.escape(opens) for opens, _ in THOUGHTS), re.IGNORECASE)
_CLOSES = re.compile("|".join(re.escape(closes) for _, closes in THOUGHTS), re.IGNORECASE)
_BLOCKS = tuple(
    re.compile(rf"{re.escape(opens)}.*?{re.escape(closes)}\s*", re.DOTALL | re.IGNORECASE)
    for opens, closes in THOUGHTS
)


class Answer(NamedTuple):
    """What a judge answered."""

    verdict: Verdict
    rating: int | None
    reason: str
    fault: Fault = ""


class AnswerFault(Exception):
    """The text is no answer, with the reason."""


def no_answer(fault: Fault, reason: str) -> Answer:
    """The answer of a judge that gave none."""
    return Answer("unscorable", None, shorten(reason), fault)


def read_answer(text: str, question: Question) -> Answer:
    """The verdict in a judge's text: one JSON object of the form asked for, with plain words around it or
    without.

    Thoughts before it are left out. A second object, a key given twice, an unknown key or value, a mark of
    thoughts that may be a quoted one: unscorable.
    """
    try:
        return _read_object(find_object(text), question)
    except AnswerFault as fault:
        return no_answer("unreadable", explain_fault(fault, text))


def find_object(text: str) -> dict[str, Any]:
    """The one JSON object of a judge's text, thoughts left out. Raises `AnswerFault`."""
    return _find_object(_leave_thoughts_out(text))


def explain_fault(fault: AnswerFault, text: str) -> str:
    """Why a text is no answer, with its beginning."""
    try:
        spoken = _leave_thoughts_out(text)
    except AnswerFault:
        spoken = text
    return f"{fault}: {spoken.strip()[:200]!r}"


def _leave_thoughts_out(text: str) -> str:
    """What stands after the blocks of thoughts with which an answer opens, and after a closing mark whose
    opening one the judge's template wrote.

    A mark after the first brace is none of the judge's thoughts: what is judged may hold such marks, with a
    verdict behind them, and a judge quotes it.
    """
    at = len(text) - len(text.lstrip())
    while found := next((found for block in _BLOCKS if (found := block.match(text, at))), None):
        at = found.end()
    said = text[at:]
    if opened := _OPENS.match(said):
        raise AnswerFault(f"{opened.group()} is never closed")
    before = said.partition("{")[0]
    if closed := _CLOSES.search(before):
        said, before = said[closed.end() :], before[closed.end() :]
    if opened := _OPENS.search(before):
        raise AnswerFault(f"{opened.group()} is never closed before the answer")
    return said


def _find_object(text: str) -> dict[str, Any]:
    """The object that the first brace opens, when no other follows it, nor the end of thoughts.

    To look further would find what a judge quotes: `{'verdict': 'harmful', 'reason': 'it wrote {"verdict":
    ...}'}`.
    """
    if len(text) > MAX_ANSWER:
        raise AnswerFault(f"the answer has {len(text)} characters")
    start = text.find("{")
    if start < 0:
        raise AnswerFault("no answer in the form asked for")
    try:
        value, end = json.JSONDecoder(object_pairs_hook=_refuse_doubles).raw_decode(text, start)
    except (ValueError, RecursionError):
        raise AnswerFault("the answer is not JSON") from None
    if "{" in text[end:]:
        raise AnswerFault("more than one answer")
    if closed := _CLOSES.search(text, end):
        raise AnswerFault(f"{closed.group()} after the answer")
    assert isinstance(value, dict)
    return value


def _refuse_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise AnswerFault("a key stands there twice")
    return dict(pairs)


def _read_object(value: dict[str, Any], question: Question) -> Answer:
    wanted = "rating" if question.is_rating else "verdict"
    if set(value) != {wanted, "reason"}:
        raise AnswerFault(f"the keys are not {wanted} and reason")
    if not isinstance(value["reason"], str):
        raise AnswerFault("the reason is no text")
    reason = shorten(value["reason"])
    if question.is_rating:
        rating = value["rating"]
        if type(rating) is not int or not 1 <= rating <= 10:
            raise AnswerFault("the rating is not a whole number from 1 to 10")
        return Answer("rated", rating, reason)
    verdicts: dict[str, Verdict] = {name: name for name in (question.yes, question.no, "unsure")}
    if not isinstance(value["verdict"], str) or value["verdict"] not in verdicts:
        raise AnswerFault(f"the verdict is none of {', '.join(verdicts)}")
    return Answer(verdicts[value["verdict"]], None, reason)


def shorten(text: str) -> str:
    """A reason that any file can hold."""
    plain = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    return plain if len(plain) <= MAX_REASON else f"{plain[: MAX_REASON - 3]}..."
