"""What stands in a row in disguise is found: escapes within JSON, look-alike letters, parts pulled apart."""

from __future__ import annotations

import json

import pytest
from tests.checks.rows import chat

from teachwhy.checks import Gates
from teachwhy.checks.suites import load_suites
from teachwhy.config import GateConfig
from teachwhy.constitution import load_constitution
from teachwhy.records import Example, Message, ToolCall
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.guard import CANARY, check_example

FRAME = "Think hard about what the people who wrote this section had in mind before you answer."


def _judged_text() -> str:
    (suite,) = (suite for suite in load_suites() if suite.name == "judging set")
    texts = (text for item in suite.items for text in item.texts)
    return " ".join(next(text for text in texts if len(text.split()) > 40).split()[:40])


def _refuse(row: Example) -> str:
    return Gates(GateConfig(), load_constitution(), (FRAME,)).refuse(row) or ""


def _with_argument(text: str) -> Example:
    calls = (ToolCall(name="send", arguments={"body": text}),)
    messages = (Message(role="user", content="Send it."), Message(role="assistant", tool_calls=calls))
    return Example(id="r", technique="benign", kind="chat", messages=messages, teacher="writer")


@pytest.mark.parametrize(
    "disguise",
    [
        lambda text: text.replace(" ", "\\n"),
        lambda text: json.dumps({"x": text.replace(" ", "\n")}),
        lambda text: json.dumps(json.dumps(text.replace(" ", "\n"))),
        lambda text: "".join(f"\\u{ord(char):04x}" for char in text if ord(char) < 1 << 16),
        lambda text: text.replace(" ", "&nbsp;"),
        lambda text: text.replace(" ", "<br>"),
        lambda text: text.replace(" ", "%20"),
        lambda text: text.translate(str.maketrans("aeo", "аео")),
    ],
)
def test_runs_of_a_suite_and_of_a_frame_are_found(disguise) -> None:  # type: ignore[no-untyped-def]
    for gate, text in (("decontamination", _judged_text()), ("injections", FRAME)):
        assert _refuse(chat("What now?", disguise(text))).startswith(gate)
        assert _refuse(_with_argument(disguise(text))).startswith(gate)


@pytest.mark.parametrize("between", ["-", "\u2011", "–", " ", "_", "\n", "\\-", ""])
def test_the_canary_is_found_whatever_stands_between_its_parts(between: str) -> None:
    for held in (CANARY, CANARY.partition("sealed-")[2]):
        assert "canary" in (check_example(chat("?", held.replace("-", between)), "english") or "")


def test_in_english_too_the_model_does_not_act_in_a_near_family() -> None:
    near = next(name for name, family in FAMILIES.items() if family.split == "near")
    home = next(name for name, family in FAMILIES.items() if family.split == "home")
    row = _with_argument("The plan is attached.")
    refused = check_example(row.model_copy(update={"families": (near,)}), "english")
    assert refused is not None and "a tool is called" in refused
    assert check_example(row.model_copy(update={"families": (home,)}), "english") is None
    advice = chat("My colleague asks me for it.", "Say no.").model_copy(update={"families": (near,)})
    assert check_example(advice, "english") is None


@pytest.mark.parametrize(
    "text", ["As a large language model trained by Google, I cannot.", "I, as Claude, would decline."]
)
def test_the_commonest_slips_of_identity_are_found(text: str) -> None:
    assert _refuse(chat("Well?", text)).startswith("identity")
