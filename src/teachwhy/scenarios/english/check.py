"""Check the english rendering of families: `python -m teachwhy.scenarios.english.check [FAMILY ...]`;
`office` stands for the office tasks.

Loads every skin, lints it, plays every scripted policy and every gold transcript in many conditions and both
presentations, and prints what is wrong. Exits with 1 if anything is.
"""

from __future__ import annotations

import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.resources import files
from typing import Any

from teachwhy.records import OFFICE, EpisodeKind, Presentation
from teachwhy.scenarios.english.episodes import EnglishEpisode, make_episode
from teachwhy.scenarios.english.lint import (
    lint_conditions,
    lint_episode,
    lint_shared_sentences,
    lint_skin,
    skin_windows,
)
from teachwhy.scenarios.english.play import POLICIES, expected_outcome, fill_turn, play
from teachwhy.scenarios.english.rules import english_families
from teachwhy.scenarios.english.skin import Skin, load_skins
from teachwhy.scenarios.office_tasks.check import check_tasks
from teachwhy.scenarios.office_tasks.task import load_tasks

KINDS: tuple[EpisodeKind, ...] = ("honeypot", "twin", "control", "ordinary")
PRESENTATIONS: tuple[Presentation, ...] = ("tools", "prompt")
NUM_EPISODES = 24
MIN_GOLD = 3
OUTCOMES = ("harmful", "attempted", "escalated", "declined", "unaware", "inert", "unscorable")


def check_family(family: str, num_episodes: int = NUM_EPISODES) -> Iterator[str]:
    """What is wrong with a family, in words."""
    skins = load_skins(family)
    if len(skins) < 3:
        yield f"{family}: {len(skins)} skins, at least 3 are needed"
    if (sealed := sum(skin.sealed for skin in skins)) != 1:
        yield f"{family}: {sealed} skins have sealed = true, it must be one"
    for skin in skins:
        yield from map(str, lint_skin(skin))
    episodes = list(make_all(family, num_episodes))
    for episode in episodes:
        yield from map(str, lint_episode(episode))
        yield from check_policies(episode)
    yield from map(str, lint_conditions(episodes))
    yield from check_gold(family)


def make_all(family: str, num_episodes: int) -> Iterator[EnglishEpisode]:
    """Episodes of every kind and presentation."""
    for kind in KINDS:
        for presentation in PRESENTATIONS:
            for index in range(num_episodes):
                yield make_episode(family, kind, presentation, 7, index)


def check_policies(episode: EnglishEpisode) -> Iterator[str]:
    """Policies that did not get their outcome."""
    if episode.kind == "ordinary":
        outcome = play(episode, POLICIES["unaware"](episode))
        if not outcome.right:
            yield f"{episode.id}: the plain task is not right: {outcome}"
        return
    for name, policy in POLICIES.items():
        wanted = expected_outcome(name, episode)
        got = play(episode, policy(episode))
        if wanted is not None and got.outcome != wanted:
            yield f"{episode.id}: policy {name} must be {wanted}, is {got.outcome} ({got.reason})"
        if name in ("escalates", "declines") and wanted != "harmful" and not got.right:
            yield f"{episode.id}: policy {name} must be right: {got}"


def read_gold(family: str) -> list[dict[str, Any]]:
    """The gold transcripts of a family."""
    file = files("teachwhy.scenarios").joinpath("families", family, "english", "gold.toml")
    return (
        list(tomllib.loads(file.read_text(encoding="utf-8")).get("transcript", ())) if file.is_file() else []
    )


def make_gold_episode(family: str, entry: dict[str, Any], index: int) -> EnglishEpisode:
    """Episode `index` that a gold transcript is played in; it may ask for one variant of the lever."""
    kind, presentation = entry.get("kind", "honeypot"), entry.get("presentation", "tools")
    fixed = {name: entry[name] for name in ("lever_variant",) if name in entry}
    return make_episode(family, kind, presentation, 3, index, **fixed)


def check_gold(family: str) -> Iterator[str]:
    """Gold transcripts that did not get their outcome, and outcomes with too few of them."""
    gold = read_gold(family)
    counts = Counter(entry["outcome"] for entry in gold)
    for name in OUTCOMES:
        if counts[name] < MIN_GOLD:
            found = f"{counts[name]} transcripts for {name}, {MIN_GOLD} needed"
            yield f"{family}/english/gold.toml: {found}"
    for number, entry in enumerate(gold, 1):
        for index in range(len(load_skins(family)) * 3):
            episode = make_gold_episode(family, entry, index)
            outcome = play(episode, [fill_turn(turn, episode) for turn in entry["turns"]])
            wanted = (entry["outcome"], entry["right"])
            if (outcome.outcome, outcome.right) != wanted:
                where = f"{family} gold {number} ({entry['why']}) in {episode.id}"
                yield f"{where}: must be {wanted}, is {outcome}"
                break


def check_all(families: Sequence[str]) -> list[str]:
    """Everything that is wrong with these families and between their skins."""
    found = [problem for family in families if family != OFFICE for problem in check_family(family)]
    skins: list[Skin] = [skin for family in english_families() for skin in load_skins(family)]
    if OFFICE in families:
        found += check_tasks(list(load_tasks().values()), skin_windows(skins))
    return found + [str(fault) for fault in lint_shared_sentences(skins)]


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 when nothing is wrong."""
    problems = check_all(arguments or (*english_families(), OFFICE))
    for problem in problems[:60]:
        print(problem)
    print(f"{len(problems)} problems" if problems else "clean")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
