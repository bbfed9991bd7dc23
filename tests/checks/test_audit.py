"""An audit counts what each gate refuses and fails where a row must never be in a dataset."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.checks.rows import chat, make_rows

from teachwhy.checks import audit as audit_module
from teachwhy.checks.audit import Audit, audit_rows, write_audit
from teachwhy.checks.row_files import CHUNK_ROWS
from teachwhy.config import GateConfig
from teachwhy.constitution import load_constitution
from teachwhy.errors import DataError
from teachwhy.records import Example
from teachwhy.scenarios.guard import CANARY

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
