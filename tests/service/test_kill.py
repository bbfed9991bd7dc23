"""`kill -9` at drawn moments: the answers of an undisturbed run, nothing in the ledger paid twice."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.service.kill_run import CONNECTIONS, find_children, is_alive, run_with_kills

START = """
import asyncio, time
from teachwhy.service.transport import ProcessTransport

async def run():
    async with ProcessTransport(1):
        print("started", flush=True)
        time.sleep(600)

asyncio.run(run())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks for orphans in /proc")
def test_killed_runs_end_with_the_answers_of_an_undisturbed_one(tmp_path: Path) -> None:
    figures = run_with_kills(tmp_path, num_calls=200, num_kills=3, seed=5, processes=0)
    assert figures.num_kills == 3 and figures.num_budget_stops >= 1
    assert figures.num_kept_paid_twice == 0 and figures.num_paid_twice <= 3 * CONNECTIONS


@pytest.mark.skipif(sys.platform != "linux", reason="looks for orphans in /proc")
def test_processes_that_send_die_with_the_one_that_started_them() -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", START], stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None and process.stdout.readline() == b"started\n"
    (child,) = find_children(process.pid)
    assert is_alive(child)
    process.kill()
    process.communicate()
    end = time.monotonic() + 20
    while is_alive(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not is_alive(child)
