"""What is told of the rows under way where there is no terminal."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from teachwhy import generation_display
from teachwhy.generation_display import GenerationDisplay
from teachwhy.service.ledger import CallLedger


@pytest.mark.parametrize(("seconds", "num_lines"), [(0.0, 2), (3600.0, 0)])
def test_a_log_gets_a_line_now_and_then(
    seconds: float, num_lines: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation_display, "SECONDS_BETWEEN_LINES", seconds)
    console = Console(file=io.StringIO(), width=200)
    with (
        CallLedger(tmp_path / "ledger.sqlite") as ledger,
        GenerationDisplay(console, Path("data")) as display,
    ):
        progress = display.begin("advice", ledger)
        progress(1, 0, 2000)
        progress(2, 1, 2000)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert len(lines) == num_lines
    assert not lines or lines[-1] == "data/advice: 2 of 2,000 rows, 1 refused"
