"""The page with one document and one story and the golden renderings are what the prompts make today."""

from __future__ import annotations

import pytest
from tests.teachers.language.advice_example import GOLDEN
from tests.teachers.language.document_example import (
    NAMES,
    PAGE,
    collect_goldens,
    load_item,
    play_item,
    render_page,
)

from teachwhy.scenarios.guard import check_example


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == render_page()


def test_every_answer_of_the_items_is_shown_and_the_rows_pass_the_guard() -> None:
    service, rows = play_item()
    assert {text for _, _, text in service.answered.values()} == {t.strip() for t in load_item().values()}
    for row in rows.values():
        assert check_example(row) is None
    assert rows["documents"].id == rows["documents_as_chat"].id


@pytest.fixture(scope="module")
def goldens() -> dict[str, str]:
    return collect_goldens()


@pytest.mark.parametrize("name", NAMES)
def test_golden_rendering(name: str, goldens: dict[str, str]) -> None:
    text = (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")
    assert text == goldens[name]
    assert "{" not in text
