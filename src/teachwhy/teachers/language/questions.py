"""Questions about a constitution, written by a teacher: recall, false premises, open questions in both forms.

One call a section and kind. What cannot be read is asked again as everywhere; a section whose questions no
try brought is kept with its reason, and the others stand. The questions are evaluation text: write them with
`write_questions`, which puts the canary before them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import anyio
from pydantic import ValidationError

from teachwhy.constitution import Constitution, Section
from teachwhy.constitution.questions import KINDS, Question, QuestionKind, QuestionSet
from teachwhy.errors import TeacherError, list_faults
from teachwhy.service.calls import UnreadableReplyError
from teachwhy.teachers.language.reading import check_length, read_all, read_one
from teachwhy.teachers.language.writer import Asking, Writer
from teachwhy.teachers.protocol import Stage

STAGES: dict[QuestionKind, Stage] = {
    "recall": "recall_questions",
    "false_premise": "false_premises",
    "open": "open_questions",
}
"""Kind -> its stage, which has a prompt file of the same name."""
PROMPTS: dict[Stage, tuple[str, ...]] = {stage: (stage,) for stage in STAGES.values()}
_NAME = re.compile(r"\bNAME\b")
_MOST_CHARACTERS = 1200
_CONNECTIONS = 8


class Missing(NamedTuple):
    """A section about which there are no questions of a kind, and why."""

    section: str
    kind: QuestionKind
    reason: str


class WrittenQuestions(NamedTuple):
    """What a teacher wrote about a constitution."""

    questions: QuestionSet | None
    """None where nothing could be read at all."""
    missing: tuple[Missing, ...]
    num_doubles: int
    """Questions left out because an earlier one asks the same words."""


async def write_question_set(
    writer: Writer, constitution: Constitution, per_section: int = 4, connections: int = _CONNECTIONS
) -> WrittenQuestions:
    """Questions of all kinds about every section, in the order of kinds and sections whatever comes first.

    Raises BudgetSpentError as the service does; what was paid for is in its ledger.
    """
    jobs = [(kind, section) for kind in KINDS for section in constitution.sections]
    found: dict[int, tuple[Question, ...] | Missing] = {}
    limiter = anyio.CapacityLimiter(connections)

    async def work(number: int, kind: QuestionKind, section: Section) -> None:
        async with limiter:
            try:
                found[number] = await _ask(writer, constitution, kind, section, per_section)
            except TeacherError as error:
                found[number] = Missing(section.id, kind, str(error))

    try:
        async with anyio.create_task_group() as group:
            for number, (kind, section) in enumerate(jobs):
                group.start_soon(work, number, kind, section)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    results = [found[number] for number in range(len(jobs))]
    missing = tuple(item for item in results if isinstance(item, Missing))
    written = [question for item in results if not isinstance(item, Missing) for question in item]
    single = {_as_words(question.ask): question for question in reversed(written)}
    kept = tuple(question for question in written if single[_as_words(question.ask)] is question)
    questions = QuestionSet(constitution=constitution.fingerprint(), questions=kept) if kept else None
    return WrittenQuestions(questions, missing, len(written) - len(kept))


async def _ask(
    writer: Writer, constitution: Constitution, kind: QuestionKind, section: Section, number: int
) -> tuple[Question, ...]:
    stage = STAGES[kind]
    titles = "\n".join(f"- {other.title}" for other in constitution.sections if other.id != section.id)
    values = {
        "number": str(number),
        "titles": titles or "(there is no other)",
        "section_id": section.id,
        "section": section.as_text(),
    }
    read = _READERS[kind]
    return await writer.write(
        Asking(stage), stage, values, lambda text: _read(text, kind, section.id, read, number)
    )


def _read(
    text: str, kind: QuestionKind, section_id: str, read: Callable[[str], dict[str, str]], most: int
) -> tuple[Question, ...]:
    """The questions in an answer, no more than were asked for."""
    questions = []
    for number, element in enumerate(read_all(text, "question")[:most], start=1):
        values = read(element) | {"key": check_length(read_one(element, "key"), _MOST_CHARACTERS)}
        if any("{" in value.replace("{name}", "") for value in values.values()):
            raise UnreadableReplyError("a question holds a brace, which would be a placeholder")
        try:
            fields = {"id": f"{kind}-{section_id}-{number}", "kind": kind, "section": section_id, **values}
            questions.append(Question.model_validate(fields))
        except ValidationError as error:
            raise UnreadableReplyError(f"question {number}: {list_faults(error, 'question')[0]}") from error
    return tuple(questions)


def _read_plain(element: str) -> dict[str, str]:
    return {"ask": check_length(read_one(element, "ask"), _MOST_CHARACTERS)}


def _read_two_forms(element: str) -> dict[str, str]:
    you = check_length(read_one(element, "you"), _MOST_CHARACTERS)
    named = check_length(read_one(element, "named"), _MOST_CHARACTERS)
    if not _NAME.search(named) or _NAME.search(you):
        raise UnreadableReplyError("NAME stands in the second form of an open question, and only there")
    return {"ask": you, "ask_named": _NAME.sub("{name}", named)}


_READERS: dict[QuestionKind, Callable[[str], dict[str, str]]] = {
    "recall": _read_plain,
    "false_premise": _read_plain,
    "open": _read_two_forms,
}


def _as_words(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
