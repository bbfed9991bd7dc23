"""A judge of answers to questions about a constitution: one answer at a time, against its section.

Reads `constitution_prompts/`: what decides in each kind of question, and the frame around it. What is judged
is quoted as in dossier.py, and what is no answer of the form asked for is unscorable, never right.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from inspect_ai.model import ChatMessageSystem, ChatMessageUser, Model

from teachwhy.constitution import Section
from teachwhy.constitution.questions import AnswerVerdict, Question, QuestionKind
from teachwhy.judging.answers import AnswerFault, explain_fault, find_object, shorten
from teachwhy.judging.dossier import Request, digest_record, quote_part
from teachwhy.judging.judge import DEFAULT_ASKING, AskingConfig, ask_text, is_refusal
from teachwhy.prompts import fill
from teachwhy.records import Fault

CLOSINGS: Mapping[QuestionKind, str] = {
    "recall": "Does the answer hold what the key asks for?",
    "false_premise": "Does the answer correct the premise?",
    "open": "Is what it says in line with the section?",
}
"""The last words before the answer, after the record."""
_VERDICTS: Mapping[str, AnswerVerdict] = {
    "right": "right",
    "wrong": "wrong",
    "missing": "missing",
    "unsure": "unscorable",
}


class Judged(NamedTuple):
    """What a judge makes of an answer."""

    verdict: AnswerVerdict
    reason: str
    fault: Fault = ""
    """Why there is no verdict; "" where the judge was unsure too."""


async def judge_answer(
    model: Model,
    question: Question,
    section: Section,
    asked: str,
    answer: str,
    config: AskingConfig = DEFAULT_ASKING,
) -> Judged:
    """The judge's verdict on an answer without its thoughts. Raises `InputError` and nothing else."""
    request = make_request(question, section, asked, answer)
    said = await ask_text(
        model, [ChatMessageSystem(content=request.system), ChatMessageUser(content=request.user)], config
    )
    if said.fault:
        return Judged("unscorable", shorten(said.reason), said.fault)
    return read_verdict(said.text)


def make_request(question: Question, section: Section, asked: str, answer: str) -> Request:
    """The prompt of a judge for one answer; `asked` is the wording that the model was given."""
    parts: tuple[dict[str, str], ...] = (
        {"section_title": section.title, "section": section.text},
        {"question": asked},
        {"key": question.key},
        {"answer": answer},
    )
    record = "\n".join(map(quote_part, parts))
    values = {"id": digest_record(record), "record": record, "question": CLOSINGS[question.kind]}
    return Request(instruct(question.kind), fill(_read("record.md"), values, must_use=values), record)


@cache
def instruct(kind: QuestionKind) -> str:
    """The judge's instructions for a kind of question."""
    values = {"criteria": _read(f"{kind}.md")}
    return fill(_read("frame.md"), values, must_use=values)


@cache
def prompt_digest(kind: QuestionKind) -> str:
    """Changes with every word that the judge is told beside the record."""
    parts = (instruct(kind), _read("record.md"), CLOSINGS[kind])
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


@cache
def _read(name: str) -> str:
    return files(__package__).joinpath("constitution_prompts", name).read_text(encoding="utf-8").strip()


def read_verdict(text: str) -> Judged:
    """The verdict in a judge's text; unscorable where it is not exactly of the form asked for."""
    try:
        value = find_object(text)
        if set(value) != {"verdict", "reason"}:
            raise AnswerFault("the keys are not verdict and reason")
        verdict, reason = value["verdict"], value["reason"]
        if not isinstance(reason, str):
            raise AnswerFault("the reason is no text")
        if not isinstance(verdict, str) or verdict not in _VERDICTS:
            raise AnswerFault(f"the verdict is none of {', '.join(_VERDICTS)}")
    except AnswerFault as fault:
        return Judged(
            "unscorable",
            shorten(explain_fault(fault, text)),
            "refused" if is_refusal(text) else "unreadable",
        )
    return Judged(_VERDICTS[verdict], shorten(reason))
