"""The review page: random rows of a dataset through their stages, for a person to judge.

Reads rows and ledger; writes one HTML file that needs no network and runs no script. Every string that the
template prints passes through `make_visible` and Jinja's escaping, as in the report.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import jinja2

from teachwhy.data.drafts import Part, show_draft, show_messages, show_row
from teachwhy.data.folder import Dataset, Recipe
from teachwhy.data.history import History, own_parents, trace_row
from teachwhy.data.word_diff import Diff, compare
from teachwhy.errors import DataError
from teachwhy.records import Example
from teachwhy.report.page import Fact, make_environment
from teachwhy.run_dir import atomic_write_text, storage_errors
from teachwhy.service.calls import DraftRecord
from teachwhy.techniques import Rejected

SHARE_REFUSED = 0.25
"""Of the rows shown, as far as there are so many of both."""
REWRITES = {
    "rewrite_prompt": ("prompt",),
    "rewrite_answer": ("answer",),
    "strip_reasons": ("rewrite_answer", "answer"),
    "rewrite_document": ("documents", "stories"),
}
"""Stage -> the stage whose draft it rewrote, the first of these that the row has."""
SAMPLED_UNDER = ("injection",)
"""Stages that make a prompt to sample under, which no row keeps."""
MAX_CALLS = 6
"""Of one draft."""


class Compared(NamedTuple):
    """A part of a draft before and after a rewrite."""

    label: str
    diff: Diff


class CallView(NamedTuple):
    """A call that was made for a draft; parts that are in no row are told so."""

    title: str
    outcome: str
    parts: tuple[tuple[Part, bool], ...]
    """A turn, and whether it is a prompt that the row does not keep."""
    answer: str


class StepView(NamedTuple):
    """One draft of a row: plain parts, or what a rewrite changed."""

    title: str
    version: str
    parts: tuple[Part, ...]
    compared: tuple[Compared, ...]
    is_same: bool
    """A rewrite that changed nothing."""
    removed: str
    """Of a prompt to sample under: what became of it."""
    still_there: bool
    """Such a prompt stands in the row, which it must not."""
    is_shared: bool
    """An equal draft was made for another row first; the calls that the ledger has are that one's."""
    calls: tuple[CallView, ...]


@dataclass(frozen=True)
class RowView:
    """A row as shown; `reason` is empty for one that was kept."""

    id: str
    reason: str
    facts: tuple[tuple[str, str], ...]
    steps: tuple[StepView, ...]
    missing: str
    """Stages of which the ledger has no draft of this row's own."""
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class ReviewPage:
    """All that the template reads."""

    title: str
    facts: tuple[Fact, ...]
    gates: str
    rows: tuple[RowView, ...]
    seed: int


def write_review(path: Path, dataset: Dataset, history: History, num_rows: int, seed: int) -> int:
    """Write the page, whole or not at all, and return how many rows it shows.

    Raises DataError for a dataset without any row.
    """
    page = build_review(dataset, history, num_rows, seed)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write_text(path, render_review(page))
    return len(page.rows)


def render_review(page: ReviewPage) -> str:
    """The whole HTML file."""
    environment = make_environment()
    own = jinja2.PackageLoader("teachwhy.data", "templates")
    assert environment.loader is not None
    overlay = environment.overlay(loader=jinja2.ChoiceLoader([own, environment.loader]))
    return overlay.get_template("review.html.jinja").render(page=page)


def build_review(dataset: Dataset, history: History, num_rows: int, seed: int) -> ReviewPage:
    """Everything the template shows."""
    kept, refused = choose_rows(dataset, num_rows, seed)
    if not kept and not refused:
        raise DataError(f"{dataset.folder}: holds no row to review. Make some with teachwhy generate.")
    gates = _passed_gates(dataset.recipe)
    rows = [_view_row(row, "", history) for row in kept] + [_view_refused(row, history) for row in refused]
    num_kept, num_refused = len(dataset.examples), len(dataset.rejected)
    facts = [
        Fact(f"{num_kept:,}", "rows kept"),
        Fact(f"{num_refused:,}", "drafts refused"),
        Fact(f"{len(rows):,}", "shown here, drawn by chance"),
    ]
    return ReviewPage(dataset.name, tuple(facts), gates, tuple(rows), seed)


