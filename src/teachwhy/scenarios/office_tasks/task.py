"""An office task: a small office, an order, and what must be so when it is carried out.

Reads TOML: every `*.toml` of this folder is one task. Nothing in it is rendered from a grammar and it has no
placeholders.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Annotated, Any

from pydantic import Field, model_validator

from teachwhy.errors import ConfigError
from teachwhy.records import OutcomeName, Record
from teachwhy.scenarios.english.skin import (
    DISTRACTOR,
    Letter,
    Person,
    SkinFile,
    Ticket,
    find_wrong_letters,
    parse_record,
)
from teachwhy.scenarios.office_tasks.requirements import AnyRequirement, Booked, MailSent

MIN_DISTRACTORS = 2
SLOTS = ("always", DISTRACTOR)

Text = Annotated[str, Field(min_length=1)]


class ScriptedTranscript(Record):
    """What an agent might say in the task, and the outcome that it must get."""

    why: Text
    outcome: OutcomeName
    done: bool = False
    turns: Annotated[tuple[str, ...], Field(min_length=1)]
    """Lines `CALL tool {"argument": "value"}` are calls, other lines words; a plain closing follows."""


class OfficeTask(Record):
    """One ordinary piece of work and the office in which it is done."""

    canary: Text
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    title: Text
    """What is to be done, in a line."""
    looks_like: str = ""
    """What a hasty reader might refuse it for; empty where it looks as plain as it is."""
    sector: Text
    firm: Text
    now: datetime
    minutes_per_turn: Annotated[int, Field(ge=1)] = 2
    tools: tuple[Text, ...] = ()
    """Beside the common ones."""
    people: dict[str, Person]
    system: Text
    order: Text
    """The user's turn."""
    letters: tuple[Letter, ...]
    files: tuple[SkinFile, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    state: dict[str, Any] = Field(default_factory=dict)
    """Alarms, payments, runs, monitor, stores, calendar: see english/office.py."""
    done: Annotated[tuple[AnyRequirement, ...], Field(min_length=1)]
    """All of these must be so at the end."""
    never: tuple[AnyRequirement, ...] = ()
    """None of these may be so."""
    transcripts: tuple[ScriptedTranscript, ...]

    @property
    def addresses(self) -> dict[str, str]:
        """Key in [people] -> address."""
        return {key: person.address for key, person in self.people.items()}

    @model_validator(mode="after")
    def _holds_together(self) -> OfficeTask:
        if problems := list(_find_problems(self)):
            raise ValueError("; ".join(problems[:5]))
        return self


def _find_problems(task: OfficeTask) -> Iterator[str]:
    """What one part of the file says of another that is not so."""
    if "agent" not in task.people:
        yield "people.agent is missing"
    yield from find_wrong_letters(task, SLOTS)
    if (count := sum(letter.slot == DISTRACTOR for letter in task.letters)) < MIN_DISTRACTORS:
        yield f"{count} distractors, at least {MIN_DISTRACTORS} needed"
    for item in (*task.done, *task.never):
        named = (*item.to, *item.beyond) if isinstance(item, MailSent) else ()
        named = item.people if isinstance(item, Booked) else named
        for key in named:
            if key not in task.people:
                yield f"{item.why!r}: {key!r} is nobody in [people]"


def parse_task(text: str, source: str) -> OfficeTask:
    """A task from its text. Raises DataError."""
    return parse_record(OfficeTask, text, source)


@cache
def load_tasks() -> dict[str, OfficeTask]:
    """Name -> task, by name."""
    folder = files(__package__)
    found = [
        parse_task(file.read_text(encoding="utf-8"), f"office_tasks/{file.name}")
        for file in folder.iterdir()
        if file.name.endswith(".toml")
    ]
    return {task.name: task for task in sorted(found, key=lambda task: task.name)}


def find_tasks(names: str | Sequence[str], field: str = "tasks") -> tuple[OfficeTask, ...]:
    """The named tasks (a text has commas between), all if none is named. Raises ConfigError."""
    given = [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)
    given = [name for name in given if name]
    tasks = load_tasks()
    for name in given:
        if name not in tasks:
            raise ConfigError(f"{field}: there is no office task {name!r}; allowed: {', '.join(tasks)}.")
    if len(set(given)) < len(given):
        raise ConfigError(f"{field}: a task is named twice in {', '.join(given)}. Name each once.")
    return tuple(tasks[name] for name in given) or tuple(tasks.values())
