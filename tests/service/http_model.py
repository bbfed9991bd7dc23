"""A lean local server that speaks the OpenAI protocol (completions, of chats and of texts) and misbehaves on
purpose.

What it answers is a function of the request, so that two runs get the same; faults come with the first
requests for the same body, and no clock decides anything but `latency_seconds`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, NamedTuple

Fault = Literal[
    "rate_limit",  # 429, Retry-After
    "server_error",  # 500
    "cut_body",  # the connection ends in the middle of the answer
    "not_json",  # 200 and a page of some proxy
    "bad_request",  # 400
    "bad_key",  # 401, with the key that was sent
    "no_model",  # 404
    "filter",  # the answer ends with finish_reason content_filter
    "length",  # the answer ends with finish_reason length
    "hang",  # no answer for as long as the server is up
]


class Written(NamedTuple):
    """What the model writes."""

    text: str
    tool_calls: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    num_input: int = 10
    num_output: int = 5


@dataclass
class ModelServer:
    """The server, up in a thread of its own while it is entered."""

    write: Callable[[Mapping[str, Any]], Written]
    find_faults: Callable[[Mapping[str, Any]], tuple[Fault, ...]] = lambda request: ()
    """Faults that the first requests for a body meet, one each."""
    latency_seconds: float = 0.0
    served: Counter[str] = field(default_factory=Counter)
    """Digest of the body -> whole answers that were sent."""
    asked: Counter[str] = field(default_factory=Counter)
    """Likewise, requests that came."""
    keys: set[str] = field(default_factory=set)

    def __enter__(self) -> ModelServer:
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()
        self.url = f"http://127.0.0.1:{self._port}/v1"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self), "127.0.0.1", 0, backlog=2048
        )
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()

    def route(self, method: str, path: str, body: bytes) -> tuple[bytes, bool, str]:
        """As `answer`, of any request; batch_model.py takes more of them."""
        return self.answer(body, is_chat=not path.endswith("/v1/completions"))

    def answer(self, body: bytes, is_chat: bool = True) -> tuple[bytes, bool, str]:
        """The reply to a request, whether it is whole, and the digest of the request; b"" for none at all."""
        request = json.loads(body)
        digest = hashlib.sha256(body).hexdigest()[:16]
        number = self.asked[digest]
        self.asked[digest] += 1
        faults = self.find_faults(request)
        fault = faults[number] if number < len(faults) else None
        if fault == "hang":
            return b"", False, digest
        status = {
            "rate_limit": 429,
            "server_error": 500,
            "bad_request": 400,
            "bad_key": 401,
            "no_model": 404,
        }.get(fault or "")
        if status is not None:
            told = f"the server says {fault}" + (f" {sorted(self.keys)}" if fault == "bad_key" else "")
            error = {"error": {"message": told, "type": fault, "code": fault}}
            headers = "Retry-After: 7\r\n" if fault == "rate_limit" else ""
            return make_reply(status, json.dumps(error), headers), False, digest
        if fault == "not_json":
            return make_reply(200, "<html>Bad gateway</html>"), False, digest
        finish = {"filter": "content_filter", "length": "length"}.get(fault or "", "stop")
        completion = make_completion(self.write(request), finish, is_chat)
        whole = make_reply(200, json.dumps(completion))
        if fault == "cut_body":
            return whole[: len(whole) - 20], False, digest
        return whole, True, digest


class _Connection(asyncio.Protocol):
    """One connection: requests one after another."""

    def __init__(self, server: ModelServer) -> None:
        self.server = server
        self.data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = self.data[:end].decode("latin-1").lower().split("\r\n")
            headers = dict(line.split(": ", 1) for line in head[1:])
            size = int(headers.get("content-length", 0))
            method, path, _ = self.data[:end].decode("latin-1").split(" ", 2)
            if len(self.data) < end + 4 + size:
                return
            body = self.data[end + 4 : end + 4 + size]
            self.data = self.data[end + 4 + size :]
            self.server.keys.add(headers.get("authorization", "").removeprefix("bearer "))
            reply, is_whole, digest = self.server.route(method, path, body)
            if reply:
                asyncio.get_running_loop().call_later(
                    self.server.latency_seconds, self.send, reply, is_whole, digest
                )

    def send(self, reply: bytes, is_whole: bool, digest: str) -> None:
        if self.transport.is_closing():
            return
        self.transport.write(reply)
        if is_whole:
            self.server.served[digest] += 1
        elif b"content-length" in reply and not reply.endswith((b"}", b">")):
            self.transport.close()


def make_reply(status: int, body: str, headers: str = "") -> bytes:
    """A reply as it goes over the wire."""
    data = body.encode("utf-8")
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{headers}"
    return f"{head}content-length: {len(data)}\r\n\r\n".encode() + data


def make_completion(written: Written, finish: str, is_chat: bool = True) -> dict[str, Any]:
    """The body of an answer."""
    message: dict[str, Any] = {"role": "assistant", "content": written.text}
    if written.tool_calls:
        message["tool_calls"] = [
            {
                "id": f"c{i}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for i, (name, arguments) in enumerate(written.tool_calls)
        ]
        finish = "tool_calls" if finish == "stop" else finish
    shown = {"message": message} if is_chat else {"text": written.text, "logprobs": None}
    return {
        "id": "x",
        "object": "chat.completion" if is_chat else "text_completion",
        "created": 0,
        "model": "fixture",
        "choices": [{"index": 0, "finish_reason": finish, **shown}],
        "usage": {
            "prompt_tokens": written.num_input,
            "completion_tokens": written.num_output,
            "total_tokens": written.num_input + written.num_output,
        },
    }
