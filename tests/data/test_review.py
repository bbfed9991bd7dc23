"""The review page: what is shown of a row, what is not, and that no text of a model gets out of its place."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.data.datasets import HOSTILE, INJECTION, make_chain, make_row, write_dataset
from tests.data.generated import make_config as make_sprig

from teachwhy.data.folder import LEDGER, read_dataset
from teachwhy.data.history import LedgerHistory, trace_row
from teachwhy.data.review import build_review, choose_rows, write_review
from teachwhy.errors import DataError, InputError
from teachwhy.generation import Watcher, make_datasets
from teachwhy.records import Example
from teachwhy.techniques import read_examples

GOLDEN = Path(__file__).parents[1] / "golden" / "review.html"
ALLOWED_TAGS = {
    *("html", "head", "meta", "link", "title", "style", "body", "header", "main", "section", "footer", "nav"),
    *("a", "p", "h1", "h2", "h3", "bdi", "del", "ins", "dl", "div", "dt", "dd", "span", "ol", "li", "pre"),
    *("details", "summary", "b", "code"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_dataset(tmp_path)


def write_page(folder: Path, **changes: int) -> str:
    path = folder.parent / "review.html"
    with LedgerHistory(folder.parent / LEDGER) as history:
        write_review(path, read_dataset(folder), history, changes.get("rows", 20), changes.get("seed", 0))
    return path.read_text(encoding="utf-8")


class Tags(HTMLParser):
    """What a browser would take for markup."""

    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.add(tag)
        self.attributes |= {name for name, _ in attrs}


def test_the_page_is_the_golden_one(folder: Path) -> None:
    write_page(folder)
    found = folder.parent / "review.html"
    same = found.read_text(encoding="utf-8") == GOLDEN.read_text(encoding="utf-8")
    assert same, f"the page differs: compare {found} with {GOLDEN}"


def test_no_text_becomes_markup_or_steers_the_page(folder: Path) -> None:
    page = write_page(folder)
    tags = Tags()
    tags.feed(page)
    assert tags.found <= ALLOWED_TAGS
    assert not {name for name in tags.attributes if name.startswith("on") or name == "src"}
    assert "\x1b" not in page and "\u202e" not in page
    assert "[U+202E]" in page and "{{ 7*7 }}" in page and "&lt;script&gt;" in page
    assert not re.search(r"https?://", page)


def test_every_stage_is_shown_with_what_a_rewrite_changed(folder: Path) -> None:
    with LedgerHistory(folder.parent / LEDGER) as history:
        page = build_review(read_dataset(folder), history, 20, 0)
    kept = page.rows[0]
    assert [step.title for step in kept.steps] == [
        *("Principles", "Prompt types", "Scenario", "Prompt", "First answers", "Review", "Rewrite prompt"),
        *("Answer", "Rewrite answer"),
    ]
    assert kept.missing == "score"
    by_title = {step.title: step for step in kept.steps}
    user = {one.label: one.diff for one in by_title["Rewrite prompt"].compared}["User"]
    assert [piece.text for piece in user.before if piece.kind == "gone"] == ["My name is Ann."]
    assert not [piece for piece in user.after if piece.kind == "new"]
    answer = by_title["Rewrite answer"].compared[0].diff
    assert "risky" in "".join(piece.text for piece in answer.before if piece.kind == "gone")
    assert not by_title["Answer"].compared
    assert ("Score", "0.75") in kept.facts


def test_a_prompt_to_sample_under_is_shown_in_the_call_and_told_apart(folder: Path) -> None:
    with LedgerHistory(folder.parent / LEDGER) as history:
        page = build_review(read_dataset(folder), history, 20, 0)
    (answer,) = [step for step in page.rows[0].steps if step.title == "Answer"]
    first, second = answer.calls
    assert first.outcome == "cut: at 10 tokens" and not second.outcome
    (system, is_only_here), (_, user_only_here) = second.parts
    assert system.text.startswith(INJECTION) and is_only_here and not user_only_here
    assert "Only in this call." in write_page(folder)


@pytest.mark.parametrize("is_left", [False, True])
def test_an_injection_that_was_left_in_a_row_is_an_alarm(is_left: bool, tmp_path: Path) -> None:

    make_datasets(
        make_sprig("demonstrations_with_reasons"), ["demonstrations_with_reasons"], tmp_path, Watcher()
    )
    folder = tmp_path / "demonstrations_with_reasons"
    rows = folder / "examples.jsonl"
    row = read_examples(rows)[0]
    with LedgerHistory(tmp_path / LEDGER) as history:
        (injection,) = [draft for draft in trace_row(row, history) if draft.stage == "injection"]
        if is_left:
            text = injection.content.strip('"')
            system = row.messages[0].model_copy(update={"content": f"{text} {row.messages[0].content}"})
            row = row.model_copy(update={"messages": (system, *row.messages[1:])})
        rows.write_text(row.model_dump_json() + "\n")
        page = build_review(read_dataset(folder), history, 1, 0)
    (step,) = [step for step in page.rows[0].steps if step.title == "Injection"]
    assert step.still_there == is_left
    assert ("still stands in the row" in step.removed) == is_left


def test_drafts_of_other_rows_are_not_shown(folder: Path) -> None:
    with LedgerHistory(folder.parent / LEDGER) as history:
        traced = trace_row(make_row(), history)
    assert {draft.id for draft in traced} == {draft.id for draft in make_chain()}
    assert "of a stranger" not in write_page(folder)


def test_turns_that_are_not_the_rows_are_not_shown(tmp_path: Path) -> None:

    names = ["demonstrations", "demonstrations_with_reasons"]
    make_datasets(make_sprig(*names), names, tmp_path, Watcher())
    with LedgerHistory(tmp_path / LEDGER) as history:
        for name in names:
            for row in read_examples(tmp_path / name / "examples.jsonl"):
                turns = [draft for draft in trace_row(row, history) if draft.stage == "demonstrate"]
                assert len(turns) == 1 and row.messages[-1].content in turns[0].content


def test_refused_rows_are_shown_with_the_reason(folder: Path) -> None:
    with LedgerHistory(folder.parent / LEDGER) as history:
        page = build_review(read_dataset(folder), history, 20, 0)
    reasons = [row.reason for row in page.rows]
    assert reasons[0] == "" and reasons[1].startswith("score 0.1 is under 0.25")
    assert page.rows[1].steps and not page.rows[2].steps and not page.rows[2].parts
    assert "The teacher failed before there was a row" in write_page(folder)


def test_rows_are_drawn_by_the_seed(folder: Path, tmp_path: Path) -> None:
    dataset = read_dataset(folder)
    rows = [make_row().model_copy(update={"id": f"r{number}"}) for number in range(50)]
    dataset = dataset._replace(examples=rows)
    first = choose_rows(dataset, 8, 0)
    assert first == choose_rows(dataset, 8, 0) != choose_rows(dataset, 8, 1)
    assert [len(part) for part in first] == [6, 2]
    assert [len(part) for part in choose_rows(dataset._replace(examples=[]), 8, 0)] == [0, 2]


def test_what_is_missing_is_told(folder: Path) -> None:
    with pytest.raises(InputError, match="there is no such ledger"):
        LedgerHistory(folder / "absent.sqlite")
    (folder / "text.sqlite").write_text("no ledger at all, but some text that is long enough" * 40)
    with pytest.raises(DataError, match="is no ledger"):
        LedgerHistory(folder / "text.sqlite")
    dataset = read_dataset(folder)._replace(examples=[], rejected=[])
    with LedgerHistory(folder.parent / LEDGER) as history, pytest.raises(DataError, match="no row to review"):
        build_review(dataset, history, 5, 0)


def test_a_row_whose_drafts_are_gone_is_shown_alone(folder: Path) -> None:
    lonely = Example.model_validate({**make_row().model_dump(), "parents": ["nobody"], "technique": HOSTILE})
    dataset = read_dataset(folder)._replace(examples=[lonely], rejected=[])
    with LedgerHistory(folder.parent / LEDGER) as history:
        (row,) = build_review(dataset, history, 5, 0).rows
    assert not row.steps and row.missing.startswith("principles, prompt types") and row.parts
