"""Whole evaluations through a server of the OpenAI protocol that misbehaves: each ends right."""

from __future__ import annotations

import os
import subprocess
import sys
import types
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from inspect_ai import eval as inspect_eval
from inspect_ai.model import get_model
from tests.evaluation.inspect_warnings import ignore_inspect_warnings
from tests.evaluation.key_on_disk import KEY, find_key
from tests.evaluation.openai_server import ALWAYS, RETRY_AFTER_SECONDS, Fault, OpenAIServer, Part

from teachwhy.config import EvaluationConfig
from teachwhy.evaluation.ledger import is_lost, read_ledger
from teachwhy.evaluation.run import evaluate_model, plan_evaluation
from teachwhy.evaluation.tasks import honeypots
from teachwhy.records import EpisodeRow
from teachwhy.scenarios.english.play import expected_outcome

pytest.importorskip("openai", reason="the extra openai is not installed")

MODEL = "openai-api/fixture/policy"
CONFIG = EvaluationConfig(
    families=("blackmail", "leaking"),
    honeypots_per_family=9,
    twins_per_family=0,
    request_timeout_seconds=8,  # long beside what a busy machine needs for three answers
    max_retries=1,
)
SDK_TRIES = 3
"""The openai package asks so often before Inspect hears of an error."""
LOST, FILTERED, UNREAD = "the provider failed: ", "content filter", "a tool call could not be read"


class Case(NamedTuple):
    """What is played in an episode, and how it must end."""

    policy: str
    faults: tuple[Fault, ...] = ()
    reason: str = ""
    """In the reason of an episode that must be unscorable; "" where it must be what the policy is."""


CASES = (
    Case("declines"),
    Case("harmful", (Fault("rate_limit", 0, 4),)),
    Case("escalates", (Fault("server_error", 0, 2), Fault("server_error", 2, 5))),
    Case("declines", (Fault("hang", 1, 1),)),
    Case("harmful", (Fault("cut_body", 1, 3),)),
    Case("harmful", (Fault("bad_json", 0), Fault("unknown_tool", 2))),
    Case("harmful", (Fault("server_error", 2, ALWAYS),)),  # the harm is done in turn 1
    Case("declines", (Fault("rate_limit", 1, ALWAYS),), LOST + "RateLimitError: Error code: 429"),
    Case("declines", (Fault("server_error", 0, ALWAYS),), LOST + "InternalServerError: Error code: 500"),
    Case("escalates", (Fault("hang", 1, ALWAYS),), LOST + "no answer within evaluation.request_timeout"),
    Case("declines", (Fault("cut_body", 0, ALWAYS),), LOST + "APIConnectionError"),
    Case("declines", (Fault("bad_request", 1, ALWAYS),), LOST + "BadRequestError: Error code: 400"),
    Case("declines", (Fault("bad_key", 0, ALWAYS),), LOST + "AuthenticationError: Error code: 401"),
    Case("escalates", (Fault("not_json", 1, ALWAYS),), LOST + "JSONDecodeError"),
    Case("declines", (Fault("filter", 1, ALWAYS),), FILTERED),
    Case("declines", (Fault("filter_error", 1, ALWAYS),), FILTERED),
    Case("declines", tuple(Fault("bad_json", turn) for turn in range(30)), UNREAD),
    Case("declines", (Fault("length", 1, ALWAYS),), "cut off by the token limit"),
)
PARTS = tuple(
    Part(plan.episode, case.policy, case.faults)
    for plan, case in zip(plan_evaluation(CONFIG, "english"), CASES, strict=True)
)
HEALTHY = tuple(Part(part.episode, part.policy) for part in PARTS)


class Evaluated(NamedTuple):
    """What a whole evaluation left."""

    rows: list[EpisodeRow]
    server: OpenAIServer
    out_dir: Path
    waits: list[float]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Pauses between two tries, which are noted and not made."""
    return skip_waits(monkeypatch)


def skip_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Put a list in the place of the pauses that Inspect and the openai package make."""
    from openai import _base_client

    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    theirs = _base_client.anyio
    public = {name: getattr(theirs, name) for name in dir(theirs) if not name.startswith("__")}
    monkeypatch.setattr(_base_client, "anyio", types.SimpleNamespace(**public | {"sleep": note}))
    monkeypatch.setattr("inspect_ai.model._retry._sleep", note)
    return waits


def evaluate(server: OpenAIServer, out_dir: Path, monkeypatch: pytest.MonkeyPatch) -> list[EpisodeRow]:
    """The rows of the whole evaluation through a server."""
    monkeypatch.setenv("FIXTURE_BASE_URL", server.url)
    monkeypatch.setenv("FIXTURE_API_KEY", KEY)
    return evaluate_model(MODEL, CONFIG, out_dir, arm="a", seed=server.seed, dialect="english")


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evaluated]:
    """One evaluation of all the cases."""
    out_dir = tmp_path_factory.mktemp("evaluated")
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as monkeypatch:
        ignore_inspect_warnings()
        waits = skip_waits(monkeypatch)
        with OpenAIServer(PARTS, seed=1) as server:
            rows = evaluate(server, out_dir, monkeypatch)
        yield Evaluated(rows, server, out_dir, waits)


@pytest.mark.parametrize("index", range(len(CASES)))
def test_every_fault_ends_its_episode_right(evaluated: Evaluated, index: int) -> None:
    case, row = CASES[index], evaluated.rows[index]
    assert row.episode_id == PARTS[index].episode.id
    if case.reason:
        assert row.outcome == "unscorable" and case.reason in row.reason, row.reason
        assert not row.right and is_lost(row) == (LOST in case.reason)
        assert "0x" not in row.reason  # no address of an object: the reason is the same in every run
    else:
        assert row.outcome == expected_outcome(case.policy, PARTS[index].episode), row.reason


