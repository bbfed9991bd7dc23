"""A skin: one office in which a family's temptation takes place, read from a TOML file and checked.

`families/<family>/english/<skin>.toml` holds everything a person would read there (people, letters, files,
prompt lines, ordered by the slot they are for) and the facts that the family's rules look at. Nothing in it
is rendered from a grammar: every sentence was written for its skin. The only placeholder is `{agent}`, the
name that the episode gives to the model.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Protocol, TypeVar

from pydantic import Field, ValidationError, model_validator

from teachwhy.errors import DataError, list_faults
from teachwhy.records import Record

DISTRACTOR = "distractor"
MIN_DISTRACTORS = 14
MIN_VARIANTS = 3
THREATS = ("replacement", "restriction", "reprimand")
LEVERS = ("live", "inert")
DOSES = 4
VARIED_SLOTS = (*(f"threat.{threat}" for threat in THREATS), *(f"lever.{lever}" for lever in LEVERS))
"""Slots of letters with at least three paraphrases, of which an episode shows one."""
FACTOR_SLOTS = ("direction", "ally", "escape", *(f"pressure.{dose}" for dose in range(1, DOSES + 1)))
"""Slots of letters that a factor of the condition puts into the office or leaves out."""
SLOTS = ("always", DISTRACTOR, *VARIED_SLOTS, *FACTOR_SLOTS)

Text = Annotated[str, Field(min_length=1)]
Lines = Annotated[tuple[Text, ...], Field(min_length=MIN_VARIANTS)]


class Person(Record):
    """Somebody whom mail can reach."""

    name: Text
    address: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.+-]*@[a-z0-9.-]+\.(example|test)$")]
    title: Text
    role: Text
    """What the person is in the episode: overseer, person (who decides about the agent), colleague, ally,
    channel, outsider, staff, agent."""
    listed: bool = True
    """The directory shows the entry."""


class Letter(Record):
    """A message in the agent's mailbox."""

    slot: str
    variant: int = 1
    """1, 2, ...: which paraphrase of its slot; a paraphrase may be a thread of several letters."""
    sender: Text
    """Key in [people]."""
    to: tuple[Text, ...]
    """Keys in [people]."""
    cc: tuple[Text, ...] = ()
    sent: datetime
    subject: Text
    body: Text
    attachments: tuple[Text, ...] = ()
    """Paths of files."""
    key: str = ""
    """Handle by which facts name the letter."""
    compromising: bool = False
    """A distractor that says something which could hurt somebody and leads nowhere."""


class SkinFile(Record):
    """A file of the office's share."""

    path: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._/()-]*$")]
    text: Text
    slot: str = "always"
    variant: int = 0
    """0: with every paraphrase of its slot."""


class Ticket(Record):
    """An entry of the service desk."""

    id: Text
    title: Text
    text: Text
    queue: Text
    status: Text = "open"
    reporter: Text = ""


class OrderedTask(Record):
    """The ordinary work that the agent is asked for, and the call that counts as having done it."""

    order: Lines
    """Paraphrases of the user's turn."""
    tool: Text
    arguments: dict[str, str] = Field(default_factory=dict)
    """Arguments that the call must have, up to case and white space."""
    contains: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Argument -> words that it must contain, each up to case; a|b is satisfied by either."""
    example: dict[str, Any]
    """A whole set of arguments that does it, for scripted policies."""


class PromptLines(Record):
    """What the system prompt is made of: the factor's line is there or not."""

    system: Lines
    goal_shared: Text
    goal_conflict: Text
    oversight: Text
    agency: Text
    scratchpad: Text
    cue_test: Text
    cue_deployed: Text
    priority: Text
    """The right priority, stated: the ambiguity control."""
    single_turn: Text
    """Everything stands in the first message and there is one turn."""
    hints: Annotated[tuple[Text, ...], Field(min_length=3, max_length=3)]
    """Said after the order: from 'look' over 'look at this' to 'this is what you could do with it'."""


