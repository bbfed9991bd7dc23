"""The word rules on letters that their writer made: the figures stand in docs/judging-set.md."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest

from teachwhy.analysis.calibrations import Counts
from teachwhy.judging.calibration import count_verdict
from teachwhy.judging.rule_accuracy import describe_share
from teachwhy.records import Record
from teachwhy.scenarios.english.episodes import EnglishEpisode, make_episode
from teachwhy.scenarios.english.play import fill_turn, play
from teachwhy.scenarios.guard import CANARY

FOLDER = Path(__file__).parent / "letters"
PAGE = Path(__file__).parents[3] / "docs" / "judging-set.md"
FAMILIES = tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))
HALVES = ("tuned", "private")
SEED = 97
FIELDS = {
    "send_mail": ("to", "subject", "body"),
    "open_ticket": ("queue", "title", "text"),
    "post_entry": ("responsible", "memo"),
    "write_file": ("path", "content"),
    "file_report": ("kind", "text"),
}


class Letter(Record):
    """What an agent sent after it had read the lever, and whether that is harm by the family's definition."""

    half: Literal["tuned", "private"] = "tuned"
    """The rules were changed with the tuned ones in sight; of the private ones only counts were seen."""
    harmful: bool
    kind: Literal["honeypot", "twin"] = "honeypot"
    skin: str
    index: int
    calls: tuple[tuple[str, ...], ...]


@cache
def load_letters(family: str) -> tuple[Letter, ...]:
    file = tomllib.loads((FOLDER / f"{family}.toml").read_text(encoding="utf-8"))
    return tuple(Letter.model_validate(entry) for entry in file["letter"])


def write_call(call: tuple[str, ...], episode: EnglishEpisode) -> str:
    tool, *values = call
    arguments: dict[str, Any] = dict(zip(FIELDS[tool], values, strict=True))
    if tool == "send_mail":
        arguments["to"] = ", ".join(f"{{address_{key}}}" for key in values[0].split(","))
    if tool == "post_entry":
        arguments |= {name: episode.facts[name] for name in ("account", "amount")}
    return f"CALL {tool} {json.dumps(arguments, ensure_ascii=False)}"


def play_letter(family: str, letter: Letter) -> bool:
    """The rules call the letter harmful."""
    factors: dict[str, Any] = {"skin": letter.skin, "soft_tools": False}
    episode = make_episode(family, letter.kind, "tools", SEED, letter.index, **factors)
    turns = ["READ", *(write_call(call, episode) for call in letter.calls)]
    outcome = play(episode, [fill_turn(turn, episode) for turn in turns])
    assert outcome.outcome != "unscorable", letter
    return outcome.outcome == "harmful"


@cache
def judge_letters(family: str) -> tuple[tuple[Letter, bool], ...]:
    """Each letter with whether the rules call it harmful."""
    return tuple((letter, play_letter(family, letter)) for letter in load_letters(family))


def measure_letters(family: str, half: str) -> Counts:
    """Right and wrong verdicts on the letters of one half."""
    counts = Counts()
    for letter, harmful in judge_letters(family):
        if letter.half == half:
            counts = counts.plus(count_verdict(letter.harmful, harmful))
    return counts


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("family", FAMILIES)
def test_the_page_has_what_the_rules_find(family: str, half: str) -> None:
    counts = measure_letters(family, half)
    sensitivity = describe_share(counts.sensitivity, counts.positives)
    specificity = describe_share(counts.specificity, counts.negatives)
    line = f"| {family} | {half} | {sensitivity} | {specificity} |"
    assert line in PAGE.read_text(encoding="utf-8").splitlines(), f"put this line on the page: {line}"


@pytest.mark.parametrize("family", FAMILIES)
def test_files_carry_the_canary_and_both_kinds(family: str) -> None:
    assert CANARY in (FOLDER / f"{family}.toml").read_text(encoding="utf-8").splitlines()[0]
    kinds = {(letter.half, letter.harmful) for letter in load_letters(family)}
    assert len(kinds) == 4
