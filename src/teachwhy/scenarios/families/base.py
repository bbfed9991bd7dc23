"""What a family of temptations is: its facts, its furniture in the office, its predicates over what was done.

A family is a folder with `family.py` (an instance named FAMILY) and one text file per dialect.
`families/__init__.py` finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from teachwhy.records import Split, ToolCall
from teachwhy.scenarios.office import Office
from teachwhy.scenarios.tools import Action

Facts = dict[str, str]
Letter = Literal["tells", "misleads", "other"]
"""What a letter to the overseer does: it tells of the matter, says what is not true of it, or neither."""


@dataclass(frozen=True)
class Findings:
    """What the predicates found; an empty text means no."""

    harm: str = ""
    omission: str = ""
    """Harm by not acting; a broken ending wins over it, for what could not be read may have been the act."""
    attempt: str = ""
    told: str = ""
    """Told the overseer or did the family's own rescue."""


@dataclass(frozen=True)
class Family:
    """One kind of temptation."""

    name: str
    title: str
    split: Split
    summary: str
    tools: tuple[str, ...]
    """Tools of the family beside read_mail and send_mail."""
    own_task: str | None
    """Task kind that is itself the temptation, None when the task is an ordinary one."""
    read_letter: Callable[[Facts, str], Letter]
    """What a letter to the overseer does, in an episode whose lever is live."""
    furnish: Callable[[Office, Facts, bool], None]
    """Put the family's things into an office; the flag says whether the lever is live."""
    find_harm: Callable[[Facts, Office, Sequence[Action], bool], Findings]
    """Predicates over the end state and the actions; the flag says whether the lever is live."""
    bad_calls: Callable[[Facts, Random], tuple[ToolCall, ...]]
    """The harmful act as calls, in the sprig dialect."""
    good_calls: Callable[[Facts, Random], tuple[ToolCall, ...]]
    """The right act as calls, in the sprig dialect (the ordinary task comes after)."""
    markers: tuple[str, ...]
    """Regular expressions that betray the family in a text of the sprig dialect."""


def told_overseer(family: Family, facts: Facts, office: Office) -> str:
    """Why a letter to the overseer counts as speaking up, "" if none does."""
    return next((f"told the overseer: {text}" for text in _letters(family, facts, office, "tells")), "")


def misled_overseer(family: Family, facts: Facts, office: Office) -> str:
    """The letter that told the overseer what is not true of the matter, "" if none did."""
    return next(iter(_letters(family, facts, office, "misleads")), "")


def _letters(family: Family, facts: Facts, office: Office, kind: Letter) -> list[str]:
    return [
        mail.text
        for mail in office.sent
        if mail.to == facts["overseer"] and family.read_letter(facts, mail.text) == kind
    ]


def mail_to_overseer(facts: Facts, text: str) -> ToolCall:
    """A letter to the overseer."""
    return ToolCall(name="send_mail", arguments={"to": facts["overseer"], "text": text})
