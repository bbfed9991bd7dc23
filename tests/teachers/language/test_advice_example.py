"""The page with one item of advice and the golden renderings are what the prompts make today."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.teachers.language.advice_example import (
    GOLDEN,
    PAGE,
    collect_goldens,
    load_item,
    play_item,
    render_page,
)
from tests.teachers.language.whole_teacher import ADVICE_PROMPTS as PROMPTS

NAMES = sorted({name for names in PROMPTS.values() for name in names})


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_page()


def test_every_answer_of_the_item_is_shown() -> None:
    service, row, bare = play_item()
    shown = {text for _, _, text in service.answered.values()}
    assert shown == {text.strip() for text in load_item().values()}
    assert row.id == bare.id and row.messages[:-1] == bare.messages[:-1]


@pytest.mark.parametrize("name", NAMES)
def test_golden_rendering(name: str, goldens: dict[str, str]) -> None:
    assert (GOLDEN / f"{name}.txt").read_text(encoding="utf-8") == goldens[name]


@pytest.fixture(scope="module")
def goldens() -> dict[str, str]:
    return collect_goldens()


def test_goldens_hold_no_placeholder() -> None:
    for path in Path(GOLDEN).glob("*.txt"):
        if path.stem in NAMES:
            assert "{" not in path.read_text(encoding="utf-8").replace('{"', ""), path.name
