"""Answers of a server that lies about its tokens, sends keys back, or sends what no file takes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.service.http_model import ModelServer, Written, make_completion, make_reply
from tests.service.test_service import KEY, ask_all, call, key, write

from teachwhy.errors import DataError, TeacherError
from teachwhy.records import ToolCall
from teachwhy.service.calls import BudgetSpentError, DraftRecord, Reply
from teachwhy.service.ledger import Attempt, CallLedger
from teachwhy.techniques import Rejected

__all__ = ["key"]
Change = Callable[[dict[str, Any]], object]


class _Liar(ModelServer):
    """A server whose answers are changed before they are sent."""

    change: Change = staticmethod(lambda body: body)
    status = 200

    def answer(self, body: bytes, is_chat: bool = True) -> tuple[bytes, bool, str]:
        """As of ModelServer."""
        told = make_completion(Written("fine"), "stop", is_chat)
        return make_reply(self.status, json.dumps(self.change(told))), self.status == 200, str(len(body))


def _lie(change: Change, status: int = 200) -> _Liar:
    server = _Liar(write)
    server.change, server.status = change, status
    return server


def _with_usage(usage: object) -> Change:
    return lambda body: {**body, "usage": usage}


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {"prompt_tokens": -1_000_000, "completion_tokens": 5, "total_tokens": 0},
        {"prompt_tokens": 1 << 70, "completion_tokens": 5, "total_tokens": 0},
        {
            "prompt_tokens": 10,
            "completion_tokens": 5,
            "total_tokens": 15,
            "prompt_tokens_details": {"cached_tokens": 1_000_000},
        },
    ],
)
def test_tokens_that_are_not_told_are_unknown_and_count_at_their_most(
    usage: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, calls = tmp_path / "l.sqlite", [call(f"question {number}") for number in range(6)]
    with _lie(_with_usage(usage)) as server:
        first = ask_all(server, path, calls, monkeypatch, budget_tokens=350)
        again = ask_all(server, path, calls, monkeypatch, budget_tokens=350)
    assert [isinstance(reply, Reply) for reply in first].count(True) == 2
    assert [isinstance(reply, BudgetSpentError) for reply in again].count(True) == 4, (
        "a new start asks no more"
    )
    with CallLedger(path) as ledger:
        spent = ledger.spent()
    assert (spent.num_calls, spent.cost_usd) == (2, None), "unknown is no zero"


def test_no_key_stands_in_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def send_back(body: dict[str, Any]) -> dict[str, Any]:
        message = body["choices"][0]["message"]
        message["content"] = f"Authorization: Bearer {KEY}"
        asked = {"name": "f", "arguments": json.dumps({"a": KEY})}
        message["tool_calls"] = [{"id": "c", "type": "function", "function": asked}]
        return body

    with _lie(send_back) as server:
        (reply,) = ask_all(server, tmp_path / "l.sqlite", [call("q")], monkeypatch)
    assert isinstance(reply, Reply) and reply.tool_calls
    assert KEY not in reply.model_dump_json() and "[key]" in reply.text


def test_arguments_are_json_that_every_reader_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def call_tool(body: dict[str, Any]) -> dict[str, Any]:
        asked = {"name": "f", "arguments": '{"a": NaN, "b": 1e999}'}
        body["choices"][0]["message"]["tool_calls"] = [{"id": "c", "type": "function", "function": asked}]
        return body

    with _lie(call_tool) as server:
        (reply,) = ask_all(server, tmp_path / "l.sqlite", [call("q")], monkeypatch)
    assert isinstance(reply, Reply)
    assert reply.tool_calls[0].arguments == {"a": "NaN", "b": "Infinity"}


def test_an_answer_without_choices_is_a_failure_of_its_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _lie(lambda body: {**body, "choices": []}) as server:
        (reply,) = ask_all(server, tmp_path / "l.sqlite", [call("q")], monkeypatch)
    assert isinstance(reply, TeacherError) and "no choices" in str(reply)


def test_a_complaint_with_half_a_character_can_be_kept_as_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    complaint = {"error": {"message": "bad \ud800", "code": "x"}}
    with _lie(lambda body: complaint, status=400) as server:
        (reply,) = ask_all(server, tmp_path / "l.sqlite", [call("q")], monkeypatch)
    assert isinstance(reply, TeacherError) and "bad" in str(reply)
    assert "bad" in Rejected(id="x", reason=str(reply)).model_dump_json()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE attempts SET tool_calls = '{'",
        "UPDATE attempts SET answer = x'00'",
        "UPDATE attempts SET stop = 'x'",
        "UPDATE attempts SET request = '[]'",
        "DELETE FROM texts",
        "UPDATE drafts SET content = x'00'",
        "UPDATE drafts SET parents = '{'",
    ],
)
def test_a_ledger_that_was_changed_says_so(change: str, tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    with CallLedger(path) as ledger:
        ledger.add_attempt("c", "m", call("q"), Attempt("ok", text="hi", tool_calls=(ToolCall(name="f"),)))
        ledger.add_draft(DraftRecord("d", "s", "l", "t", "v", "{}", (), ("c",)))
        ledger.flush()
        ledger.db.execute(change)
        with pytest.raises(DataError, match="was changed or is damaged"):
            (ledger.find("c"), ledger.read_request("c"), ledger.read_draft("d"))