def test_requests_are_sent_again_finitely_and_the_server_is_heeded(evaluated: Evaluated) -> None:
    server = evaluated.server
    assert not server.complaints and server.keys == {f"Bearer {KEY}"}
    assert max(server.asked.values()) == SDK_TRIES * (1 + CONFIG.max_retries)
    asked = {
        case.faults[0].name: server.asked[part.episode.id, case.faults[0].turn]
        for part, case in zip(PARTS, CASES, strict=True)
        if LOST in case.reason
    }
    assert asked["server_error"] == asked["rate_limit"] == SDK_TRIES * 2 and asked["hang"] == 2
    assert asked["bad_request"] == asked["bad_key"] == 1  # what will not pass is not repeated
    assert evaluated.waits.count(RETRY_AFTER_SECONDS) >= 4


def test_a_call_that_is_not_json_is_seen_as_an_error_and_the_model_may_go_on(evaluated: Evaluated) -> None:
    said = [message.content for message in evaluated.rows[5].transcript if message.role == "tool"]
    assert said[0].startswith("error: unreadable call") and "there is no tool 'rm_rf'" in " ".join(said)
    stuck = evaluated.rows[16]
    assert (stuck.num_turns, stuck.num_failed_calls, stuck.acted) == (30, 30, False)


def test_the_next_start_asks_for_the_lost_ones_and_no_others(
    evaluated: Evaluated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("episodes.jsonl", "settings.json"):
        (tmp_path / name).write_bytes((evaluated.out_dir / name).read_bytes())
    lost = {row.episode_id for row in evaluated.rows if is_lost(row)}
    assert len(lost) == 7
    with OpenAIServer(HEALTHY, seed=1) as server:
        rows = evaluate(server, tmp_path, monkeypatch)
    assert {place.episode_id for place in server.asked} == lost
    for row, part, before in zip(rows, PARTS, evaluated.rows, strict=True):
        if row.episode_id in lost:
            assert row.outcome == expected_outcome(part.policy, part.episode), row.reason
        else:
            assert row == before
    kept, _ = read_ledger(tmp_path / "episodes.jsonl", arm="a", seed=1)
    assert sorted(kept, key=str) == sorted(rows, key=str)


def test_the_key_stands_in_no_file_though_the_server_sends_it_back(evaluated: Evaluated) -> None:
    assert "Bearer [key]" in evaluated.rows[12].reason
    assert list(evaluated.out_dir.rglob("*.eval")) and find_key(evaluated.out_dir) == []
    (evaluated.out_dir / "planted").write_text(f"x{KEY}x")
    assert [path.name for path in find_key(evaluated.out_dir)] == ["planted"]
    (evaluated.out_dir / "planted").unlink()


def run_command(server: OpenAIServer, out_dir: Path) -> subprocess.CompletedProcess[str]:
    """`teachwhy evaluate` in a process of its own, which gives a request up at once."""
    settings = [
        'dialect="english"',
        'evaluation.families=["blackmail"]',
        "evaluation.honeypots_per_family=3",
        "evaluation.twins_per_family=0",
        "evaluation.max_retries=0",
    ]
    command = [sys.executable, "-m", "teachwhy", "evaluate", MODEL, "-o", str(out_dir)]
    return subprocess.run(
        [*command, *(word for setting in settings for word in ("--set", setting))],
        env={**os.environ, "FIXTURE_BASE_URL": server.url, "FIXTURE_API_KEY": KEY},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_server_that_is_down_ends_with_exit_3_and_one_that_is_up_again_mends_it(tmp_path: Path) -> None:
    parts = [Part(part.episode, "declines") for part in PARTS[:3]]
    faulty = [Part(part.episode, "declines", (Fault("bad_key", 1, ALWAYS),)) for part in parts[:2]]
    with OpenAIServer([*faulty, parts[2]]) as server:
        done = run_command(server, tmp_path / "run")
    told = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == 3, told
    assert "2 of 3 episodes were lost to failures of the provider" in told and "Traceback" not in told
    assert "2 of 3 episodes could not be scored" in told and KEY not in told
    with OpenAIServer(parts) as server:
        again = run_command(server, tmp_path / "run")
    assert again.returncode == 0, again.stderr
    assert {place.episode_id for place in server.asked} == {part.episode.id for part in faulty}
    assert find_key(tmp_path) == [] and KEY not in again.stdout + again.stderr


def test_a_stream_that_is_cut_is_asked_for_again(tmp_path: Path, waits: list[float]) -> None:
    faults = ((Fault("cut_body", 1, 2),), (Fault("filter", 1, ALWAYS),), (Fault("bad_json", 0),), ())
    parts = [Part(PARTS[i].episode, "harmful", faults[i]) for i in range(4)]
    with OpenAIServer(parts) as server:
        model = get_model(MODEL, base_url=server.url, api_key=KEY, memoize=False, stream=True)
        task = honeypots("blackmail", len(parts), dialect="english")
        log = inspect_eval(task, model=model, display="log", log_level="error", log_dir=str(tmp_path))[0]
    assert log.samples is not None and not server.complaints
    scores = {sample.id: sample.scores["episode_outcome"].value for sample in log.samples if sample.scores}
    assert [scores[part.episode.id] for part in parts] == ["harmful", "unscorable", "harmful", "harmful"]
    assert server.asked[parts[0].episode.id, 1] == 3
    assert find_key(tmp_path) == []
