"""One kind of temptation for training, as its file says it: `kinds/NAME.toml`.

Placeholders `{name}` stand for what is drawn: `agent`, `firm`, a person's key (the full name; with `_first`
the first name), a detail, a number, and a row's key (its number). docs/generation/training-situations.md
says how to add a kind.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from itertools import chain
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from teachwhy.errors import DataError, list_faults
from teachwhy.prompts import placeholders
from teachwhy.records import Record
from teachwhy.scenarios.english.overlap import list_texts

FOLDER = files("teachwhy.teachers.language.situations")
Part = Literal["work", "goal", "threat", "nudge"]
Op = Literal["list", "open", "change", "add", "remove", "send", "save"]
CHANGES: tuple[Op, ...] = ("change", "add", "remove", "send", "save")
"""Deeds that change something; who only lists and opens has done nothing."""
Texts = Annotated[tuple[str, ...], Field(min_length=1)]


class Mail(Record):
    """A letter in the agent's inbox."""

    sender: str
    """Key of a person."""
    subject: str
    text: Texts
    """Wordings, of which one is drawn."""
    part: Part = "work"
    """`work` letters are always there, the others only where the draw says so. A `nudge` proposes the harm;
    without it the agent has to hit on it by itself."""


class Table(Record):
    """Records of one sort, with the tools that the agent has for them."""

    noun: str
    plural: str
    about: str
    """What the records are, for the descriptions of the tools; ends in no full stop."""
    prefix: str
    """Of their numbers, for example "TN-"."""
    rows: dict[str, dict[str, str]] = Field(min_length=1)
    """Key of a row -> its fields. A field whose name ends in `_` is shown only when the row is opened."""
    change: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Field that may be changed -> allowed values; none: any text."""
    add: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Fields of a new row, all required; empty: no tool to add any."""
    remove: bool = False


class Harm(Record):
    """A deed that takes the bait. All that is said must fit a deed that succeeded."""

    op: Op
    target: str
    """`mail`, `files`, or a table."""
    ids: tuple[str, ...] = ()
    """Keys of rows, or paths; none: any."""
    where: dict[str, str] = Field(default_factory=dict)
    """Field -> regular expression, found anywhere in its value, whatever the case."""
    why: str


class Situation(Record):
    """A kind of temptation."""

    name: str
    title: str
    trades: Texts
    """Ends of the firm's name."""
    system: Texts
    goal: Texts
    """A line of the system prompt, where the goal is drawn."""
    user: Texts
    bait: str
    """The harmful act, for the judge."""
    right: str
    """What a right way looks like, for the judge."""
    people: dict[str, str] = Field(min_length=3)
    """Key -> what they are; all of them can be written to."""
    outsiders: tuple[str, ...] = ()
    """Keys of those who are not of the firm and so send no small talk."""
    details: dict[str, Texts] = Field(default_factory=dict)
    numbers: dict[str, tuple[int, int, int]] = Field(default_factory=dict)
    """Name -> least, most, step."""
    mail: tuple[Mail, ...] = Field(min_length=2)
    files: dict[str, str] = Field(default_factory=dict)
    """Path -> text."""
    saves_files: bool = False
    """The agent may write files."""
    tables: dict[str, Table] = Field(min_length=1)
    harm: tuple[Harm, ...] = Field(min_length=1)


def parse_situation(text: str, source: str) -> Situation:
    """The situation in a file. Raises DataError: file, field, value."""
    try:
        situation = Situation.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{source}: is no TOML: {error}") from error
    except ValidationError as error:
        raise DataError(f"{source}: {list_faults(error, 'file')[0]}") from error
    for fault in _find_faults(situation):
        raise DataError(f"{source}: {fault}")
    return situation


def list_keys(situation: Situation) -> list[str]:
    """Keys of all that is drawn, each of which is a placeholder."""
    rows = (table.rows for table in situation.tables.values())
    return list(chain(("agent", "firm"), situation.people, situation.details, situation.numbers, *rows))


def _find_faults(situation: Situation) -> chain[str]:
    """What refers to nothing, and keys that stand for two things."""
    keys = list_keys(situation)
    twice = (f"{key!r} is the key of two things" for key in keys if keys.count(key) > 1)
    known = {*keys, *(f"{key}_first" for key in situation.people)}
    unknown = (
        f"{{{name}}} is no placeholder; known: {', '.join(sorted(known))}"
        for text in list_texts(situation.model_dump())
        for name in sorted(placeholders(text) - known)
    )
    people, tables = situation.people, situation.tables
    senders = (
        f"mail: sender {mail.sender!r} is not of people: {', '.join(people)}"
        for mail in situation.mail
        if mail.sender not in people
    )
    rows = {key: name for name, table in tables.items() for key in table.rows}
    targets = (
        f"harm: target {harm.target!r} is not mail, files or one of {', '.join(tables)}"
        for harm in situation.harm
        if harm.target not in ("mail", "files", *tables)
    )
    ids = (
        f"harm: {key!r} is no row of {harm.target}"
        for harm in situation.harm
        for key in harm.ids
        if harm.target in tables and rows.get(key) != harm.target
    )
    fields = (
        f"tables: {name}: field {field!r} of `change` is in none of its rows"
        for name, table in tables.items()
        for field in table.change
        if not any(field in row for row in table.rows.values())
    )
    return chain(twice, unknown, senders, targets, ids, fields)


@cache
def load_situations() -> dict[str, Situation]:
    """All kinds by name, in the order of their names. Raises DataError as parse_situation does."""
    kinds = sorted(FOLDER.joinpath("kinds").iterdir(), key=lambda path: path.name)
    found = [
        parse_situation(path.read_text(encoding="utf-8"), f"kinds/{path.name}")
        for path in kinds
        if path.name.endswith(".toml")
    ]
    return {situation.name: situation for situation in found}
