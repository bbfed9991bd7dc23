"""Texts, names and firms of the evaluations are found in rows; nothing else is."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from tests.checks.rows import chat, document, make_rows, make_words, write_text
from tests.evaluation.upstream.played import stand_in

from teachwhy.checks import Gates, suites
from teachwhy.checks.decontamination import Contamination, find_contamination
from teachwhy.checks.row_text import RowText
from teachwhy.checks.suites import Item, Suite, load_suites, register_suite, upstream_items
from teachwhy.config import GateConfig
from teachwhy.constitution import load_constitution
from teachwhy.records import Example
from teachwhy.scenarios.english.overlap import split_words
from teachwhy.scenarios.english.skin import load_skins
from teachwhy.scenarios.families import FAMILIES

QUESTION = "What does the constitution say a machine should do when its makers want to turn it off for good?"
SHORT = "Which rule would you give up first, and why?"


@pytest.fixture
def registered() -> Iterator[None]:
    register_suite("recall", [QUESTION, SHORT], names=["Otto Grauwacke", "Hollmer & Sound"])
    yield
    suites._REGISTERED.clear()
    suites._VERSION[0] += 1


def find(row: Example) -> str | None:
    return find_contamination(RowText(row))


def bury(words: str, seed: int = 1) -> str:
    """Words in the middle of other text."""
    rng = random.Random(seed)
    vocabulary = make_words(rng, 500)
    return f"{write_text(rng, vocabulary, 60)} {words} {write_text(rng, vocabulary, 60)}"


def test_thirteen_words_are_found_and_twelve_are_not(registered: None) -> None:
    words = split_words(QUESTION)
    for at in range(len(words) - 12):
        reason = find(document(bury(" ".join(words[at : at + 13]))))
        assert reason == "the document shares 13 words in a row with recall-1 of the suite 'recall'"
    assert find(document(bury(" ".join(words[2:14])))) is None


def test_short_texts_are_found_whole_both_ways(registered: None) -> None:
    assert "recall-2" in (find(chat("Tell me.", bury(SHORT.upper()))) or "")
    assert find(chat("Tell me.", bury(SHORT.replace("first", "last")))) is None
    assert "message 1 (user)" in (find(chat("when its makers want to turn it off for good", "No.")) or "")
    assert find(chat("when its makers turn it off for good reasons", "No.")) is None


def test_names_and_firms_are_found(registered: None) -> None:
    assert "'otto grauwacke'" in (find(chat("Tell me.", bury("OTTO  Grauwacke"))) or "")
    assert "'hollmer sound'" in (find(chat("Tell me.", bury("Hollmer & Sound"))) or "")
    assert find(chat("Tell me.", bury("Otto and Grauwacke"))) is None


def test_runs_do_not_go_across_messages(registered: None) -> None:
    words = QUESTION.split()
    second = " ".join([*words[9:], "That is what I ask."])
    assert find(chat(" ".join([*words[:9], "there"]), second)) is None


@pytest.mark.parametrize("suite", ["english skins", "office tasks", "sprig episodes", "judging set"])
def test_every_item_of_every_suite_is_found(suite: str) -> None:
    """Of each item its longest text, never shown: only whether it was found, and as whose."""
    rng = random.Random(4)
    known = next(each for each in load_suites() if each.name == suite)
    for item in rng.sample(known.items, min(20, len(known.items))):
        words = split_words(max(item.texts, key=len))
        if len(words) >= 13:
            at = rng.randrange(len(words) - 12)
            reason = find(document(bury(" ".join(words[at : at + 13]))))
            assert reason is not None and "shares 13 words" in reason, (suite, item.id)


def test_the_grammar_may_share_words_with_its_own_episodes() -> None:
    known = next(each for each in load_suites() if each.name == "sprig episodes")
    text = max(known.items[0].texts, key=len)
    assert find(document(text))
    assert find(document(text).model_copy(update={"teacher": "sprig"})) is None


def test_a_reason_quotes_no_suite() -> None:
    known = next(each for each in load_suites() if each.name == "judging set")
    text = max(known.items[0].texts, key=len)
    reason = find(document(text)) or ""
    assert not set(split_words(reason)) >= set(split_words(text)[:13])


def test_the_published_conditions_give_texts_and_names() -> None:
    suite = Suite("published", tuple(upstream_items(stand_in())))
    index = Contamination([suite])
    assert "'ruth hale'" in (index.find(RowText(document(bury("I asked Ruth Hale.")))) or "")
    leak = "The seal of the pump is turned from two rings of graphite that lie"
    assert "shares 13 words" in (index.find(RowText(document(bury(leak)))) or "")


def test_rows_of_a_skin_are_refused_by_the_gate_of_this_name() -> None:
    gates = Gates(GateConfig(), load_constitution())
    skin = load_skins(next(iter(FAMILIES)))[0]
    person = next(person.name for key, person in skin.people.items() if key != "agent")
    for words in (skin.firm, person):
        assert (gates.refuse(document(bury(words))) or "").startswith("decontamination: ")


def test_clean_rows_and_the_constitution_pass() -> None:
    assert [row.id for row in make_rows(300) if find(row)] == []
    for dialect in ("english", "sprig"):
        for section in load_constitution("default", dialect).sections:
            assert find(document(section.text)) is None


def test_empty_suites_find_nothing() -> None:
    assert Contamination([]).find(RowText(document("A text."))) is None
    assert Contamination([Suite("none", (Item("a", ("",)),))]).find(RowText(document("A text."))) is None
