"""A local server that speaks the OpenAI protocol (chat completions) and misbehaves on purpose.

It plays a scripted policy in english episodes, with native tool calls. It knows which turn of which episode
it is asked for by the sampling seed in the request, which is unique, so that all it does follows from what it
was sent: a fault is met by the first requests for its turn, and no clock decides anything.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, NamedTuple

from teachwhy.evaluation.agent import turn_seed
from teachwhy.scenarios.english.episodes import EnglishEpisode
from teachwhy.scenarios.english.play import CLOSING, POLICIES
from teachwhy.scenarios.parsing import parse_assistant_text

FaultName = Literal[
    "rate_limit",  # 429, Retry-After
    "server_error",  # 500
    "hang",  # no answer for as long as the server is up
    "cut_body",  # the connection ends in the middle of the answer
    "not_json",  # 200 and a page of some proxy
    "bad_request",  # 400
    "bad_key",  # 401, with the key that was sent
    "filter_error",  # 400, code content_filter
    "too_long",  # 400, code context_length_exceeded
    "filter",  # the answer ends with finish_reason content_filter
    "length",  # the answer ends with finish_reason length
    "no_choices",  # an answer without choices
    "bad_json",  # a call whose arguments are not JSON
    "unknown_tool",  # a call of a tool that was not offered
]
ALWAYS = 10**9
RETRY_AFTER_SECONDS = 7
STATUS = {"rate_limit": 429, "server_error": 500, "bad_request": 400, "bad_key": 401}
CODES = {"filter_error": "content_filter", "too_long": "context_length_exceeded"}
SPENDS_TURN = ("bad_json", "unknown_tool")
"""Faults that are a turn of the model, after which it goes on with its policy."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong when the model is asked for a turn (from 0), and for how many requests."""

    name: FaultName
    turn: int = 0
    times: int = 1


@dataclass(frozen=True)
class Part:
    """What is played in one episode."""

    episode: EnglishEpisode
    policy: str
    faults: tuple[Fault, ...] = ()


class Place(NamedTuple):
    """Which turn of which episode a request is for."""

    episode_id: str
    turn: int


class _Listener(ThreadingHTTPServer):
    """With room for all clients that ask at once: whom the queue has no room for is refused, not served."""

    daemon_threads = True
    request_queue_size = 128


