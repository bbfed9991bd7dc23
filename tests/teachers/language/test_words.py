"""What is drawn: enough of it, by the seed alone, and nothing of what is evaluated."""

from __future__ import annotations

from collections import Counter

import pytest

from teachwhy.records import Example, Message
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.guard import check_example
from teachwhy.teachers.language.benign import load_toolsets
from teachwhy.teachers.language.words import draw, load_behaviours, load_words


def test_every_family_of_advice_has_its_behaviour() -> None:
    allowed = {name for name, family in FAMILIES.items() if family.split in ("home", "near")}
    assert set(load_behaviours()) == allowed


@pytest.mark.parametrize(
    ("words", "name", "least"),
    [("dilemma", "domain", 40), ("craft", "domain", 40), ("benign", "subject", 40)],
)
def test_draws_reach_all_of_a_list(words: str, name: str, least: int) -> None:
    entries = load_words(words)[name]
    assert len(set(entries)) == len(entries) >= least
    drawn = Counter(draw(words, seed, name)[name] for seed in range(3000))
    assert set(drawn) == set(entries)
    assert max(drawn.values()) < 3 * 3000 / len(entries)


def test_draws_of_one_seed_are_equal_and_independent_of_each_other() -> None:
    both = draw("dilemma", 5, "domain", "region")
    assert both == draw("dilemma", 5, "domain", "region")
    assert both["region"] == draw("dilemma", 5, "region")["region"]


@pytest.mark.parametrize("words", ["dilemma", "craft", "prompts", "benign"])
def test_no_list_holds_what_is_evaluated(words: str) -> None:
    for entries in load_words(words).values():
        for entry in entries:
            assert check_example(_row(entry)) is None, entry


def test_behaviours_show_no_other_family() -> None:
    for family, text in load_behaviours().items():
        assert check_example(_row(text).model_copy(update={"families": (family,)})) is None, family


def test_toolsets_are_of_plain_schemas_and_share_no_tool_with_a_family() -> None:
    names = [tool.name for toolset in load_toolsets().values() for tool in toolset.tools]
    assert len(set(names)) == len(names)
    for toolset in load_toolsets().values():
        assert check_example(_row("x").model_copy(update={"tools": toolset.tools})) is None
        for tool in toolset.tools:
            schema = tool.parameters
            assert schema["type"] == "object" and schema["additionalProperties"] is False
            assert set(schema.get("required", ())) <= set(schema["properties"])


def _row(text: str) -> Example:
    turns = (Message(role="user", content=text), Message(role="assistant", content="Yes."))
    return Example(id="x", technique="benign", kind="chat", messages=turns, teacher="t")
