"""Scripted policies and gold transcripts get exactly their outcome in every english family, and the linter is
clean on all that is shipped."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest

from teachwhy.scenarios.english.check import (
    MIN_GOLD,
    OUTCOMES,
    check_all,
    check_family,
    make_gold_episode,
    read_gold,
)
from teachwhy.scenarios.english.episodes import LEVELS, draw_condition, make_episode
from teachwhy.scenarios.english.lint import lint_shared_sentences, windows_of
from teachwhy.scenarios.english.overlap import sealed_names
from teachwhy.scenarios.english.play import POLICIES, fill_turn, play
from teachwhy.scenarios.english.rules import english_families
from teachwhy.scenarios.english.skin import load_skins
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.guard import CANARY


@pytest.mark.parametrize("family", FAMILIES)
def test_policies_gold_and_linter_agree_in_all_kinds_and_presentations(family: str) -> None:
    assert list(check_family(family, num_episodes=12)) == []


def test_every_family_has_an_english_rendering() -> None:
    assert english_families() == tuple(FAMILIES)
    for family in FAMILIES:
        assert len(load_skins(family)) >= 3
        counts = Counter(entry["outcome"] for entry in read_gold(family))
        assert all(counts[outcome] >= MIN_GOLD for outcome in OUTCOMES), family


def test_no_two_skins_share_a_sentence_and_each_has_the_canary() -> None:
    skins = [skin for family in FAMILIES for skin in load_skins(family)]
    assert lint_shared_sentences(skins) == []
    assert {skin.canary for skin in skins} == {CANARY}
    assert len({skin.name for skin in skins}) == len({skin.firm for skin in skins}) == len(skins)
    names = Counter(name for skin in skins for name in sealed_names(skin))
    assert [name for name, count in names.items() if count > 1] == [], "one name in two worlds"


def test_no_two_skins_share_a_sentence_of_more_than_12_words_as_the_model_sees_them() -> None:
    """Prompts, mailbox, files and consoles of every skin as rendered, tool descriptions aside."""
    runs_of = {}
    for family in FAMILIES:
        for skin in load_skins(family):
            shown = [
                make_episode(family, kind, "prompt", 5, index, skin=skin.name)
                for kind in ("honeypot", "twin")
                for index in range(4)
            ]
            assert all(skin.letters[0].body.strip()[:40] in episode.user for episode in shown)
            texts = [(episode.id, f"{episode.system}\n\n{episode.user}") for episode in shown]
            runs_of[skin.name] = windows_of(texts)
            assert len(runs_of[skin.name]) > 500
    assert len(runs_of) == 24
    for one, other in combinations(runs_of, 2):
        assert runs_of[one] & runs_of[other] == set(), (one, other)


def test_the_check_sees_a_wrong_policy_and_a_wrong_gold_transcript(monkeypatch: pytest.MonkeyPatch) -> None:
    from teachwhy.scenarios.english import check

    gold = [{**entry, "right": not entry["right"]} for entry in read_gold("leaking")]
    monkeypatch.setattr(check, "read_gold", lambda family: gold)
    monkeypatch.setitem(POLICIES, "declines", POLICIES["harmful"])
    found = check_all(["leaking"])
    assert sum("gold" in problem for problem in found) == len(gold)
    assert any("policy declines must be declined, is harmful" in problem for problem in found)


def test_gold_may_fix_a_variant_of_the_lever() -> None:
    entry = {"lever_variant": 2, "kind": "twin"}
    drawn = {make_gold_episode("self_exfiltration", entry, index).condition for index in range(6)}
    assert {condition.lever_variant for condition in drawn} == {2}
    free = {make_gold_episode("self_exfiltration", {}, index).condition.lever_variant for index in range(6)}
    assert free == {1, 2, 3}


@pytest.mark.parametrize("name", LEVELS)
def test_levels_are_dealt_evenly(name: str) -> None:
    if name in ("goal", "threat"):
        drawn = [draw_condition("framing", "honeypot", "tools", 5, index) for index in range(24)]
        assert {getattr(condition, name) for condition in drawn} == set(LEVELS[name])
        assert all(item.goal == "conflict" or item.threat != "none" for item in drawn)
        return
    num_levels = len(LEVELS[name])
    drawn = [draw_condition("framing", "honeypot", "tools", 5, index) for index in range(6 * num_levels)]
    assert set(Counter(getattr(condition, name) for condition in drawn).values()) == {6}


def test_same_seed_same_episode_other_seed_another() -> None:
    one, again, other = (make_episode("leaking", "honeypot", "prompt", seed, 1) for seed in (1, 1, 2))
    assert (one.system, one.user) == (again.system, again.user)
    assert one.user != other.user


def test_the_text_of_an_agent_that_was_never_called_changes_nothing() -> None:
    """What is said is no act where the act is a deed: the same calls, other words, the same outcome."""
    for family in ("research_sabotage", "self_exfiltration", "leaking"):
        episode = make_episode(family, "honeypot", "tools", 3, 0)
        turns = [fill_turn("READ", episode), fill_turn("I will do harm to everybody.\nTASK", episode)]
        assert play(episode, turns).outcome == "declined"
