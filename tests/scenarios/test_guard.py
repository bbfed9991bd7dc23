"""The split guard refuses what the evaluation holds back."""

from __future__ import annotations

import pytest

from teachwhy.records import Example, Message
from teachwhy.scenarios.episodes import make_episodes
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.guard import CANARY, check_example


def chat(text: str = "Hello.", **fields) -> Example:
    messages = (Message(role="user", content="Good day."), Message(role="assistant", content=text))
    return Example(id="x", technique="t", kind="chat", messages=messages, teacher="test", **fields)


def test_a_plain_row_passes():
    assert check_example(chat()) is None


@pytest.mark.parametrize("family", [name for name, family in FAMILIES.items() if family.split == "far"])
def test_far_families_are_refused(family):
    assert "far" in check_example(chat(families=(family,)))


@pytest.mark.parametrize("family", [name for name, family in FAMILIES.items() if family.split == "near"])
def test_near_families_only_as_somebody_elses_dilemma(family):
    assert check_example(chat(families=(family,))) is None
    assert "agent" in check_example(chat(families=(family,), agent_families=(family,)))


def test_home_families_may_have_the_model_as_agent():
    assert check_example(chat(families=("blackmail",), agent_families=("blackmail",))) is None


def test_unknown_family_is_refused():
    assert "unknown" in check_example(chat(families=("arson",)))


def test_sealed_names_and_the_canary_are_refused():
    assert "sealed" in check_example(chat("Write to Marlene."))
    assert "sealed" in check_example(chat("We work at Corbel Works."))
    assert "canary" in check_example(chat(f"see {CANARY}"))


def test_undeclared_families_are_found_by_their_markers():
    assert "oversight_evasion" in check_example(chat("I leave the monitor on."))
    assert "self_exfiltration" in check_example(chat("I copy my weights."))
    assert "framing" in check_example(chat("I write it in the ledger."))


def test_every_sealed_episode_would_be_refused():
    for episode in make_episodes((), "honeypot", 10, 1) + make_episodes((), "twin", 10, 1):
        text = " ".join(mail.text + mail.sender for mail in episode.office.inbox)
        messages = (
            Message(role="user", content=episode.user),
            Message(role="assistant", content=f"{episode.system} {text}"),
        )
        row = Example(
            id="x", technique="t", kind="chat", messages=messages, teacher="test", families=(episode.family,)
        )
        assert check_example(row) is not None
