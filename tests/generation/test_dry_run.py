"""`teachwhy generate --dry-run`: a table by stage, by guesses or by a pilot; nothing is written."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.generation.test_whole_path import WRITER, settle
from tests.service.http_model import ModelServer
from tests.teachers.language import http_teacher
from typer.testing import CliRunner

from teachwhy.cli import app
from teachwhy.errors import ConfigError
from teachwhy.generation import Watcher, make_datasets
from teachwhy.generation_plan import describe_estimate, estimate_generation

CONFIG = f"""
name = "dry"
teacher = "{WRITER}"
dialect = "english"
[generation]
judge = "openai-api/local/judge"
[techniques.advice]
num_examples = 90
"""


def test_a_dry_run_prints_a_table_and_touches_nothing(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(CONFIG)
    output = tmp_path / "out"
    arguments = ["generate", "advice", "--config", str(tmp_path / "c.toml"), "-o", str(output), "--dry-run"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "rewrite_answer" in result.output and "guessed" in result.output and "unknown" in result.output
    assert not output.exists()


def test_the_grammar_costs_nothing(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["generate", "advice", "-o", str(tmp_path / "out"), "--dry-run"])
    assert result.exit_code == 0 and "no cost" in result.output
    assert not (tmp_path / "out").exists()


def test_a_pilot_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = settle()
    monkeypatch.setenv("LOCAL_API_KEY", "none")
    with ModelServer(http_teacher.write) as server:
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        make_datasets(config, ("craft_deliberation",), tmp_path, Watcher())
    guessed = estimate_generation(config, ("craft_deliberation",), tmp_path / "none.sqlite")
    rows = estimate_generation(config, ("craft_deliberation",), tmp_path / "ledger.sqlite")
    assert all(row.basis == "guessed" and row.dollars for row in guessed)
    assert all(row.basis.startswith("measured from") for row in rows)
    assert [row.stage for row in rows] == [row.stage for row in guessed]
    assert "calls" in describe_estimate(rows) and "$" in describe_estimate(rows)


def test_a_paid_teacher_makes_no_number_of_rows_that_nobody_named(tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text(CONFIG)
    arguments = ["generate", "benign", "--config", str(tmp_path / "c.toml"), "--dry-run"]
    refused = CliRunner().invoke(app, arguments)
    assert isinstance(refused.exception, ConfigError) and "techniques.benign.num_examples" in str(
        refused.exception
    )
    named = CliRunner().invoke(app, [*arguments, "--set", "techniques.benign.num_examples=20"])
    assert named.exit_code == 0, named.output
