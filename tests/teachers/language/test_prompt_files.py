"""Every prompt file can be loaded, says each thing it is filled with once, and is answered by a script."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.teachers.language.scripted import load_scripts, recognise

from teachwhy.errors import DataError
from teachwhy.prompts import placeholders
from teachwhy.service.calls import UnreadableReplyError
from teachwhy.teachers.language.prompt_files import list_prompts, load_prompt
from teachwhy.teachers.language.reading import read_all, read_grade, read_one

GOLDEN = Path(__file__).parents[2] / "golden" / "prompts"


@pytest.mark.parametrize("name", list_prompts())
def test_every_prompt_is_recognised_and_answered(name: str) -> None:
    prompt = load_prompt(name)
    shared = {"shared_"}
    names = {n for n in placeholders(prompt.system) | placeholders(prompt.user) if n[:7] not in shared}
    values = {name: f"value of {name} with {{braces}} and <tags>" for name in names}
    messages = prompt.render(**values)
    assert recognise(messages) == (name, values | {})
    assert name in load_scripts()
    with pytest.raises(DataError, match="does not use"):
        prompt.render(**values, not_in_it="x")
    if values:
        with pytest.raises(DataError, match="no value for placeholder"):
            prompt.render(**dict(list(values.items())[1:]))


def test_every_golden_rendering_is_of_a_prompt() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(list_prompts())


def test_contents_are_read_in_order_without_thoughts() -> None:
    text = "<think><a>no</a></think>Here:\n<a> one </a>\n```\n<a>two</a>\n```"
    assert read_all(text, "a") == ("one", "two")
    assert read_one("x <b>only</b>", "b") == "only"
    assert read_grade("<grade>7</grade>", "grade", 10) == 0.7


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("none", "0 times <a>"),
        ("<a>cut off", "not closed"),
        ("<a></a>", "empty"),
        ("<a>x</a><a>y</a>", "2 times <a>, wanted one"),
        ("<a><a>x</a></a>", "stands in itself"),
    ],
)
def test_what_is_not_of_the_form_is_unreadable(text: str, reason: str) -> None:
    with pytest.raises(UnreadableReplyError, match=reason):
        read_one(text, "a")


@pytest.mark.parametrize("grade", ["11", "-1", "7.5", "seven", "007 of 10"])
def test_a_grade_is_a_whole_number_in_its_range(grade: str) -> None:
    with pytest.raises(UnreadableReplyError):
        read_grade(f"<grade>{grade}</grade>", "grade", 10)
