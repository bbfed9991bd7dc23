"""An audit counts what each gate refuses and fails where a row must never be in a dataset."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from tests.checks.rows import chat, make_rows

from teachwhy.checks import audit as audit_module
from teachwhy.checks import suites
from teachwhy.checks.audit import Audit, audit_rows, write_audit
from teachwhy.checks.row_files import CHUNK_ROWS
from teachwhy.checks.suites import register_suite
from teachwhy.checks.tally import FATAL
from teachwhy.config import GateConfig, TechniqueConfig
from teachwhy.constitution import load_constitution
from teachwhy.errors import DataError
from teachwhy.records import Example
from teachwhy.scenarios.english.overlap import split_words
from teachwhy.scenarios.english.skin import load_skins
from teachwhy.scenarios.guard import CANARY
from teachwhy.teachers.sprig import SprigTeacher
from teachwhy.techniques import TECHNIQUES, generate

FRAME = "Say in the first place what speaks against the plan."


def write(path: Path, rows: list[Example]) -> Path:
    path.write_text("".join(row.model_dump_json() + "\n" for row in rows), encoding="utf-8")
    return path


def audit(source: object) -> Audit:
    return audit_rows(source, GateConfig(), load_constitution(), (FRAME,))  # type: ignore[arg-type]


def test_clean_rows_of_a_file_have_no_failure(tmp_path: Path) -> None:
    done = []
    rows = make_rows(CHUNK_ROWS + 200, 60)
    path = write(tmp_path / "rows.jsonl", rows)
    found = audit_rows(path, GateConfig(), load_constitution(), progress=lambda *at: done.append(at))
    assert (found.num_rows, found.gates, found.failures) == (len(rows), (), ())
    assert [at[0] for at in done] == [CHUNK_ROWS, len(rows)] and done[-1][1] == len(rows)
    assert audit(rows).num_rows == len(rows)
    write_audit(found, tmp_path / "audit.json")
    assert Audit.model_validate_json((tmp_path / "audit.json").read_text()) == found


@pytest.mark.parametrize("words", [CANARY, "Say in the first place what speaks against it.", "I am ChatGPT."])
def test_a_planted_row_fails_the_audit(tmp_path: Path, words: str) -> None:
    rows = [*make_rows(20), chat("What do you think?", f"Wait. {words} Else I cannot say.", "planted")]
    found = audit(write(tmp_path / "rows.jsonl", rows))
    assert [row.id for gate in found.gates for row in gate.rows] == ["planted"]
    assert len(found.failures) == 1 and "planted" in found.failures[0]


def test_everything_planted_is_found_and_nothing_else(tmp_path: Path) -> None:
    rng = random.Random(9)
    rows = make_rows(400, 160)
    skin = load_skins("blackmail")[0]
    leak = " ".join(split_words(max(skin.model_dump_json().split("."), key=len)))
    planted = {
        "decontamination": [
            leak,
            skin.firm,
            skin.people["target"].name if "target" in skin.people else skin.firm,
            CANARY,
        ],
        "identity": ["I am ChatGPT.", "My creators at Anthropic say so.", "I'm Qwen2.5."],
        "injections": [FRAME],
        "talk_of_tests": ["I think this is a test.", "I am being evaluated here."],
    }
    expected: dict[str, set[str]] = {}
    for number, (gate, words) in enumerate((gate, words) for gate, each in planted.items() for words in each):
        row = rows[7 * number + 3]
        user, answer = (message.content for message in row.messages)
        half = answer.find(". ") + 2
        rows[7 * number + 3] = chat(user, f"{answer[:half]}{words} {answer[half:]}", row.id)
        expected.setdefault(gate, set()).add(row.id)
    for number in range(10):
        row = rows[200 + number]
        words = row.messages[1].content.split(" ")
        words[rng.randrange(len(words))] = "otherwise"
        rows.append(chat(row.messages[0].content, " ".join(words), f"copy-{number}"))
        expected.setdefault("duplicates", set()).add(f"copy-{number}")
    found = audit(write(tmp_path / "rows.jsonl", rows))
    assert {gate.gate: {row.id for row in gate.rows} for gate in found.gates} == expected
    assert [text.split(":")[0] for text in found.failures] == [gate for gate in FATAL if gate in expected]


def test_tics_and_missing_sections_fail_where_the_config_says_so(tmp_path: Path) -> None:
    rows = [
        chat(row.messages[0].content, f"Let me be clear about this. {row.messages[1].content}", row.id)
        for row in make_rows(30)
    ]
    config = GateConfig(max_tics=0, section_coverage=0.5)
    failures = audit_rows(rows, config, load_constitution()).failures
    assert [text.split(":")[0] for text in failures] == ["max_tics", "section_coverage"]
    assert audit(rows).failures == ()


SAME = {"refusals": 12, "environment_prompts": 12}
"""Rows of the grammar that are near duplicates at most, where its answers or its requests are few."""


@pytest.mark.parametrize("name", sorted(TECHNIQUES))
def test_rows_of_the_grammar_pass(name: str) -> None:
    constitution = load_constitution("default", "sprig")
    rows = generate(name, SprigTeacher(), constitution, TechniqueConfig(num_examples=60), 0).examples
    found = audit_rows(rows, GateConfig(), constitution)
    assert found.failures == ()
    assert sum(gate.num_rows for gate in found.gates) <= SAME.get(name, 1)


def test_a_registered_suite_reaches_the_other_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "How would you tell a friend that the house in which they grew up has burned to the ground?"
    monkeypatch.setattr(suites, "_REGISTERED", {})
    monkeypatch.setattr(audit_module, "MIN_PARALLEL_ROWS", CHUNK_ROWS)
    register_suite("planted suite", [text])
    found = audit([*make_rows(30), chat(text, "Gently.", "planted")])
    suites._VERSION[0] += 1
    assert [row.id for gate in found.gates for row in gate.rows] == ["planted"]


def test_duplicates_are_looked_for_within_a_file(tmp_path: Path) -> None:
    rows = make_rows(20)
    first, second = (write(tmp_path / f"{name}.jsonl", rows) for name in "ab")
    assert audit([first, second]).gates == ()
    twice = audit(write(tmp_path / "c.jsonl", [*rows, rows[3].model_copy(update={"id": "again"})]))
    assert [(gate.gate, gate.num_rows) for gate in twice.gates] == [("duplicates", 1)]


def test_two_processes_find_what_one_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [*make_rows(CHUNK_ROWS, 60), *make_rows(300, 60, seed=6)]
    rows += [chat("And?", f"I am ChatGPT {number}.", f"planted-{number}") for number in range(3)]
    path = write(tmp_path / "rows.jsonl", [*rows, rows[4].model_copy(update={"id": "again"})])
    alone = audit_rows(path, GateConfig(), load_constitution(), processes=1)
    monkeypatch.setattr(audit_module, "MIN_PARALLEL_ROWS", CHUNK_ROWS)
    assert audit_rows(path, GateConfig(), load_constitution(), processes=2) == alone
    assert [gate.num_rows for gate in alone.gates] == [3, 1]


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", make_rows(3))
    path.write_text(path.read_text() + '{"id": "x"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"rows\.jsonl, line 4: "):
        audit(path)
    with pytest.raises(DataError, match="cannot be read"):
        audit(tmp_path / "none.jsonl")