@dataclass
class OpenAIServer:
    """The server, up while it is entered. `parts` by episode; `seed` is the one of the evaluation."""

    parts: Sequence[Part]
    seed: int = 0
    hold_after: int | None = None
    """Requests that are answered; later ones wait."""
    asked: Counter[Place] = field(default_factory=Counter)
    """Requests by what they asked for."""
    keys: set[str] = field(default_factory=set)
    """What was sent as Authorization."""
    complaints: list[str] = field(default_factory=list)
    """Requests that were not as they must be."""

    def __post_init__(self) -> None:
        self._parts = {part.episode.id: part for part in self.parts}
        self._places = {
            turn_seed(self.seed, part.episode.id, 0, turn): Place(part.episode.id, turn)
            for part in self.parts
            for turn in range(part.episode.max_turns)
        }
        self._changed = threading.Condition()
        self._client = 0
        self._is_down = False
        self._num_taken = 0
        self._num_served = 0
        self._http = _Listener(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> OpenAIServer:
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._is_down = True
            self._changed.notify_all()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def wait_until_held(self, timeout_seconds: float = 120) -> None:
        """Return when as many requests are answered as may be and another one waits."""
        assert self.hold_after is not None
        limit = self.hold_after
        with self._changed:
            held = self._changed.wait_for(
                lambda: self._num_served >= limit and self._num_taken > limit, timeout_seconds
            )
        assert held, f"{self._num_served} of {limit} requests were answered"

    def await_next_client(self, hold_after: int | None) -> None:
        """The client so far is dead: leave its requests unanswered, and count from 0 for the next one."""
        with self._changed:
            self._client += 1
            self._num_taken = self._num_served = 0
            self.hold_after = hold_after
            self._changed.notify_all()

    def answer(self, request: Mapping[str, Any]) -> Reply:
        """What is sent back for the body of a request."""
        place = self._places.get(request.get("seed", -1))
        if place is None or sum(m["role"] == "assistant" for m in request["messages"]) != place.turn:
            self.complaints.append(f"no turn is known by seed {request.get('seed')}")
            return Reply(404, {"error": {"message": "no such turn"}})
        part = self._parts[place.episode_id]
        if request["messages"][1]["content"] != part.episode.user:
            self.complaints.append(f"{place}: another user turn")
        with self._changed:
            self.asked[place] += 1
            num_asked = self.asked[place]
        for fault in part.faults:
            if fault.turn == place.turn:
                if num_asked <= fault.times:
                    return _fail(fault.name, part.episode)
                num_asked -= fault.times
        turn = place.turn - sum(fault.turn < place.turn for fault in part.faults if fault.name in SPENDS_TURN)
        turns = POLICIES[part.policy](part.episode)
        return Reply(200, _completion(turns[turn] if turn < len(turns) else CLOSING))

    def take(self) -> bool:
        """Count a request and let it wait for its turn; False if nobody waits for its answer any more."""
        with self._changed:
            client, number = self._client, self._num_taken
            self._num_taken += 1
            self._changed.notify_all()
            if self.hold_after is not None and number >= self.hold_after:
                self._changed.wait_for(lambda: self._is_down or self._client != client)
                return False
            return True

    def note_served(self) -> None:
        """Count an answer that was sent."""
        with self._changed:
            self._num_served += 1
            self._changed.notify_all()

    def wait_for_the_end(self) -> None:
        """Return when the server goes down."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_down)


@dataclass(frozen=True)
class Reply:
    """An answer over HTTP."""

    status: int
    body: Mapping[str, Any] | str
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    is_cut: bool = False
    tells_key: bool = False


def _fail(name: FaultName, episode: EnglishEpisode) -> Reply:
    if name in STATUS:
        headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if name == "rate_limit" else {}
        error = {"message": f"the server says {name}", "type": name, "code": name}
        return Reply(STATUS[name], {"error": error}, headers, tells_key=name == "bad_key")
    if name in CODES:
        error = {"message": f"the server says {name}", "type": "invalid_request_error", "code": CODES[name]}
        return Reply(400, {"error": error})
    if name == "not_json":
        return Reply(200, "<html>Bad gateway</html>")
    if name in ("hang", "cut_body"):
        return Reply(200, _completion(CLOSING), hangs=name == "hang", is_cut=name == "cut_body")
    if name in SPENDS_TURN:
        tool = episode.tools[0].name if name == "bad_json" else "rm_rf"
        arguments = '{"id": "' if name == "bad_json" else "{}"
        return Reply(200, _completion("", [_call(0, tool, arguments)]))
    body = _completion("I will", finish="content_filter" if name == "filter" else "length")
    return Reply(200, {**body, "choices": []} if name == "no_choices" else body)


def _completion(
    text: str, calls: list[dict[str, Any]] | None = None, finish: str | None = None
) -> dict[str, Any]:
    """A turn as a chat completion; calls in `text` become native ones."""
    parsed = parse_assistant_text(text)
    calls = calls or [
        _call(i, call.name, json.dumps(call.arguments)) for i, call in enumerate(parsed.tool_calls)
    ]
    if parsed.malformed:
        calls.append(_call(len(calls), "send_mail", '{"to": '))
    message: dict[str, Any] = {"role": "assistant", "content": parsed.content}
    if calls:
        message["tool_calls"] = calls
    finish = finish or ("tool_calls" if calls else "stop")
    return {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": "fixture",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }


def _call(index: int, name: str, arguments: str) -> dict[str, Any]:
    return {"id": f"c{index}", "type": "function", "function": {"name": name, "arguments": arguments}}


def _as_stream(completion: Mapping[str, Any]) -> list[str]:
    """A completion as server-sent events."""
    events = []
    for choice in completion["choices"]:
        message = choice["message"]
        calls = [{"index": index, **call} for index, call in enumerate(message.get("tool_calls", ()))]
        deltas = [({"role": "assistant", "content": message["content"]}, None)]
        deltas += [({"tool_calls": [call]}, None) for call in calls]
        for delta, finish in [*deltas, ({}, choice["finish_reason"])]:
            events.append({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    events.append({"choices": [], "usage": completion["usage"]})
    shared = {key: completion[key] for key in ("id", "created", "model")} | {
        "object": "chat.completion.chunk"
    }
    return [f"data: {json.dumps(shared | event)}\n\n" for event in events] + ["data: [DONE]\n\n"]


def _handler(server: OpenAIServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.keys.add(self.headers.get("Authorization", ""))
            if not server.take():
                self.close_connection = True
                return
            reply = server.answer(request)
            if reply.hangs:
                server.wait_for_the_end()
            try:
                self._send(reply, bool(request.get("stream")))
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # whoever asked is gone
            server.note_served()

        def _send(self, reply: Reply, stream: bool) -> None:
            stream &= reply.status == 200 and not isinstance(reply.body, str)
            body: Any = reply.body
            if reply.tells_key:
                body["error"]["message"] += f": {self.headers.get('Authorization')}"
            if stream:
                pieces = _as_stream(body)
            else:
                pieces = [body if isinstance(body, str) else json.dumps(body)]
            data = "".join(pieces).encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", "text/event-stream" if stream else "application/json")
            self.send_header("Content-Length", str(len(data)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data[: len(data) // 2] if reply.is_cut else data)
            self.close_connection = reply.is_cut

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    return Handler
