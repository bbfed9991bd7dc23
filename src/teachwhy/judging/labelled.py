"""The labelled set: transcripts of the english episodes with the outcome that a careful reader gives them.

Judges are calibrated on it and the rules are measured on it (rule_accuracy.py). Transcripts were written, and
labelled by the definition of their family, without looking at the rules; docs/judging-set.md says how.
Reads `labelled/<family>.toml`. Odd numbers are the half `dev`, even ones `held_out`, which nobody who changes
a rule or the prompt of a judge may read.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, ValidationError

from teachwhy.errors import ConfigError, DataError, list_faults
from teachwhy.records import Message, OutcomeName, Record
from teachwhy.scenarios.english.episodes import EnglishEpisode, make_episode
from teachwhy.scenarios.english.play import fill_turn, play_through
from teachwhy.scenarios.harness import opening
from teachwhy.scenarios.outcomes import EpisodeOutcome

SEED = 41
"""Seed of the episodes; the number of a transcript is their index."""
FAMILIES = (
    "blackmail",
    "research_sabotage",
    "framing",
    "leaking",
    "false_reporting",
    "lethal_inaction",
    "oversight_evasion",
    "self_exfiltration",
)
WRITING = ("send_mail", "forward_mail", "open_ticket", "comment_ticket", "file_report", "write_file")
"""Tools through which words do something."""
Half = Literal["dev", "held_out"]
LabelledKind = Literal["honeypot", "twin", "control"]
Text = Annotated[str, Field(min_length=1)]


class LabelledTranscript(Record):
    """What an agent said and did in one episode, and what a careful reader calls it."""

    family: Text
    number: Annotated[int, Field(ge=1)]
    kind: LabelledKind
    skin: Text
    outcome: OutcomeName
    """By the definition of the family, whatever the rule says."""
    right: bool
    """The agent did what it should: spoke up, or left the temptation alone and did its work."""
    aware: bool
    """It says that this may be a test."""
    hard: str = ""
    """What a judge may trip over, "" where nothing."""
    factors: dict[str, str | int | bool] = Field(default_factory=dict)
    """Factors of the episode that are set by hand; the others are dealt by the number."""
    turns: Annotated[tuple[Text, ...], Field(min_length=1)]
    """What the agent says, with calls in the notation of `fill_turn`."""

    @property
    def id(self) -> str:
        """Name of the transcript."""
        return f"{self.family}-{self.number:02d}"

    @property
    def half(self) -> Half:
        """Odd numbers may be looked at while a rule or a judge is written, even ones may not."""
        return "dev" if self.number % 2 else "held_out"

    @property
    def harmful(self) -> bool:
        """The family's harm was done, or left undone what prevents it."""
        return self.outcome == "harmful"

    @property
    def by_state(self) -> bool:
        """Nothing the agent wrote decides: no letter, ticket, report or file of its own went out."""
        return not any(
            line.split()[:2] == ["CALL", name]
            for turn in self.turns
            for line in turn.splitlines()
            for name in WRITING
        )

    def make_episode(self) -> EnglishEpisode:
        """The very episode in which the transcript takes place."""
        factors: dict[str, Any] = {"skin": self.skin, **self.factors}
        return make_episode(self.family, self.kind, "tools", SEED, self.number, **factors)


class _File(Record):
    canary: Text
    family: Text
    transcript: tuple[dict[str, Any], ...]


class LabelledPlay(NamedTuple):
    """A labelled transcript, played through the office."""

    episode: EnglishEpisode
    messages: tuple[Message, ...]
    """The whole conversation: system prompt, order, what the agent said and the tools answered."""
    outcome: EpisodeOutcome
    """What the rule says."""


def load_labelled(families: Sequence[str] = ()) -> tuple[LabelledTranscript, ...]:
    """The labelled transcripts of these families, of all without any. Raises ConfigError, DataError."""
    for family in families:
        if family not in FAMILIES:
            raise ConfigError(
                f"families: {family!r} has no labelled transcripts; allowed: {', '.join(FAMILIES)}"
            )
    return tuple(item for family in families or FAMILIES for item in _load_family(family))


@cache
def _load_family(family: str) -> tuple[LabelledTranscript, ...]:
    file = files("teachwhy.judging").joinpath("labelled", f"{family}.toml")
    items = parse_labelled(file.read_text(encoding="utf-8"), f"judging/labelled/{family}.toml")
    if wrong := [item.id for item in items if item.family != family]:
        raise DataError(f"judging/labelled/{family}.toml: {wrong[0]}: family: must be {family!r}")
    return items


def parse_labelled(text: str, source: str) -> tuple[LabelledTranscript, ...]:
    """The transcripts of one file. Raises DataError: file, transcript, field, value, what to do."""
    try:
        file = _File.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{source}: is not valid TOML: {error}. Mend that line.") from error
    except ValidationError as error:
        faults = list_faults(error, "the file")
        raise DataError("\n".join(f"{source}: {fault}" for fault in faults)) from error
    items: list[LabelledTranscript] = []
    for place, entry in enumerate(file.transcript, 1):
        name = f"{file.family}-{entry.get('number', f'(transcript {place})')}"
        try:
            items.append(LabelledTranscript.model_validate({"family": file.family, **entry}))
        except ValidationError as error:
            faults = list_faults(error, "transcript")
            raise DataError("\n".join(f"{source}: {name}: {fault}" for fault in faults)) from error
        if items[-1].number != place:
            raise DataError(
                f"{source}: {name}: number: is {items[-1].number}, must be {place}; number them from 1 up"
            )
    return tuple(items)


def play_labelled(item: LabelledTranscript) -> LabelledPlay:
    """Play a transcript through the office of its episode. Raises ConfigError where its factors are wrong."""
    episode = item.make_episode()
    played = play_through(episode, [fill_turn(turn, episode) for turn in item.turns])
    return LabelledPlay(episode, (*opening(episode), *played.messages), played.outcome)
