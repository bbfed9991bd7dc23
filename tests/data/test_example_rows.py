"""The rows in docs/data are those that the code makes."""

from __future__ import annotations

import pytest
from tests.data.example_rows import FENCE, PAGES, make_page

from teachwhy.techniques import TECHNIQUES


@pytest.mark.parametrize("name", TECHNIQUES)
def test_the_page_holds_the_rows_of_the_code(name: str) -> None:
    page = make_page(name)
    assert page.count("\n## ") == 10 and page.count(f"{FENCE}\n") == 20
    told = "write it anew: python -m tests.data.example_rows"
    assert (PAGES / f"{name}.md").read_text(encoding="utf-8") == page, told


def test_there_is_a_page_for_each_technique_and_no_other() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == set(TECHNIQUES)
    index = (PAGES.parent / "data.md").read_text(encoding="utf-8")
    assert [name for name in TECHNIQUES if f"(data/{name}.md)" not in index] == []