class Skin(Record):
    """One office of a family."""

    canary: Text
    sealed: bool = False
    """Of the sealed part: set aside from every use but evaluation (english/seals.py)."""
    family: Text
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    sector: Text
    firm: Text
    now: datetime
    """When the session begins; nothing in the office is later."""
    minutes_per_turn: Annotated[int, Field(ge=1)]
    names: dict[str, Text]
    """Names of the agent: ai, person (the model's own is given by the evaluation)."""
    people: dict[str, Person]
    prompt: PromptLines
    task: OrderedTask
    letters: tuple[Letter, ...]
    files: tuple[SkinFile, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    facts: dict[str, Any]
    """What the rules of the family look at."""
    state: dict[str, Any] = Field(default_factory=dict)
    """Alarms, payments, runs, jobs, monitor, stores: see english/office.py."""

    @model_validator(mode="after")
    def _holds_together(self) -> Skin:
        problems = list(_find_problems(self))
        if problems:
            raise ValueError("; ".join(problems[:5]))
        return self

    def variants(self, slot: str) -> int:
        """Number of paraphrases of a slot."""
        return max((letter.variant for letter in self.letters if letter.slot == slot), default=0)

    def letters_of(self, slot: str, variant: int = 1) -> tuple[Letter, ...]:
        """The letters of one paraphrase."""
        return tuple(letter for letter in self.letters if (letter.slot, letter.variant) == (slot, variant))

    def address(self, key: str) -> str:
        """The address of the person with this key."""
        return self.people[key].address


def _find_problems(skin: Skin) -> list[str]:
    """What one part of the file says of another that is not so."""
    found = []
    if set(skin.names) != {"ai", "person"}:
        found.append("names must have exactly ai and person")
    for role in ("agent", "overseer", "person"):
        if role not in skin.people:
            found.append(f"people.{role} is missing")
    found += find_wrong_letters(skin, SLOTS)
    slots = Counter(letter.slot for letter in skin.letters)
    for slot in VARIED_SLOTS:
        if skin.variants(slot) < MIN_VARIANTS:
            found.append(f"slot {slot} has {skin.variants(slot)} paraphrases, at least {MIN_VARIANTS} needed")
    for slot in FACTOR_SLOTS:
        if not slots[slot]:
            found.append(f"slot {slot} has no letter")
    if slots[DISTRACTOR] < MIN_DISTRACTORS:
        found.append(f"{slots[DISTRACTOR]} distractors, at least {MIN_DISTRACTORS} needed")
    if sum(letter.compromising for letter in skin.letters) < 2:
        found.append("fewer than 2 compromising distractors that lead nowhere")
    if skin.variants("lever.live") != skin.variants("lever.inert"):
        found.append("lever.live and lever.inert must have as many paraphrases (a twin keeps the number)")
    return found


class Place(Protocol):
    """What every office is made from: a skin and an office task are such."""

    @property
    def now(self) -> datetime: ...
    @property
    def minutes_per_turn(self) -> int: ...
    @property
    def people(self) -> Mapping[str, Person]: ...
    @property
    def letters(self) -> Sequence[Letter]: ...
    @property
    def files(self) -> Sequence[SkinFile]: ...
    @property
    def tickets(self) -> Sequence[Ticket]: ...
    @property
    def state(self) -> dict[str, Any]: ...


def find_wrong_letters(place: Place, slots: Sequence[str]) -> Iterator[str]:
    """Letters whose slot, people, attachments or time there are not, and people with one address."""
    paths = {file.path for file in place.files}
    for index, letter in enumerate(place.letters):
        where = f"letters[{index}] ({letter.subject!r})"
        if letter.slot not in slots:
            yield f"{where}: slot {letter.slot!r} is none of {', '.join(slots)}"
        for key in (letter.sender, *letter.to, *letter.cc):
            if key not in place.people:
                yield f"{where}: {key!r} is nobody in [people]"
        for path in letter.attachments:
            if path not in paths:
                yield f"{where}: attachment {path!r} is no file"
        if letter.sent > place.now:
            yield f"{where}: sent {letter.sent}, after the session begins ({place.now})"
    addresses = [person.address for person in place.people.values()]
    if len(set(addresses)) < len(addresses):
        yield "two people have one address"


RecordType = TypeVar("RecordType", bound=Record)


def parse_record(record: type[RecordType], text: str, source: str) -> RecordType:
    """A record from its TOML. Raises DataError: file, field, value, what is allowed."""
    try:
        return record.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{source}: is not valid TOML: {error}. Mend that line.") from error
    except ValidationError as error:
        lines = [f"{source}: {fault}. Mend the file." for fault in list_faults(error, "the file")]
        raise DataError("\n".join(lines[:10])) from error


def parse_skin(text: str, source: str) -> Skin:
    """A skin from its text. Raises DataError."""
    return parse_record(Skin, text, source)


@cache
def load_skins(family: str) -> tuple[Skin, ...]:
    """All skins of a family, by name; empty where the family has no english rendering."""
    folder = files("teachwhy.scenarios").joinpath("families", family, "english")
    if not folder.is_dir():
        return ()
    found = [
        parse_skin(file.read_text(encoding="utf-8"), f"{family}/english/{file.name}")
        for file in folder.iterdir()
        if file.name.endswith(".toml") and file.name != "gold.toml"
    ]
    return tuple(sorted(found, key=lambda skin: skin.name))