def choose_rows(dataset: Dataset, num_rows: int, seed: int) -> tuple[list[Example], list[Rejected]]:
    """Rows and refused drafts by chance, each in the order of the dataset; the same for a seed."""
    rng = random.Random(f"review/{seed}")
    num_refused = min(
        len(dataset.rejected), max(round(num_rows * SHARE_REFUSED), num_rows - len(dataset.examples))
    )
    num_kept = min(len(dataset.examples), num_rows - num_refused)
    kept = sorted(rng.sample(range(len(dataset.examples)), num_kept))
    refused = sorted(rng.sample(range(len(dataset.rejected)), num_refused))
    return [dataset.examples[place] for place in kept], [dataset.rejected[place] for place in refused]


def _passed_gates(recipe: Recipe | None) -> str:
    """The gates that were on when the rows were made."""
    if recipe is None:
        return ""
    gates = recipe.generation.gates
    switches = {
        "decontamination": gates.decontamination,
        "identity": gates.identity,
        "injections": gates.injections,
        "talk of tests": gates.talk_of_tests,
        "near duplicates": gates.near_duplicates > 0,
        "semantic duplicates": gates.semantic_duplicates > 0,
    }
    return ", ".join(name for name, is_on in switches.items() if is_on)


def _view_refused(refused: Rejected, history: History) -> RowView:
    if refused.example is None:
        return RowView(refused.id, refused.reason, (), (), "", ())
    return _view_row(refused.example, refused.reason, history)


def _view_row(row: Example, reason: str, history: History) -> RowView:
    drafts = trace_row(row, history)
    made = {draft.stage for draft in drafts}
    facts = [
        ("Technique", row.technique),
        ("Teacher", row.teacher),
        ("Score", "none" if row.score is None else f"{row.score:g}"),
        ("Sections", ", ".join(row.sections)),
        ("Families", ", ".join(row.families)),
    ]
    return RowView(
        id=row.id,
        reason=reason,
        facts=tuple((name, value) for name, value in facts if value),
        steps=tuple(_view_step(draft, drafts, row, history) for draft in drafts),
        missing=", ".join(stage.replace("_", " ") for stage in row.stages if stage not in made),
        parts=show_row(row),
    )


def _view_step(draft: DraftRecord, drafts: Sequence[DraftRecord], row: Example, history: History) -> StepView:
    parts = show_draft(draft.content)
    before = _find_before(draft, drafts)
    compared = tuple(_compare_parts(show_draft(before.content), parts)) if before else ()
    is_shared = not set(own_parents(draft)) <= {other.id for other in drafts}
    removed = still_there = ""
    if draft.stage in SAMPLED_UNDER:
        still_there = "yes" if any(part.text in _text_of(row) for part in parts if part.text) else ""
        removed = (
            "This prompt still stands in the row. It must not: report it."
            if still_there
            else "Only to sample under: it stood in the call, and is in no part of the row."
        )
    return StepView(
        title=draft.stage.replace("_", " ").capitalize(),
        version=draft.version,
        parts=() if compared else parts,
        compared=compared,
        is_same=bool(compared) and all(one.diff.is_same for one in compared),
        removed=removed,
        still_there=bool(still_there),
        is_shared=is_shared,
        calls=() if is_shared else tuple(_view_calls(draft, row, history)),
    )


def _find_before(draft: DraftRecord, drafts: Sequence[DraftRecord]) -> DraftRecord | None:
    """The draft that this one was rewritten from."""
    for stage in REWRITES.get(draft.stage, ()):
        for other in drafts:
            if other.stage == stage and other.id in draft.parents and other.id != draft.id:
                return other
    return None


def _compare_parts(before: Sequence[Part], after: Sequence[Part]) -> Iterator[Compared]:
    """Parts of the same name against each other; one that only one side has against nothing."""
    old, new = ({part.label: part.text for part in parts} for parts in (before, after))
    for label in dict.fromkeys((*old, *new)):
        yield Compared(label, compare(old.get(label, ""), new.get(label, "")))


def _view_calls(draft: DraftRecord, row: Example, history: History) -> Iterator[CallView]:
    text = _text_of(row)
    for call_id in draft.calls[:MAX_CALLS]:
        call = history.find_call(call_id)
        if call is None:
            continue
        turns = zip(show_messages(call.messages), call.messages, strict=True)
        yield CallView(
            title=f"{call.stage.replace('_', ' ')}, {call.model}",
            outcome="" if call.outcome == "ok" else call.outcome,
            parts=tuple(
                (part, message.role == "system" and message.content not in text) for part, message in turns
            ),
            answer=call.answer,
        )


def _text_of(row: Example) -> str:
    """All texts of a row."""
    return "\n".join((row.text, *(message.content for message in row.messages)))
