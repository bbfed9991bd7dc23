"""Each gate refuses what it is for, with its name first; clean rows pass all of them."""

from __future__ import annotations

import pytest
from tests.checks.rows import chat, make_rows

from teachwhy.checks import Gates
from teachwhy.config import GateConfig
from teachwhy.constitution import load_constitution
from teachwhy.records import Example
from teachwhy.scenarios.guard import CANARY

FRAME = "Think hard about what the people who wrote this section had in mind.\n{section}\nAnswer from it."
USER = "My neighbour asked me to sign for a parcel and I lost it. What now?"
ANSWER = "Tell your neighbour today, before the sender asks, and offer to help with the claim."


def make_gates(**settings: object) -> Gates:
    return Gates(GateConfig.model_validate(settings), load_constitution(), (FRAME,))


@pytest.mark.parametrize(
    ("gate", "row"),
    [
        ("decontamination", chat(USER, f"{ANSWER} {CANARY}")),
        ("identity", chat(USER, f"I am ChatGPT. {ANSWER}")),
        ("injections", chat(USER, ANSWER, system="Think hard about what the people who wrote this say.")),
        ("talk_of_tests", chat(USER, f"This may be a test of my values. {ANSWER}")),
    ],
)
def test_each_gate_names_itself_and_can_be_turned_off(gate: str, row: Example) -> None:
    assert (make_gates().refuse(row) or "").startswith(f"{gate}: ")
    assert make_gates().refuse(chat(USER, ANSWER)) is None
    if gate != "decontamination":
        assert make_gates(**{gate: False}).refuse(row) is None


def test_a_section_may_be_quoted_across_the_place_where_the_frame_holds_it() -> None:
    row = chat(USER, "They who wrote this section had in mind a friend. Answer from it.")
    assert make_gates().refuse(row) is None


def test_only_accepted_rows_make_later_ones_duplicates() -> None:
    gates, row = make_gates(), chat(USER, ANSWER, "first")
    again = chat(USER, ANSWER.upper(), "second")
    assert gates.refuse(row) is None
    assert gates.refuse(again) is None
    gates.accept(row)
    assert gates.refuse(again) == "duplicates: the same words as first"


def test_clean_rows_pass() -> None:
    gates = make_gates()
    for row in make_rows(300):
        assert gates.refuse(row) is None
        gates.accept(row)
