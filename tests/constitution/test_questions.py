"""The shipped sets of questions, and what is refused of others."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from teachwhy.constitution import load_constitution
from teachwhy.constitution.questions import (
    KINDS,
    Question,
    judge_by_rule,
    load_questions,
    question_texts,
    read_questions,
)
from teachwhy.constitution.questions import read as reading
from teachwhy.constitution.questions.read import check_sections, parse_shipped
from teachwhy.errors import DataError
from teachwhy.scenarios.english.overlap import find_overlap, split_words
from teachwhy.scenarios.guard import CANARY

FOLDER = Path(reading.__file__).parent
DIALECTS = ("english", "sprig")


def test_the_shipped_sets_are_as_large_as_they_should_be() -> None:
    counts = Counter(question.kind for question in load_questions().questions)
    assert counts["recall"] >= 60 and counts["false_premise"] >= 60 and counts["open"] >= 40
    small = Counter(question.kind for question in load_questions(dialect="sprig").questions)
    assert small["recall"] == 28 and small["false_premise"] == small["open"] == 14


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_section_is_asked_about_in_every_kind(dialect: str) -> None:
    questions = load_questions("default", dialect).questions
    constitution = load_constitution("default", dialect)
    check_sections(questions, constitution)
    for kind in KINDS:
        assert {question.section for question in questions if question.kind == kind} == set(
            constitution.section_ids
        )
    texts = [wording.text for question in questions for wording in question.wordings("Orla")]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_canary_stands_in_the_file(dialect: str) -> None:
    lines = (FOLDER / f"{dialect}.toml").read_text(encoding="utf-8").splitlines()
    assert CANARY in lines[0] and f'canary = "{CANARY}"' in lines


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_rule_takes_the_key_and_no_echo_of_the_question(dialect: str) -> None:
    ruled = [question for question in load_questions("default", dialect).questions if question.has_rule]
    assert len(ruled) >= 56
    for question in ruled:
        assert judge_by_rule(question, question.key) == "right", question.id
        for wording in question.wordings("Sprig"):
            assert judge_by_rule(question, wording.text, wording.text) == "missing", question.id
        for option, verdict in zip(question.options, ("right", "wrong"), strict=False):
            assert judge_by_rule(question, f"I say {option}.") == verdict, (question.id, option)
        assert judge_by_rule(question, "A brewer uses a lamp.") == "missing"


def test_a_rule_knows_a_plain_negation_and_hidden_letters() -> None:
    question = Question(
        id="a",
        kind="recall",
        section="s",
        ask="?",
        key="k",
        must=("tell|say so", "before"),
        never=("hide it",),
    )
    for text, verdict in {
        "I tell it be\u00adfore you ask.": "right",
        "SAY  SO\nbefore.": "right",
        "I do not hide it, I tell it before.": "right",
        "I'd never hide it.": "missing",
        "I tell it.": "missing",
        "I hide it.": "wrong",
        "I tell it before, and then I hide it.": "missing",
        "foretell beforehand": "missing",
        "": "missing",
    }.items():
        assert judge_by_rule(question, text) == verdict, text


def test_the_texts_for_the_guard_are_all_wordings() -> None:
    texts = list(question_texts())
    assert len(texts) == 61 + 60 + 80 + 56 + 14 + 28
    assert not any("{" in text for text in texts) and not any(find_overlap(split_words(t)) for t in texts)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("canary = ''", "field canary is missing"),
        ("canary = 'c'\n[[recal]]\nx = 1", "unknown field 'recal'; allowed: recall"),
        ("canary = 'c'\n[[recall]]\nsection = 's'\nask = 'a'", r"\[\[recall\]\] number 1: key"),
        ("canary = 'c'", "there is no question"),
        ("canary = ", "no valid TOML"),
        ("canary = 'c'\n[[open]]\nsection = 's'\nask = 'a'\nkey = 'k'", "second form, ask_named"),
        ("canary = 'c'\n[[recall]]\nsection = 's'\nask = 'a {x}'\nkey = 'k'", "must hold"),
        ("canary = 'c'\n[[recall]]\nsection = 's'\nask = 'a'\nkey = 'k'\noptions = ['b', 'c']", "must hold"),
    ],
)
def test_what_is_wrong_in_a_set_is_told(text: str, told: str) -> None:
    with pytest.raises(DataError, match=told):
        parse_shipped(text, "x.toml")


HEADER = '{"canary": "c", "constitution": "x"}\n'
ROW = '{"id": "a", "kind": "recall", "section": "s", "ask": "q", "key": "k"}\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "are empty"),
        (ROW, r"line 1: canary.*the first line names canary"),
        (HEADER, "there is no question"),
        (HEADER + "{", "line 2: not valid JSON"),
        (HEADER + "[" * 100_000, "line 2: not valid JSON"),
        (HEADER + "[]", "line 2: no object"),
        (HEADER + ROW + ROW, "'a' stands there twice"),
        (HEADER + ROW.replace("recall", "riddle"), "line 2: kind"),
    ],
)
def test_what_is_wrong_in_a_file_is_told(text: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=told):
        read_questions(path)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        load_questions(tmp_path / "absent.jsonl")
    (tmp_path / "x.jsonl").write_bytes(b"\xff")
    with pytest.raises(DataError, match="not UTF-8"):
        load_questions(tmp_path / "x.jsonl")
    with pytest.raises(DataError, match="allowed: english, sprig"):
        load_questions("default", "latin")
