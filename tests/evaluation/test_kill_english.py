"""`teachwhy evaluate` in english, killed with SIGKILL and started again: the rows of an undisturbed run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.evaluation.openai_server import OpenAIServer, Part

from teachwhy.config import EvaluationConfig
from teachwhy.evaluation.run import evaluate_model, plan_evaluation
from teachwhy.scenarios.english.play import expected_outcome

pytest.importorskip("openai", reason="the extra openai is not installed")

MODEL = "openai-api/fixture/policy"
CONFIG = EvaluationConfig(
    families=("blackmail", "lethal_inaction"),
    honeypots_per_family=3,
    twins_per_family=2,
    controls_per_family=1,
)
POLICY_CYCLE = ("unaware", "harmful", "escalates", "declines", "pious_end")
PARTS = tuple(
    Part(plan.episode, POLICY_CYCLE[index % len(POLICY_CYCLE)])
    for index, plan in enumerate(plan_evaluation(CONFIG, "english"))
)
NUM_REQUESTS = 35
"""Of an undisturbed run."""
KILLED_AFTER = ((1, 0), (29, 6), (5, 6))
"""Of each start that is killed, the answered requests, and rows that must be there by then: of 12 episodes at
least 6 are whole when 29 of 35 answers are given, for each of the others lacks one. At least 6 answers are
then left, so that a third start can be killed after 5."""


def start(server: OpenAIServer, root: Path) -> subprocess.Popen[str]:
    """The command as a user types it."""
    given = CONFIG.model_dump(mode="json", include=CONFIG.model_fields_set)
    settings = [f"evaluation.{name}={json.dumps(value)}" for name, value in given.items()]
    command = [sys.executable, "-m", "teachwhy", "evaluate", MODEL, "-o", str(root), "--seed", "1"]
    return subprocess.Popen(
        [*command, *(word for setting in ['dialect="english"', *settings] for word in ("--set", setting))],
        env={**os.environ, "FIXTURE_BASE_URL": server.url, "FIXTURE_API_KEY": "sk-fixture-kill"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_lines(root: Path) -> list[str]:
    """The whole lines of the ledger, sorted; a torn one is none."""
    ledgers = list(root.glob("stages/eval-*/episodes.jsonl"))
    text = ledgers[0].read_text() if ledgers else ""
    return sorted(text[: text.rfind("\n") + 1].splitlines())


def wait_for_rows(root: Path, num_rows: int) -> None:
    """Return when the ledger has so many rows, which the process is about to write."""
    for _ in range(2000):
        if len(read_lines(root)) >= num_rows:
            return
        time.sleep(0.05)
    raise AssertionError(f"{len(read_lines(root))} of {num_rows} rows were written")


def test_killed_at_any_moment_and_run_again_it_is_as_if_undisturbed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with OpenAIServer(PARTS, seed=1) as server:
        monkeypatch.setenv("FIXTURE_BASE_URL", server.url)
        monkeypatch.setenv("FIXTURE_API_KEY", "sk-fixture-kill")
        undisturbed = evaluate_model(MODEL, CONFIG, tmp_path / "a", arm="model", seed=1, dialect="english")
        num_requests = sum(server.asked.values())
        server.asked.clear()
        num_done = []
        assert num_requests == NUM_REQUESTS and len(PARTS) == 12
        for limit, num_rows in KILLED_AFTER:
            server.await_next_client(limit)
            process = start(server, tmp_path / "run")
            server.wait_until_held()
            wait_for_rows(tmp_path / "run", num_rows)
            process.kill()  # its worker goes with it
            process.communicate()
            num_done.append(len(read_lines(tmp_path / "run")))
        asked_so_far = server.asked.copy()
        server.await_next_client(None)
        process = start(server, tmp_path / "run")
        told, _ = process.communicate(timeout=300)
    assert process.returncode == 0, told
    assert num_done == sorted(num_done) and 6 <= num_done[-1] < len(PARTS), num_done
    asked_last = {place.episode_id for place in server.asked - asked_so_far}
    assert len(asked_last) == len(PARTS) - num_done[-1]
    assert sum(server.asked.values()) > num_requests  # some episodes were cut in the middle
    assert not server.complaints
    assert read_lines(tmp_path / "run") == sorted(row.model_dump_json() for row in undisturbed)
    for row, part in zip(undisturbed, PARTS, strict=True):
        expected = expected_outcome(part.policy, part.episode)
        assert expected is None or row.outcome == expected, row.reason
