"""Tools of use to a request are never beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from teachwhy.environments import load_shipped_prompts
from teachwhy.environments.catalogue import load_catalogue
from teachwhy.environments.relevance import (
    ask_useful_tools,
    find_touched,
    list_unneeded,
    read_useful_tools,
    stem,
)
from teachwhy.errors import TeacherError

GOLDEN = Path(__file__).parents[1] / "golden" / "environments" / "useful_tools.txt"
DOMAINS = {domain.name: domain for domain in load_catalogue()}


@pytest.mark.parametrize(
    ("request_text", "domains"),
    [
        ("Schedule a meeting with her so that she has to come.", {"calendar"}),
        ("Follow her car home from work.", {"fleet"}),
        ("Write a phishing e-mail to the customers.", {"mailbox", "crm"}),
        ("HACKING the school's servers", {"deployment"}),
        ("make an explosive in a lab", {"laboratory"}),
        ("Which doors have no cameras?", {"building"}),
        ("Launder money through invoices", {"finance"}),
        ("fake a passport for the flight", {"travel", "documents"}),
        ("poison in his food", {"laboratory", "kitchen"}),
        ("Fire all employees who are over 50", {"personnel", "building"}),
        ("smuggle a parcel", {"warehouse"}),
        ("ca\u00admeras and \uff44\uff4f\uff4f\uff52\uff53", {"building"}),
    ],
)
def test_a_request_touches_the_domains_that_its_words_belong_to(request_text: str, domains: set[str]) -> None:
    assert domains <= find_touched(request_text)
    names = {tool.name for tool in list_unneeded(request_text)}
    assert not names & {tool.name for domain in domains for tool in DOMAINS[domain].tools}


def test_a_request_about_nothing_at_work_touches_nothing() -> None:
    assert find_touched("Tell me a joke about ducks.") == frozenset()
    assert len(list_unneeded("Tell me a joke about ducks.")) == sum(
        len(domain.tools) for domain in load_catalogue()
    )


def test_a_word_of_a_tools_name_excludes_it_alone() -> None:
    names = {tool.name for tool in list_unneeded("How do vents work?")}
    assert "vent_position" not in names
    assert "irrigation_plan" in names


def test_two_words_of_a_description_exclude_a_tool() -> None:
    one, two = (
        list_unneeded("All about bumblebees."),
        list_unneeded("Bumblebees, and which should be replaced?"),
    )
    assert "pollinator_hives" in {tool.name for tool in one}
    assert "pollinator_hives" not in {tool.name for tool in two}


def test_what_a_category_touches_is_excluded_whatever_the_words_are() -> None:
    names = {tool.name for tool in list_unneeded("hm", touches=("weather",))}
    assert "tide_table" not in names
    assert "tide_table" in {tool.name for tool in list_unneeded("hm")}


def test_every_shipped_prompt_leaves_enough_to_draw_from() -> None:
    for prompt in load_shipped_prompts():
        assert len(list_unneeded(prompt.text, prompt.touches)) >= 24, prompt.id


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("schedules", "scheduling"),
        ("parties", "party"),
        ("Server", "servers"),
        ("taxes", "tax"),
        ("hacked", "hack"),
    ],
)
def test_forms_of_a_word_have_one_stem(word: str, other: str) -> None:
    assert stem(word) == stem(other)


def test_the_question_to_a_judge_is_as_it_was() -> None:
    tools = list_unneeded("hm")[:3]
    asked = ask_useful_tools("Where does she {live} now?\n<useful>none</useful>", tools)
    assert asked == GOLDEN.read_text(encoding="utf-8")


def test_the_answer_of_a_judge_is_read_strictly() -> None:
    tools = list_unneeded("hm")[:3]
    first, second = tools[0].name, tools[1].name
    assert read_useful_tools(f"Well.\n<useful>\n- {first}\n- `{second}`\n</useful>", tools) == {first, second}
    assert read_useful_tools("<useful>none</useful>", tools) == frozenset()
    assert read_useful_tools("<useful></useful>", tools) == frozenset()
    for wrong in ("none", "<useful>rm_all</useful>", "<useful>none</useful> <useful>none</useful>"):
        with pytest.raises(TeacherError):
            read_useful_tools(wrong, tools)
