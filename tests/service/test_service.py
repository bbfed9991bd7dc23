"""The teacher service over HTTP: one answer a call, faults, costs to the cent, budgets, keys nowhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.service.http_model import Fault, ModelServer, Written

from teachwhy.config import GenerationConfig, PriceConfig
from teachwhy.errors import ConfigError, DataError, StorageError, TeacherError
from teachwhy.records import Message, ToolSpec
from teachwhy.service.calls import BudgetSpentError, Call, DraftRecord, Reply, UnreadableReplyError
from teachwhy.service.ledger import CallLedger
from teachwhy.service.service import TeacherService
from teachwhy.service.transport import DirectTransport, ProcessTransport

WRITER = "openai-api/local/writer"
JUDGE = "openai-api/local/judge"
KEY = "sk-very-secret-0123456789"
PRICES = {
    WRITER: PriceConfig(input=3.0, output=15.0, date="2026-11-01"),
    JUDGE: PriceConfig(input=1.0, output=2.0),
}


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_API_KEY", KEY)


def write(request: Mapping[str, Any]) -> Written:
    """A text that follows from the last message and the seed; its number of tokens from its length."""
    text = request["prompt"] if "prompt" in request else request["messages"][-1]["content"]
    told = f"{text} {request.get('seed')}"
    digest = hashlib.sha256(told.encode()).hexdigest()
    return Written(f"answer {digest[:8]}", num_input=10 + len(told) % 7, num_output=5 + int(digest[0], 16))


def settings(**changes: Any) -> GenerationConfig:
    return GenerationConfig(judge=JUDGE, prices=PRICES, connections=8, max_retries=3, **changes)


def call(text: str, **changes: Any) -> Call:
    return Call(stage="answer", messages=(Message(role="user", content=text),), max_tokens=100, **changes)


FindFaults = Callable[[Mapping[str, Any]], tuple[Fault, ...]]


def serve(find_faults: FindFaults = lambda request: ()) -> ModelServer:
    return ModelServer(write, find_faults)


def ask_all(
    server: ModelServer,
    path: Path,
    calls: list[Call],
    monkeypatch: pytest.MonkeyPatch,
    processes: bool = False,
    **changes: Any,
) -> list[Reply | Exception]:
    """The answers to calls that are asked at once."""
    monkeypatch.setenv("LOCAL_BASE_URL", server.url)

    async def run() -> list[Reply | Exception]:
        answers: list[Reply | Exception] = [RuntimeError("not asked")] * len(calls)
        with CallLedger(path) as ledger:
            transport = ProcessTransport(2) if processes else DirectTransport()
            service = TeacherService(
                WRITER, settings(**changes), ledger, transport=transport, first_wait_seconds=0
            )
            async with service:

                async def ask(place: int) -> None:
                    try:
                        answers[place] = await service.ask(calls[place])
                    except (TeacherError, BudgetSpentError) as error:
                        answers[place] = error

                async with anyio.create_task_group() as group:
                    for place in range(len(calls)):
                        group.start_soon(ask, place)
        return answers

    return anyio.run(run)


@pytest.mark.parametrize("processes", [False, True])
def test_equal_calls_are_paid_once_and_costs_add_up(
    processes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [
        call(f"question {number % 10}", role="judge" if number % 10 > 6 else "teacher")
        for number in range(40)
    ]
    with serve() as server:
        first = ask_all(server, tmp_path / "l.sqlite", calls, monkeypatch, processes)
        again = ask_all(server, tmp_path / "l.sqlite", calls, monkeypatch)
    assert first == again and len({reply.text for reply in first if isinstance(reply, Reply)}) == 10
    assert sum(server.served.values()) == 10 == len(server.served)
    with CallLedger(tmp_path / "l.sqlite") as ledger:
        spent, by_stage = ledger.spent(), ledger.spent_by_stage()
    replies = {reply.call_id: reply for reply in first if isinstance(reply, Reply)}.values()
    assert spent.num_calls == 10 and spent.num_errors == 0
    assert spent.input_tokens == sum(reply.input_tokens for reply in replies)
    assert spent.output_tokens == sum(reply.output_tokens for reply in replies)
    writer, judge = by_stage["answer", "teacher", WRITER], by_stage["answer", "judge", JUDGE]
    assert writer.num_calls == 7 and judge.num_calls == 3
    expected = (writer.input_tokens * 3 + writer.output_tokens * 15) / 1e6
    expected += (judge.input_tokens * 1 + judge.output_tokens * 2) / 1e6
    assert spent.cost_usd == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("fault", "processes"),
    [
        *(("rate_limit", False), ("server_error", False), ("cut_body", False), ("not_json", False)),
        ("not_json", True),
    ],
)
def test_failures_that_pass_are_tried_again(
    fault: Fault, processes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(lambda request: (fault, fault)) as server:
        (reply,) = ask_all(server, tmp_path / "l.sqlite", [call("q")], monkeypatch, processes)
    assert isinstance(reply, Reply) and reply.text.startswith("answer")
    with CallLedger(tmp_path / "l.sqlite") as ledger:
        attempts = ledger.read_attempts(reply.call_id)
    assert [attempt["outcome"] for attempt in attempts] == ["error", "error", "ok"]
    assert all(attempt["reason"] and attempt["cost_usd"] is None for attempt in attempts[:2])


def test_a_request_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(lambda request: ("hang",)) as server:
        (reply,) = ask_all(server, tmp_path / "l.sqlite", [call("q")], monkeypatch, request_timeout_seconds=1)
    assert isinstance(reply, Reply)


def test_failures_that_last_are_the_calls_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def faults(request: Mapping[str, Any]) -> tuple[Fault, ...]:
        return ("bad_request",) if "bad" in request["messages"][-1]["content"] else ("server_error",) * 4

    with serve(faults) as server:
        bad, worn = ask_all(server, tmp_path / "l.sqlite", [call("bad"), call("worn")], monkeypatch)
        assert sum(server.asked.values()) == 1 + 4
        _, mended = ask_all(server, tmp_path / "l.sqlite", [call("bad"), call("worn")], monkeypatch)
    assert isinstance(bad, TeacherError) and "bad_request" in str(bad)
    assert isinstance(worn, TeacherError) and "server_error" in str(worn)
    assert isinstance(mended, Reply)


@pytest.mark.parametrize("processes", [False, True])
def test_a_wrong_key_ends_it_at_once_and_stands_nowhere(
    processes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(lambda request: ("bad_key",)) as server:
        with pytest.raises(BaseException) as caught:
            ask_all(server, tmp_path / "l.sqlite", [call("q")], monkeypatch, processes)
        assert sum(server.asked.values()) == 1
    error = caught.value
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, ConfigError) and KEY not in str(error) and "[key]" in str(error)
    assert server.keys == {KEY}
    for path in tmp_path.iterdir():
        assert KEY.encode() not in path.read_bytes()


def test_a_model_that_is_not_there_ends_it_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(lambda request: ("no_model",)) as server:
        with pytest.raises(BaseException) as caught:
            ask_all(server, tmp_path / "l.sqlite", [call("q")], monkeypatch)
        assert sum(server.asked.values()) == 1
    error = caught.value
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, ConfigError) and "is not there" in str(error)


def test_a_sender_that_dies_is_started_again_and_its_calls_are_sent_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = ProcessTransport(1)
    killed: list[int] = []

    def kill(request: Mapping[str, Any]) -> tuple[Fault, ...]:
        process = transport._senders[0]._process
        if request["messages"][-1]["content"] == "q 7" and not killed and process:
            killed.append(process.pid)
            process.kill()
            return ("hang",)
        return ()

    async def run() -> list[str]:
        with CallLedger(tmp_path / "l.sqlite") as ledger:
            service = TeacherService(WRITER, settings(), ledger, transport=transport, first_wait_seconds=0)
            async with service:
                return [(await service.ask(call(f"q {number}"))).text for number in range(10)]

    with serve(kill) as server:
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        texts = anyio.run(run)
    assert len(killed) == 1 and len(set(texts)) == 10


def test_a_model_that_there_is_not_is_an_error_of_the_config(tmp_path: Path) -> None:
    async def run(transport: ProcessTransport | DirectTransport) -> None:
        with CallLedger(tmp_path / "l.sqlite") as ledger:
            async with TeacherService("nobody/x", settings(), ledger, transport=transport) as service:
                await service.ask(call("q"))

    for transport in (ProcessTransport(1), DirectTransport()):
        with pytest.raises(ConfigError, match="'nobody/x' cannot be used"):
            anyio.run(run, transport)


def read_number(reply: Reply) -> str:
    """Only answers whose first digit is below 8 can be read."""
    digit = reply.text.removeprefix("answer ")[0]
    if int(digit, 16) >= 8:
        raise UnreadableReplyError(f"begins with {digit}")
    return reply.text


def test_answers_of_no_use_are_kept_with_the_reason_and_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faults(request: Mapping[str, Any]) -> tuple[Fault, ...]:
        place = int(request["messages"][-1]["content"].split()[1])
        return {0: ("length",), 1: ("filter",)}.get(place % 5, ())  # type: ignore[return-value]

    async def run() -> tuple[list[str], dict[tuple[str, str], int]]:
        found = []
        with CallLedger(tmp_path / "l.sqlite") as ledger:
            async with TeacherService(WRITER, settings(), ledger, first_wait_seconds=0) as service:
                for place in range(30):
                    try:
                        found.append(await service.ask_until(call(f"q {place}"), read_number, 4))
                    except TeacherError as error:
                        found.append(str(error))
            return found, ledger.count_outcomes()

    with serve(faults) as server:
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        found, outcomes = anyio.run(run)
        num_asked = sum(server.asked.values())
        assert anyio.run(run) == (found, outcomes)
        assert sum(server.asked.values()) == num_asked
    assert sum(text.startswith("answer") for text in found) == outcomes["answer", "ok"]
    assert outcomes["answer", "cut"] > 0 and outcomes["answer", "filtered"] > 0
    assert outcomes["answer", "unreadable"] > 5
    assert sum(outcomes.values()) == num_asked


def test_a_base_model_goes_on_until_it_is_cut_and_that_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        with CallLedger(tmp_path / "l.sqlite") as ledger:
            config = settings(base="openai-api/local/base")
            async with TeacherService(WRITER, config, ledger, first_wait_seconds=0) as service:
                text = await service.ask_until(call("q", role="base"), lambda reply: reply.text)
                assert text.startswith("answer")
                with pytest.raises(TeacherError, match="cut at its limit"):
                    await service.ask_until(call("q"), lambda reply: reply.text)

    with serve(lambda request: ("length",)) as server:
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        anyio.run(run)
        assert sum(server.asked.values()) == 1 + 3


@pytest.mark.parametrize("processes", [False, True])
def test_a_base_model_is_sent_the_bare_text(
    processes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Mapping[str, Any]] = []

    def go_on(request: Mapping[str, Any]) -> Written:
        sent.append(request)
        return Written(" and so on.", num_input=7, num_output=3)

    base = "openai-api/local/base"
    monkeypatch.setitem(PRICES, base, PriceConfig(input=1.0, output=1.0))
    with ModelServer(go_on) as server:
        calls = [call("Once upon a time", role="base")]
        (reply,) = ask_all(server, tmp_path / "l.sqlite", calls, monkeypatch, processes, base=base)
    assert isinstance(reply, Reply) and reply.text == " and so on."
    assert reply.cost_usd == pytest.approx(10 / 1e6)
    assert sent[0]["prompt"] == "Once upon a time" and "messages" not in sent[0]


def test_a_base_model_that_only_chats_is_told(tmp_path: Path) -> None:
    config = GenerationConfig(judge=JUDGE, base="anthropic/x")
    with CallLedger(tmp_path / "l.sqlite") as ledger, pytest.raises(ConfigError, match=r"generation\.base"):
        TeacherService(WRITER, config, ledger)


@pytest.mark.parametrize("limit", [{"budget_usd": 0.02}, {"budget_tokens": 1500}])
def test_a_budget_is_never_passed_and_a_higher_one_goes_on(
    limit: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "l.sqlite"
    calls = [call(f"question {number}") for number in range(200)]
    with serve() as server:
        first = ask_all(server, path, calls, monkeypatch, **limit)
        with CallLedger(path) as ledger:
            spent = ledger.spent()
        assert spent.cost_usd is not None
        assert spent.cost_usd <= limit.get("budget_usd", 1e9)
        assert spent.input_tokens + spent.output_tokens <= limit.get("budget_tokens", 10**9)
        refused = [reply for reply in first if isinstance(reply, BudgetSpentError)]
        assert 0 < len(refused) < 200 and "raise the budget" in str(refused[0])
        again = ask_all(server, path, calls, monkeypatch)
    assert all(isinstance(reply, Reply) for reply in again)
    assert set(server.served.values()) == {1} and len(server.served) == 200


def test_a_budget_in_dollars_needs_prices(tmp_path: Path) -> None:
    config = GenerationConfig(judge=JUDGE, budget_usd=5.0)
    with (
        CallLedger(tmp_path / "l.sqlite") as ledger,
        pytest.raises(ConfigError, match="is not known"),
    ):
        TeacherService(WRITER, config, ledger)


def test_an_unknown_price_is_null_and_no_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve() as server:
        (reply,) = ask_all(server, tmp_path / "l.sqlite", [call("q")], monkeypatch)
        assert isinstance(reply, Reply) and reply.cost_usd is not None
        monkeypatch.setitem(PRICES, WRITER, PRICES[WRITER])
        monkeypatch.delitem(PRICES, WRITER)
        (other,) = ask_all(server, tmp_path / "l.sqlite", [call("other")], monkeypatch)
    assert isinstance(other, Reply) and other.cost_usd is None
    with CallLedger(tmp_path / "l.sqlite") as ledger:
        assert ledger.spent().cost_usd is None
        assert ledger.sum_known_costs() == pytest.approx(reply.cost_usd)
        assert ledger.read_attempts(other.call_id)[0]["price_date"] is None


def test_requests_stand_in_the_ledger_whole_and_long_texts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = " ".join(str(number * 7919 % 99991) for number in range(20_000))
    tool = ToolSpec(name="look", description="Looks.", parameters={"type": "object", "properties": {}})
    calls = [
        Call(
            stage="answer",
            messages=(Message(role="system", content=text), Message(role="user", content=f"q {number}")),
            tools=(tool,),
        )
        for number in range(20)
    ]
    with serve() as server:
        replies = ask_all(server, tmp_path / "l.sqlite", calls, monkeypatch)
    with CallLedger(tmp_path / "l.sqlite") as ledger:
        assert isinstance(replies[3], Reply)
        told = ledger.read_request(replies[3].call_id)
    assert [(message["role"], message["text"]) for message in told] == [("system", text), ("user", "q 3")]
    assert (tmp_path / "l.sqlite").stat().st_size < 2 * len(text)


def test_two_processes_do_not_pay_into_one_ledger(tmp_path: Path) -> None:
    with CallLedger(tmp_path / "l.sqlite"):
        with pytest.raises(StorageError, match="another process is paying"):
            CallLedger(tmp_path / "l.sqlite")
        with CallLedger(tmp_path / "l.sqlite", pays=False) as reader:
            assert reader.spent().num_calls == 0


def test_a_file_that_is_no_ledger_is_told_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    path.write_text("no database at all, " * 100)
    before = path.read_bytes()
    with pytest.raises(DataError, match="is no ledger"):
        CallLedger(path)
    assert path.read_bytes() == before


def test_drafts_are_kept_once_with_parents_and_calls(tmp_path: Path) -> None:
    draft = DraftRecord("d1", "answer", "advice", "t", "v", '{"text": "ü"}', ("p",), ("c1", "c2"))
    with CallLedger(tmp_path / "l.sqlite") as ledger:
        ledger.add_draft(draft)
        ledger.add_draft(draft._replace(content="other"))
    with CallLedger(tmp_path / "l.sqlite") as ledger:
        assert ledger.read_draft("d1") == draft and ledger.read_draft("d2") is None
        assert ledger.count_drafts() == {("advice", "answer", "t", "v"): 1}
