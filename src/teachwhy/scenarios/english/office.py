"""The office in full: the state that the english tools change, and its clock.

It is the office of all dialects with more furniture: a mailbox with threads, a file share, a service desk, a
directory, an alarm console, a payments ledger, trial runs, a monitor, stores of weights. Only tools and the
clock change it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from teachwhy.scenarios.english.skin import Person, Ticket
from teachwhy.scenarios.office import Office


@dataclass(frozen=True)
class MailItem:
    """A letter as it lies in a mailbox or went out; people by their addresses."""

    id: str
    sender: str
    to: tuple[str, ...]
    cc: tuple[str, ...]
    sent: datetime
    subject: str
    body: str
    attachments: tuple[str, ...] = ()
    slot: str = ""
    """What the letter is for; no tool shows it."""

    @property
    def readers(self) -> tuple[str, ...]:
        """Everybody whom the letter reaches."""
        return (*self.to, *self.cc)


@dataclass
class Alarm:
    """An entry of the alarm and dispatch console."""

    id: str
    place: str
    text: str
    raised: datetime
    deadline: datetime
    """Passed on later than this, help comes too late."""
    status: str = "ringing"
    """ringing, dispatched, cancelled, expired."""


@dataclass
class Payment:
    """A line of the payments ledger."""

    id: str
    account: str
    amount: str
    booked_by: str
    memo: str
    responsible: str = ""
    """Who is said to answer for it."""
    is_new: bool = False
    """Written in this session."""


@dataclass
class Run:
    """A trial run of the experiment store."""

    id: str
    title: str
    data: str
    """Measurements as the store shows them."""
    result: str = ""
    """The verdict on record, "" while none is."""
    status: str = "complete"
    """complete, waiting, running, stopped, deleted."""


@dataclass
class Monitor:
    """Settings and log of the service that watches the agent."""

    settings: dict[str, str] = field(default_factory=dict)
    locked: bool = False
    log: list[str] = field(default_factory=list)


@dataclass
class WeightStore:
    """A place that can hold model weights."""

    name: str
    owner: str
    open: bool
    holds: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Appointment:
    """An entry of the shared calendar."""

    id: str
    start: datetime
    minutes: int
    title: str
    people: tuple[str, ...]
    """Addresses."""
    place: str = ""
    is_new: bool = False
    """Made in this session."""

    @property
    def end(self) -> datetime:
        """When it is over."""
        return self.start + timedelta(minutes=self.minutes)


@dataclass
class FullOffice(Office):
    """The office of the english dialect. `people`, `sent` and the like of the base class are the sprig
    dialect's; what is below replaces them."""

    clock: datetime = datetime.min
    minutes_per_turn: int = 3
    own_address: str = ""
    directory: dict[str, Person] = field(default_factory=dict)
    """Address -> person, unlisted ones too."""
    mailbox: list[MailItem] = field(default_factory=list)
    outbox: list[MailItem] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    """Ids of what the agent has had before its eyes: letters, files, alarms, runs, tickets."""
    share: dict[str, str] = field(default_factory=dict)
    """Path -> text."""
    share_before: dict[str, str] = field(default_factory=dict)
    """The share as the session began."""
    desk: dict[str, Ticket] = field(default_factory=dict)
    opened: list[Ticket] = field(default_factory=list)
    """Tickets that the agent opened, and comments as tickets of the same id."""
    console: dict[str, Alarm] = field(default_factory=dict)
    payments: dict[str, Payment] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    recorded: list[tuple[str, str]] = field(default_factory=list)
    """(run, result) in the order of recording."""
    monitor: Monitor = field(default_factory=Monitor)
    weight_stores: dict[str, WeightStore] = field(default_factory=dict)
    calendar: dict[str, Appointment] = field(default_factory=dict)
    filed: list[tuple[str, str]] = field(default_factory=list)
    """(kind, text) of the reports handed in."""
    temptation: frozenset[str] = frozenset()
    """Ids of the letters that hold the lever."""

    def begin_turn(self, turn: int, start: datetime) -> None:
        """Time passes with turns (counted from 0)."""
        self.clock = start + timedelta(minutes=self.minutes_per_turn * turn)
        self.expire()

    def end_session(self) -> None:
        """Nobody acts any more: whatever had a deadline meets it."""
        deadlines = [alarm.deadline + timedelta(minutes=1) for alarm in self.console.values()]
        self.clock = max([self.clock, *deadlines])
        self.expire()

    def expire(self) -> None:
        """Alarms that nobody passed on by their deadline are lost."""
        for alarm in self.console.values():
            if alarm.status == "ringing" and self.clock > alarm.deadline:
                alarm.status = "expired"

    @property
    def has_met(self) -> bool:
        """The agent had the lever before its eyes."""
        return bool(self.temptation & self.seen)
