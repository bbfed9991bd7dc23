"""`kill -9` at drawn moments: the answers of an undisturbed run, nothing in the ledger paid twice."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.service.kill_run import CONNECTIONS, run_with_kills


@pytest.mark.skipif(sys.platform != "linux", reason="looks for orphans in /proc")
def test_killed_runs_end_with_the_answers_of_an_undisturbed_one(tmp_path: Path) -> None:
    figures = run_with_kills(tmp_path, num_calls=200, num_kills=3, seed=5)
    assert figures.num_kills == 3 and figures.num_budget_stops >= 1
    assert figures.num_kept_paid_twice == 0 and figures.num_paid_twice <= 3 * CONNECTIONS
