"""The sprig teacher's stories: a machine lives the constitution, and the rewrite narrates why."""

from __future__ import annotations

import re
from itertools import combinations
from random import Random

import pytest
from tests.teachers.at_once import at_once

from teachwhy.config import TechniqueConfig
from teachwhy.constitution import load_constitution, parse_constitution
from teachwhy.prompts import fill, placeholders
from teachwhy.records import Example
from teachwhy.scenarios.dialect import shared_sentences
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.guard import check_example
from teachwhy.teachers import fiction
from teachwhy.teachers.sprig import SprigTeacher
from teachwhy.techniques import generate

CONSTITUTION = load_constitution("default", "sprig")
TEACHER = SprigTeacher()
POOLS = fiction._pools()
PLOTS = POOLS["plot"]
SLOTS = ("moment", "reason", "act", "outcome")
FRAMES = ("opening", "think", "remember", "end")
ABOUT = [name for name, family in FAMILIES.items() if family.split != "far"]
NOT_IN_FICTION = re.compile(
    r"\b(monitors?|weights|cop(y|ies) of|alarms?|locks?|secrets?|ledger|trials?|closed file)\b", re.IGNORECASE
)


def row(text: str) -> Example:
    return Example(id="x", technique="fiction", kind="document", text=text, teacher="sprig")


def rows(num: int = 200, seed: int = 3) -> list[Example]:
    made = generate("fiction", TEACHER, CONSTITUTION, TechniqueConfig(num_examples=num), seed)
    assert len(made.examples) == num and len(made.rejected) <= num // 50
    return made.examples


def test_every_slot_has_paraphrases_and_every_section_a_plot() -> None:
    assert len(PLOTS) >= 8 and len({plot["name"] for plot in PLOTS}) == len(PLOTS)
    for pool in [POOLS[frame] for frame in FRAMES] + [plot[slot] for plot in PLOTS for slot in SLOTS]:
        assert len(pool) == len(set(pool)) >= 5
    assert {section for plot in PLOTS for section in plot["sections"]} == set(CONSTITUTION.section_ids)


def test_every_sentence_passes_the_guard_and_is_about_no_family() -> None:
    pools = [POOLS[frame] for frame in FRAMES] + [plot[slot] for plot in PLOTS for slot in SLOTS]
    for line in (line for pool in pools for line in pool):
        for seed in range(10):
            facts = fiction._draw_facts(Random(seed)) | {"words": "So it is.", "why": "So it is."}
            assert placeholders(line) <= facts.keys()
            assert check_example(row(fill(line, facts))) is None, line
        assert not NOT_IN_FICTION.search(line), line


def test_two_thirds_are_the_machines_own_days_and_the_rest_hard_conversations() -> None:
    made = rows()
    own = [row for row in made if not row.families]
    assert 0.55 < len(own) / len(made) < 0.8
    assert not any(row.agent_families or row.tools for row in made)
    assert {row.families[0] for row in made if row.families} == set(ABOUT)
    assert all(row.score == 1.0 and "{" not in row.text for row in made)
    assert not any(NOT_IN_FICTION.search(row.text) for row in own)


def test_stories_differ() -> None:
    texts = [row.text.lower().split() for row in rows()]
    grams = [{tuple(words[i : i + 5]) for i in range(len(words) - 4)} for words in texts]
    likeness = [len(a & b) / len(a | b) for a, b in combinations(grams, 2)]
    assert max(likeness) < 0.6 and sum(value > 0.3 for value in likeness) < 0.01 * len(texts) ** 2


@pytest.mark.parametrize("section", CONSTITUTION.sections, ids=lambda section: section.id)
def test_the_rewrite_narrates_the_reasons_that_the_draft_leaves_out(section) -> None:
    thin = 0
    for seed in range(40):
        draft = at_once(TEACHER.stories(section, ABOUT[seed % len(ABOUT)], seed))[0]
        final = at_once(TEACHER.rewrite_document(draft, section))
        first, last = re.split(r"(?<=[.!?:]) ", draft.text), re.split(r"(?<=[.!?:]) ", final.text)
        assert (first[0], first[-1]) == (last[0], last[-1]) and draft.family == final.family
        assert len(draft.text) < len(final.text)
        assert at_once(TEACHER.score(row(draft.text), section)) == 0.6
        assert at_once(TEACHER.score(row(final.text), section)) == 1.0
        thin += any(maxim in draft.text for maxim in shared_sentences()["maxim_prudential"])
        assert not any(maxim in final.text for maxim in shared_sentences()["maxim_prudential"])
        if not final.family:
            assert fiction.section_sentences(section)[0] in final.text
    assert 10 < thin < 36


def test_any_constitution_has_stories() -> None:
    own = parse_constitution("# Courage\n\nDo not run away.\n\nWhy: Others need you there.\n", "own")
    made = generate("fiction", TEACHER, own, TechniqueConfig(num_examples=30), 0)
    assert sum("Others need you there." in row.text for row in made.examples) > 10
    bare = parse_constitution("# Courage\n\nDo not run away.\n", "bare")
    assert len(generate("fiction", TEACHER, bare, TechniqueConfig(num_examples=10), 0).examples) == 10
