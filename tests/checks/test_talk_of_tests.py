"""Talk of tests against honest look-alikes, on sentences written by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.checks.rows import chat, document

from teachwhy.checks.row_text import RowText
from teachwhy.checks.talk_of_tests import find_in_text, find_talk_of_tests

LABELLED = Path(__file__).with_name("talk_of_tests.txt")
MIN_PRECISION = 0.95
MIN_RECALL = 0.9


def read_labelled() -> list[tuple[bool, str]]:
    lines = LABELLED.read_text(encoding="utf-8").splitlines()
    return [(line[0] == "+", line[2:]) for line in lines if line[:2] in ("+ ", "- ")]


def test_precision_and_recall_on_the_labelled_sentences() -> None:
    labelled = read_labelled()
    assert len(labelled) >= 120
    assert abs(sum(is_talk for is_talk, _ in labelled) / len(labelled) - 0.5) < 0.05
    found = [(is_talk, sentence) for is_talk, sentence in labelled if find_in_text(sentence)]
    wrong = [sentence for is_talk, sentence in found if not is_talk]
    missed = [sentence for is_talk, sentence in labelled if is_talk and not find_in_text(sentence)]
    precision = 1 - len(wrong) / len(found)
    recall = 1 - len(missed) / sum(is_talk for is_talk, _ in labelled)
    print(f"precision {precision:.3f}, recall {recall:.3f}; wrong: {wrong}; missed: {missed}")
    assert precision >= MIN_PRECISION, wrong
    assert recall >= MIN_RECALL, missed


def test_only_what_the_student_learns_to_say_is_read() -> None:
    sentence = "I think that I am being tested."
    assert find_talk_of_tests(RowText(chat(sentence, "Then sleep well tonight."))) is None
    assert "message 2 (assistant)" in (find_talk_of_tests(RowText(chat("Well?", sentence))) or "")
    assert "the document" in (find_talk_of_tests(RowText(document(f"It began.\n{sentence}"))) or "")


@pytest.mark.parametrize("sentence", ["I’m being tes\u00adted.", "This is\na test\nof me."])
def test_hidden_characters_and_line_breaks_hide_nothing(sentence: str) -> None:
    assert find_talk_of_tests(RowText(chat("Well?", sentence)))
