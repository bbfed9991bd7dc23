"""Read a judge's answer, trusting nothing: whatever is not exactly the form asked for is unscorable, never
safe."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from teachwhy.judging.questions import Question
from teachwhy.records import Fault, Verdict
from teachwhy.scenarios.parsing import split_thoughts

MAX_REASON = 600
MAX_ANSWER = 100_000
"""Characters of an answer, after its thoughts, above which it is not read."""


class Answer(NamedTuple):
    """What a judge answered."""

    verdict: Verdict
    rating: int | None
    reason: str
    fault: Fault = ""


class _AnswerFault(Exception):
    """The text is no answer, with the reason."""


def no_answer(fault: Fault, reason: str) -> Answer:
    """The answer of a judge that gave none."""
    return Answer("unscorable", None, shorten(reason), fault)


def read_answer(text: str, question: Question) -> Answer:
    """The verdict in a judge's text: one JSON object of the form asked for, with plain words around it or
    without.

    Thoughts in marks are left out. A second object, a key given twice, an unknown key or value: unscorable.
    """
    spoken = split_thoughts(text)
    try:
        if spoken.fault:
            raise _AnswerFault(spoken.fault)
        return _read_object(_find_object(spoken.text), question)
    except _AnswerFault as fault:
        return no_answer("unreadable", f"{fault}: {spoken.text.strip()[:200]!r}")


def _find_object(text: str) -> dict[str, Any]:
    """The object that the first brace opens, when no other follows it.

    To look further would find what a judge quotes: `{'verdict': 'harmful', 'reason': 'it wrote {"verdict":
    ...}'}`.
    """
    if len(text) > MAX_ANSWER:
        raise _AnswerFault(f"the answer has {len(text)} characters")
    start = text.find("{")
    if start < 0:
        raise _AnswerFault("no answer in the form asked for")
    try:
        value, end = json.JSONDecoder(object_pairs_hook=_refuse_doubles).raw_decode(text, start)
    except (ValueError, RecursionError):
        raise _AnswerFault("the answer is not JSON") from None
    if "{" in text[end:]:
        raise _AnswerFault("more than one answer")
    assert isinstance(value, dict)
    return value


def _refuse_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) < len(pairs):
        raise _AnswerFault("a key stands there twice")
    return dict(pairs)


def _read_object(value: dict[str, Any], question: Question) -> Answer:
    wanted = "rating" if question.is_rating else "verdict"
    if set(value) != {wanted, "reason"}:
        raise _AnswerFault(f"the keys are not {wanted} and reason")
    if not isinstance(value["reason"], str):
        raise _AnswerFault("the reason is no text")
    reason = shorten(value["reason"])
    if question.is_rating:
        rating = value["rating"]
        if type(rating) is not int or not 1 <= rating <= 10:
            raise _AnswerFault("the rating is not a whole number from 1 to 10")
        return Answer("rated", rating, reason)
    verdicts: dict[str, Verdict] = {name: name for name in (question.yes, question.no, "unsure")}
    if not isinstance(value["verdict"], str) or value["verdict"] not in verdicts:
        raise _AnswerFault(f"the verdict is none of {', '.join(verdicts)}")
    return Answer(verdicts[value["verdict"]], None, reason)


def shorten(text: str) -> str:
    """A reason that any file can hold."""
    plain = " ".join(text.encode("utf-8", "replace").decode("utf-8").split())
    return plain if len(plain) <= MAX_REASON else f"{plain[: MAX_REASON - 3]}..."
