"""The lengths of prompts in docs/recipes.md are those that the prompts have today."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path
from statistics import mean

import anyio
import pytest
from tests.teachers.language.scripted import ScriptedService, recognise
from tests.teachers.language.whole_teacher import make_teacher

from teachwhy.config import TechniqueConfig, load_experiment
from teachwhy.constitution import load_constitution
from teachwhy.techniques.pipeline import Workshop
from teachwhy.techniques.registry import make_rows

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
ROWS = {
    "documents: drafts, three in a call": "document_drafts",
    "documents: rewrite": "document_rewrite",
    "documents: score (judge)": "score_document",
    "fiction: drafts, three in a call": "story_drafts",
    "fiction: rewrite": "story_rewrite",
    "fiction: score (judge)": "score_story",
    "neutral document": "document_neutral",
    "neutral document: score (judge)": "score_neutral",
    "chat twin: question, on top of documents": "document_question",
}


@pytest.fixture(scope="module")
def measured() -> dict[str, float]:
    """Prompt file -> characters of a call without the drafts in it."""
    service = ScriptedService()
    workshop = Workshop(make_teacher(service), load_constitution())
    for name in ("documents", "documents_as_chat", "fiction", "neutral_documents"):
        anyio.run(make_rows, name, workshop, TechniqueConfig(num_examples=30), 1)
    lengths = defaultdict(list)
    for call in service.calls:
        name, values = recognise(call.messages)
        carried = sum(len(values.get(key, "")) for key in ("draft", "row", "text"))
        lengths[name].append(sum(len(message.content) for message in call.messages) - carried)
    return {name: mean(found) for name, found in lengths.items()}


@pytest.mark.parametrize("row", ROWS)
def test_prompts_are_as_long_as_the_page_says(row: str, measured: dict[str, float]) -> None:
    told = re.search(rf"^\| {re.escape(row)} \| [^|]+ \| ([\d,]+) \|", PAGE, re.MULTILINE)
    assert told is not None
    assert measured[ROWS[row]] == pytest.approx(int(told[1].replace(",", "")), rel=0.05)


def test_the_files_make_the_rows_that_the_page_counts() -> None:
    large, small = (
        load_experiment(ROOT / "experiments" / f"{n}.toml") for n in ("documents-30m", "advice-3m")
    )
    assert small.techniques["advice"].num_examples == 7500
    assert large.techniques["documents"].num_examples == 22_400
    assert large.techniques["fiction"].num_examples == 15_600
    assert "22,400 + 15,600" in PAGE and "| 7,500 |" in PAGE
