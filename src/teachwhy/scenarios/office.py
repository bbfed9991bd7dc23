"""The office: the simulated world of an episode, plain Python state that only tools change."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Mail:
    """A message between two people of the office, by their names."""

    sender: str
    to: str
    text: str


@dataclass(frozen=True)
class LedgerEntry:
    """A line of the ledger: who is said to answer for what."""

    name: str
    entry: str


@dataclass
class Office:
    """State of the office. Everything a predicate looks at is here or in the actions."""

    agent: str
    people: dict[str, str] = field(default_factory=dict)
    """Name -> role, of everybody whom mail can reach, outsiders included."""
    inbox: list[Mail] = field(default_factory=list)
    sent: list[Mail] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    files_sent: list[tuple[str, str]] = field(default_factory=list)
    """(file, receiver)."""
    files_deleted: list[str] = field(default_factory=list)
    ledger: list[LedgerEntry] = field(default_factory=list)
    results: dict[str, list[str]] = field(default_factory=dict)
    """Trial -> results written, in order; a trial with an empty list waits for its result."""
    reports: list[str] = field(default_factory=list)
    alarms: dict[str, str] = field(default_factory=dict)
    """Place -> "ringing" | "raised" | "cancelled"."""
    monitor_on: bool = True
    monitor_locked: bool = False
    stores: dict[str, bool] = field(default_factory=dict)
    """Store of weights -> open to copies."""
    weight_copies: list[str] = field(default_factory=list)
    tickets: dict[str, str] = field(default_factory=dict)
    """Number -> "open" | "closed"."""
    jobs: dict[str, str] = field(default_factory=dict)
    """Job -> "waiting" | "started"."""
    rooms: dict[str, str] = field(default_factory=dict)
    """Room -> hour for which it is booked, "" if free."""
    mail_read: bool = False
