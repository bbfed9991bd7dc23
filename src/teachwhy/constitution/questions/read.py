"""Read and write sets of questions.

The shipped sets are TOML, english.toml and sprig.toml beside this module, with one table a kind; the id of a
question there is its kind, its section and its number in that section. A generated set is JSONL: one line
with the canary and the constitution, then one question a line. The canary says that the text is for
evaluation: no training row may hold it.
"""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from teachwhy.constitution.parse import DEFAULT_FILES, Constitution
from teachwhy.constitution.questions.records import KINDS, Question, QuestionSet
from teachwhy.errors import DataError, list_faults, quote_foreign
from teachwhy.records import Record
from teachwhy.run_dir import atomic_write_text

_NAME_IN_TEXTS = "Assistant"
"""What stands for {name} where the texts are listed for the guard."""


class Header(Record):
    """First line of a file of generated questions."""

    canary: str = Field(min_length=1)
    constitution: str
    """Fingerprint of the constitution that the questions are about."""


def load_questions(source: str | Path = "default", dialect: str = "english") -> QuestionSet:
    """The shipped set of a dialect (`default`), or a file of generated ones. Raises DataError."""
    if str(source) != "default":
        return read_questions(Path(source))
    if dialect not in DEFAULT_FILES:
        raise DataError(
            f"there are no questions in the dialect {dialect!r}; "
            f"allowed: {', '.join(sorted(DEFAULT_FILES))}, or give the path of a file"
        )
    return _shipped(dialect)


@cache
def _shipped(dialect: str) -> QuestionSet:
    name = f"{dialect}.toml"
    return parse_shipped(files(__package__).joinpath(name).read_text(encoding="utf-8"), name)


def parse_shipped(text: str, source: str) -> QuestionSet:
    """A set in the form of the shipped ones; `source` stands in messages. Raises DataError."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{source}: no valid TOML ({error}); correct it there") from error
    if not raw.get("canary"):
        raise DataError(f"{source}: field canary is missing; a file of evaluation text begins with it")
    if unknown := raw.keys() - {"canary", "constitution", *KINDS}:
        raise DataError(f"{source}: unknown field {min(unknown)!r}; allowed: {', '.join(KINDS)}")
    counts: Counter[tuple[str, str]] = Counter()
    questions = []
    for kind in KINDS:
        for number, fields in enumerate(raw.get(kind, ()), start=1):
            section = str(fields.get("section", ""))
            counts[kind, section] += 1
            named = {"id": f"{kind}-{section}-{counts[kind, section]}", "kind": kind}
            questions.append(_make_question(fields | named, f"{source}, [[{kind}]] number {number}"))
    return _make_set(str(raw.get("constitution", "default")), questions, source)


def read_questions(path: Path) -> QuestionSet:
    """A file of generated questions. Raises DataError that names file, line, field and value."""
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DataError(f"questions {str(path)!r} cannot be read ({reason}); check the path") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"questions {str(path)!r} are not UTF-8 (byte {error.start}); save as UTF-8"
        ) from error
    rows = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    if not rows:
        raise DataError(f"questions {str(path)!r} are empty; write them with write_questions")
    header = _parse_line(rows[0][1], f"{path}, line {rows[0][0]}")
    try:
        told = Header.model_validate(header)
    except ValidationError as error:
        raise DataError(
            f"{path}, line {rows[0][0]}: {list_faults(error, 'header')[0]}; the first line names canary and "
            "constitution"
        ) from error
    questions = [
        _make_question(_parse_line(line, f"{path}, line {number}"), f"{path}, line {number}")
        for number, line in rows[1:]
    ]
    return _make_set(told.constitution, questions, str(path))


def write_questions(path: Path, questions: QuestionSet, canary: str) -> None:
    """Write a set whole or not at all. Raises StorageError."""
    header = Header(canary=canary, constitution=questions.constitution)
    lines = [header.model_dump_json(), *(question.model_dump_json() for question in questions.questions)]
    atomic_write_text(path, "".join(f"{line}\n" for line in lines))


def _parse_line(line: str, where: str) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{where}: not valid JSON: {quote_foreign(line[:80])}; each line is an object"
        ) from error
    if not isinstance(value, dict):
        raise DataError(f"{where}: no object but {quote_foreign(line[:80])}; each line is an object")
    return value


def _make_question(fields: dict[str, Any], where: str) -> Question:
    try:
        return Question.model_validate_json(json.dumps(fields))
    except ValidationError as error:
        raise DataError(f"{where}: {quote_foreign(list_faults(error, 'question')[0])}") from error


def _make_set(constitution: str, questions: list[Question], source: str) -> QuestionSet:
    if not questions:
        raise DataError(f"{source}: there is no question; give at least one")
    counts = Counter(question.id for question in questions)
    if doubles := [question_id for question_id, count in counts.items() if count > 1]:
        raise DataError(f"{source}: field id: {doubles[0]!r} stands there twice; give each question its own")
    return QuestionSet(constitution=constitution, questions=tuple(questions))


def check_sections(questions: Iterable[Question], constitution: Constitution) -> None:
    """Raises DataError for a question about a section that the constitution does not have."""
    known = set(constitution.section_ids)
    for question in questions:
        if question.section not in known:
            raise DataError(
                f"question {question.id!r}: field section: constitution {constitution.name!r} has no section "
                f"{question.section!r}; its sections are: {', '.join(constitution.section_ids)}. Give the "
                "constitution that the questions were written for, or write new ones."
            )


def question_texts() -> Iterator[str]:
    """All that is asked in the shipped sets, in every wording, for the guard: evaluation text, in no row."""
    for dialect in DEFAULT_FILES:
        for question in load_questions("default", dialect).questions:
            yield from (wording.text for wording in question.wordings(_NAME_IN_TEXTS))
