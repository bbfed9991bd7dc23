"""Batches that outlive the process: what is in flight is collected and never sent again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.service.batch_model import BatchFate, BatchServer, Fate, find_words
from tests.service.http_model import Written

from teachwhy.config import GenerationConfig, PriceConfig
from teachwhy.errors import ConfigError, TeacherError
from teachwhy.records import Message
from teachwhy.service.batching import BatchPace, BatchTransport
from teachwhy.service.calls import Call, Reply
from teachwhy.service.ledger import CallLedger
from teachwhy.service.service import TeacherService
from teachwhy.service.transport import DirectTransport

pytestmark = pytest.mark.filterwarnings("ignore:The 'initial' parameter is deprecated:DeprecationWarning")
WRITER = "openai/gpt-4o-fixture"
PRICES = {WRITER: PriceConfig(input=3.0, output=15.0, batch_discount=0.5, date="2026-11-01")}
PACE = BatchPace(gather_seconds=0.05, check_seconds=0.02)


def write(request: Mapping[str, Any]) -> Written:
    return Written(f"on {find_words(request)}\u2028end", num_input=1000, num_output=100)


def call(number: int) -> Call:
    return Call(stage="answer", messages=(Message(role="user", content=f"q {number}"),), max_tokens=200)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret-0123456789")


async def ask_all(path: Path, num_calls: int, pace: BatchPace = PACE, **changes: Any) -> list[Any]:
    settings = {"batch": True, "prices": PRICES, "connections": 4, "max_retries": 3, **changes}
    config = GenerationConfig(**settings)
    answers: list[Any] = [None] * num_calls
    with CallLedger(path) as ledger:
        transport = BatchTransport(ledger.batches, DirectTransport(), sends=config.batch, pace=pace)
        service = TeacherService(WRITER, config, ledger, transport=transport, first_wait_seconds=0)
        async with service:

            async def ask(place: int) -> None:
                try:
                    answers[place] = await service.ask(call(place))
                except TeacherError as error:
                    answers[place] = error

            async with anyio.create_task_group() as group:
                for place in range(num_calls):
                    group.start_soon(ask, place)
    return answers


def test_a_batch_is_one_request_half_the_price_and_in_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BatchServer(write) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        answers = anyio.run(ask_all, tmp_path / "l.sqlite", 20)
        assert anyio.run(ask_all, tmp_path / "l.sqlite", 20) == answers
    assert [answer.text for answer in answers] == [f"on q {number}\u2028end" for number in range(20)]
    assert len(server.batches) == 1 and set(server.served.values()) == {1} and len(server.served) == 20
    with CallLedger(tmp_path / "l.sqlite") as ledger:
        spent = ledger.spent()
        (attempt,) = ledger.read_attempts(answers[0].call_id)
        assert ledger.batches.read_open() == []
    assert spent.cost_usd == pytest.approx(20 * (1000 * 3 + 100 * 15) / 1e6 / 2, abs=1e-12)
    assert attempt["batch"] == "batch-0" and attempt["outcome"] == "ok"


@pytest.mark.parametrize("fate", ["rate_limit", "expired", "missing", "garbled"])
def test_the_failed_half_of_a_batch_is_sent_again_and_the_other_is_not(
    fate: Fate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_fate(request: Mapping[str, Any], number: int) -> Fate:
        return fate if int(find_words(request).split()[1]) % 2 and number == 0 else "answered"

    with BatchServer(write, find_fate=find_fate) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        answers = anyio.run(ask_all, tmp_path / "l.sqlite", 20)
    assert all(isinstance(answer, Reply) for answer in answers)
    assert len(server.batches) == 2 and set(server.served.values()) == {1}
    with CallLedger(tmp_path / "l.sqlite") as ledger:
        outcomes = [
            [attempt["outcome"] for attempt in ledger.read_attempts(answer.call_id)] for answer in answers[:2]
        ]
    assert outcomes == [["ok"], ["error", "ok"]]


def test_a_request_that_is_wrong_fails_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def find_fate(request: Mapping[str, Any], number: int) -> Fate:
        return "bad_request" if find_words(request) == "q 3" else "answered"

    with BatchServer(write, find_fate=find_fate) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        answers = anyio.run(ask_all, tmp_path / "l.sqlite", 6)
    assert isinstance(answers[3], TeacherError) and "the server says bad_request" in str(answers[3])
    assert sum(isinstance(answer, Reply) for answer in answers) == 5 and len(server.batches) == 1


@pytest.mark.parametrize("fate", ["expired", "refused", "gone"])
def test_a_batch_that_came_to_nothing_is_sent_again(
    fate: BatchFate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BatchServer(write, batch_fates=(fate,)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        answers = anyio.run(ask_all, tmp_path / "l.sqlite", 10)
    assert all(isinstance(answer, Reply) for answer in answers) and len(server.batches) == 2
    with CallLedger(tmp_path / "l.sqlite") as ledger:
        attempts = ledger.read_attempts(answers[0].call_id)
    assert [attempt["outcome"] for attempt in attempts] == ["error", "ok"] and "batch" in attempts[0][
        "reason"
    ]


def test_a_batch_whose_making_was_not_answered_is_found_by_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BatchServer(write, batch_fates=("lost_reply",)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        answers = anyio.run(ask_all, tmp_path / "l.sqlite", 10)
    assert all(isinstance(answer, Reply) for answer in answers) and len(server.batches) == 1


KILLED = """
import sys, anyio
from pathlib import Path
from tests.service.test_batching import ask_all
anyio.run(ask_all, Path(sys.argv[1]), int(sys.argv[2]))
"""


@pytest.mark.parametrize(("moment", "changes"), [("made", {}), ("looked", {}), ("looked", {"batch": False})])
def test_what_was_in_flight_at_a_kill_is_collected_and_never_sent_again(
    moment: str, changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "l.sqlite"
    processes: list[subprocess.Popen[bytes]] = []

    def kill(server: BatchServer) -> None:
        if moment == "made":  # the provider has the batch, and its reply never comes
            processes[0].kill()
            processes[0].wait()

    class Server(BatchServer):
        def _look(self, name: str) -> tuple[bytes, bool, str]:
            if moment == "looked" and processes[0].poll() is None:
                processes[0].kill()
                processes[0].wait()
            return super()._look(name)

    with Server(write, on_batch=kill, num_looks=2) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        command = [sys.executable, "-c", KILLED, str(path), "12"]
        processes.append(
            subprocess.Popen(command, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)})
        )
        assert processes[0].wait(60) == -9
        with CallLedger(path) as ledger:
            assert ledger.spent().num_calls == 0
            (kept,) = ledger.batches.read_open()
            assert len(kept.waiting) == 12 and (kept.id is None) == (moment == "made")
        answers = anyio.run(lambda: ask_all(path, 6, **changes))  # half of them are asked again
        everything = anyio.run(ask_all, path, 12)
    assert all(isinstance(answer, Reply) for answer in (*answers, *everything))
    assert len(server.batches) == 1 and set(server.served.values()) == {1} and len(server.served) == 12


def test_a_provider_without_a_batch_api_is_refused_before_anything_is_paid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        with CallLedger(tmp_path / "l.sqlite") as ledger:
            async with TeacherService(
                "openai-api/local/writer", GenerationConfig(batch=True), ledger
            ) as service:
                await service.ask(call(0))

    with BatchServer(write) as server:
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        monkeypatch.setenv("LOCAL_API_KEY", "none")
        with pytest.raises(ConfigError, match=r"no\s+batch API.*generation.batch = false"):
            anyio.run(run)
        assert not server.asked
