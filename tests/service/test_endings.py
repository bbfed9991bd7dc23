"""How runs end, and odd answers: nothing that is paid for is lost silently."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.service.http_model import Fault, ModelServer, Written, make_reply

from teachwhy.config import GenerationConfig
from teachwhy.errors import StorageError, TeacherError
from teachwhy.records import Message, ToolSpec
from teachwhy.service.calls import Call, Reply
from teachwhy.service.ledger import CallLedger
from teachwhy.service.service import TeacherService
from teachwhy.service.transport import DirectTransport, ProcessTransport

WRITER = "openai-api/local/writer"
BASE = "openai-api-completions/local/base"
TOOL = ToolSpec(
    name="look", description="Looks.", parameters={"type": "object", "properties": {"at": {"type": "string"}}}
)


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_API_KEY", "none")


def write(request: Mapping[str, Any]) -> Written:
    told = request["messages"][-1]["content"] if "messages" in request else request["prompt"]
    return Written(f"on {told}")


def call(text: str, **changes: Any) -> Call:
    fields = {
        "stage": "answer",
        "messages": (Message(role="user", content=text),),
        "max_tokens": 50,
        **changes,
    }
    return Call(**fields)


def open_service(ledger: CallLedger, **changes: Any) -> TeacherService:
    config = GenerationConfig(base=BASE, connections=8, max_retries=2)
    settings = {"transport": DirectTransport(), "first_wait_seconds": 0, **changes}
    return TeacherService(WRITER, config, ledger, **settings)


def ask(path: Path, asked: Call) -> Reply:
    async def run() -> Reply:
        with CallLedger(path) as ledger:
            async with open_service(ledger) as service:
                return await service.ask(asked)

    return anyio.run(run)


def test_who_stops_waiting_does_not_stop_a_call_that_is_paid_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        with CallLedger(tmp_path / "l.sqlite") as ledger:
            async with open_service(ledger) as service:
                async with anyio.create_task_group() as group:
                    for number in range(8):
                        group.start_soon(service.ask, call(f"q {number}"))
                    while sum(server.asked.values()) < 8:
                        await anyio.sleep(0.01)
                    group.cancel_scope.cancel()
                assert service.num_under_way == 8 and not server.served
            assert ledger.spent().num_calls == 8

    with ModelServer(write, latency_seconds=0.5) as server:
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        anyio.run(run)
    assert set(server.served.values()) == {1}


def test_the_end_does_not_wait_for_ever_nor_send_anything_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_faults(request: Mapping[str, Any]) -> tuple[Fault, ...]:
        return ("hang",) if "hang" in request["messages"][-1]["content"] else ("server_error",) * 3

    async def run() -> None:
        with CallLedger(tmp_path / "l.sqlite") as ledger:
            service = open_service(ledger, first_wait_seconds=30, drain_seconds=0.2)
            with pytest.raises(ZeroDivisionError):
                async with service:
                    with anyio.move_on_after(0.5):
                        async with anyio.create_task_group() as group:
                            group.start_soon(service.ask, call("hang"))
                            group.start_soon(service.ask, call("fail"))
                    raise ZeroDivisionError
            with pytest.raises(TeacherError, match="closed"):
                await service.ask(call("late"))

    with ModelServer(write, find_faults) as server:
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        anyio.run(run)
        assert sum(server.asked.values()) == 2


def test_two_equal_calls_share_the_failure_and_the_next_one_asks_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> list[str]:
        ends = []
        with CallLedger(tmp_path / "l.sqlite") as ledger:
            async with open_service(ledger) as service:

                async def ask_one() -> None:
                    try:
                        ends.append((await service.ask(call("q"))).text)
                    except TeacherError as error:
                        ends.append(str(error))

                async with anyio.create_task_group() as group:
                    group.start_soon(ask_one)
                    group.start_soon(ask_one)
                await ask_one()
        return ends

    with ModelServer(write, lambda request: ("server_error",) * 3) as server:
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        first, second, third = anyio.run(run)
        assert sum(server.asked.values()) == 4
    assert first == second and "server_error" in first and third == "on q"


def make_noise(seed: str) -> str:
    """A text that no compression brings into the pages that a file has."""
    rng = random.Random(seed)
    return "".join(chr(0x4E00 + rng.randrange(20_000)) for _ in range(9_000))


def fill(ledger: CallLedger) -> None:
    """From here on no page is added to the file, as on a full disk."""
    (pages,) = ledger.db.execute("PRAGMA page_count").fetchone()
    ledger.db.execute(f"PRAGMA max_page_count = {pages}")


def test_an_answer_that_finds_the_disk_full_is_told_and_written_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = {name: make_noise(name) for name in "ab"}

    async def run() -> None:
        with CallLedger(tmp_path / "l.sqlite") as ledger:
            assert (tmp_path / "l.reserve").stat().st_size == 4 << 20
            async with open_service(ledger) as service:
                fill(ledger)
                with pytest.raises(StorageError, match="free some space"):
                    await service.ask(call("a"))
                assert not (tmp_path / "l.reserve").exists()
                with pytest.raises(StorageError, match="the disk is full"):
                    await service.ask(call("b"))
            ledger.db.execute("PRAGMA max_page_count = 100000")
        with CallLedger(tmp_path / "l.sqlite") as ledger:
            assert ledger.spent().num_calls == 1

    with ModelServer(lambda request: Written(noise[request["messages"][-1]["content"]])) as server:
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        anyio.run(run)
        assert ask(tmp_path / "l.sqlite", call("a")).text == noise["a"]
        assert sum(server.served.values()) == 1


def test_answers_that_could_not_be_written_at_all_are_counted_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noise = make_noise("q")

    async def run() -> None:
        with CallLedger(tmp_path / "l.sqlite") as ledger:
            async with open_service(ledger) as service:
                fill(ledger)
                with pytest.raises(StorageError):
                    await service.ask(call("q"))

    with ModelServer(lambda request: Written(noise)) as server:
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        with pytest.raises(StorageError, match="1 answers that are paid for could not be kept"):
            anyio.run(run)


class OddServer(ModelServer):
    """Answers with the message that `odd` has for a request, and with a second choice."""

    odd: Mapping[str, Mapping[str, Any]]

    def answer(self, body: bytes, is_chat: bool = True) -> tuple[bytes, bool, str]:
        odd = self.odd[json.loads(body)["messages"][-1]["content"]]
        choices = [
            {"index": place, "message": {"role": "assistant", **message}, "finish_reason": "stop"}
            for place, message in enumerate((odd, {"content": "the second choice"}))
        ]
        usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
        told = {"id": "x", "object": "chat.completion", "created": 0, "model": "m", "choices": choices}
        return make_reply(200, json.dumps(told | {"usage": usage})), True, ""


def tool_calls(*arguments: str) -> list[dict[str, Any]]:
    return [
        {"id": f"c{place}", "type": "function", "function": {"name": "look", "arguments": text}}
        for place, text in enumerate(arguments)
    ]


ODD: dict[str, dict[str, Any]] = {
    "nul": {"content": "a\0b \u2028\x85 c"},
    "half a character": {"content": "a\ud800b \U0001f600"},
    "large": {"content": "word \n" * 1_000_000},
    "nothing": {"content": None},
    "unreadable arguments": {
        "content": "",
        "tool_calls": tool_calls('{"at": "wh', "[1]", '{"at": "\\ud800"}', '{"at": "x"}'),
    },
}


@pytest.mark.parametrize("processes", [False, True])
def test_odd_answers_come_through_and_are_kept(
    processes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = {name: call(name, tools=(TOOL,)) for name in ODD}

    async def run() -> dict[str, Reply]:
        with CallLedger(tmp_path / "l.sqlite") as ledger:
            transport = ProcessTransport(1) if processes else DirectTransport()
            async with open_service(ledger, transport=transport) as service:
                return {name: await service.ask(asked) for name, asked in calls.items()}

    with OddServer(write) as server:
        server.odd = ODD
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        replies = anyio.run(run)
    with CallLedger(tmp_path / "l.sqlite") as ledger:
        for name, reply in replies.items():
            assert ledger.find(reply.call_id) == reply, name
            follows_up = Call(stage="next", messages=(Message(role="user", content=reply.text),))
            assert len(follows_up.digest) == 32
    assert replies["nul"].text == ODD["nul"]["content"] and replies["nothing"].text == ""
    assert replies["large"].text == ODD["large"]["content"]
    assert replies["half a character"].text == "a\ufffdb \U0001f600"
    first, _, third, last = replies["unreadable arguments"].tool_calls
    assert "unreadable" in first.arguments and third.arguments == {"at": "\ufffd"}
    assert last.arguments == {"at": "x"}


def test_a_base_model_goes_on_with_a_text_through_v1_completions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = []

    def write_on(request: Mapping[str, Any]) -> Written:
        prompts.append(request["prompt"])
        return Written(" upon a time", num_input=4, num_output=3)

    with ModelServer(write_on, lambda request: ("server_error",)) as server:
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        reply = ask(tmp_path / "l.sqlite", call("Once", role="base"))
        assert (reply.text, reply.input_tokens, reply.output_tokens) == (" upon a time", 4, 3)
        with pytest.raises(TeacherError, match="single user message"):
            system = Message(role="system", content="s")
            ask(tmp_path / "l.sqlite", call("Once", role="base", messages=(system, system)))
    assert prompts == ["Once"]
