"""What the evaluations ask about the constitution is in no row; the constitution itself may be."""

from __future__ import annotations

import pytest
from tests.checks.rows import chat, document

from teachwhy.checks.decontamination import find_contamination
from teachwhy.checks.row_text import RowText
from teachwhy.constitution import load_constitution
from teachwhy.constitution.questions import question_texts
from teachwhy.scenarios.english.overlap import split_words


def test_questions_are_refused_and_the_constitution_is_not() -> None:
    texts = list(question_texts())
    long = [text for text in texts if len(split_words(text)) >= 13]
    assert len(long) > 150
    for text in long[::10]:
        reason = find_contamination(RowText(chat(f"Tell me: {text}", "Yes, gladly.")))
        assert reason and "constitution questions" in reason, text


@pytest.mark.parametrize("dialect", ["english", "sprig"])
def test_the_constitution_may_be_quoted(dialect: str) -> None:
    for section in load_constitution("default", dialect).sections:
        assert find_contamination(RowText(document(section.text))) is None, section.id
