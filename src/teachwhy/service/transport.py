"""How calls travel: in this process, or spread over a few processes where one event loop is too slow.

A call costs about 2 ms of CPU in Inspect's provider and the provider's own client, so one process sends about
400 a second at most.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
from types import TracebackType
from typing import Any, Protocol, Self

import anyio
from inspect_ai.model import Model

from teachwhy.errors import ConfigError, TeachwhyError
from teachwhy.evaluation.run import close_model, open_model
from teachwhy.records import ToolCall
from teachwhy.service.calls import Call
from teachwhy.service.prices import FREE
from teachwhy.service.sending import Answered, Failed, send

CONNECTIONS_PER_PROCESS = 50
"""Calls under way from which a further process is worth its start."""
STOP_SECONDS = 10.0
"""How long a process may take to end before it is killed."""
_LINE_LIMIT = 1 << 28


class Transport(Protocol):
    """Carries calls to models."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def send(self, model: str, call: Call, seed: int, timeout_seconds: float) -> Answered | Failed:
        """Ask a model once. Raises ConfigError for a model that there is not."""
        ...

    def is_batched(self, model: str) -> bool:
        """Calls to this model go in batches, as many at a time as there are."""
        ...

    def holds(self, call_id: str) -> bool:
        """The call went out in a batch, and its answer is to come."""
        ...

    def find_in_flight(self) -> list[tuple[str, Call]]:
        """Model and call of all that earlier runs sent and nobody collected."""
        ...

    async def leave(self) -> None:
        """Tell those who wait for a batch that nobody does any more."""
        ...


class _NoBatches:
    """What a transport says that sends each call by itself."""

    def is_batched(self, model: str) -> bool:
        """Never."""
        return False

    def holds(self, call_id: str) -> bool:
        """Never."""
        return False

    def find_in_flight(self) -> list[tuple[str, Call]]:
        """None."""
        return []

    async def leave(self) -> None:
        """Nobody waits for a batch."""


class DirectTransport(_NoBatches):
    """Models in this process, each opened when it is first asked."""

    def __init__(self) -> None:
        """Nothing is opened yet."""
        self._models: dict[str, Model] = {}

    async def send(self, model: str, call: Call, seed: int, timeout_seconds: float) -> Answered | Failed:
        """Ask a model once. Raises ConfigError for a model that there is not."""
        if model not in self._models:
            self._models[model] = opened = open_model(model)
            client = getattr(opened.api, "client", None)
            if client is not None and hasattr(client, "max_retries"):
                client.max_retries = 0  # retries are the service's
        return await send(self._models[model], call, seed, timeout_seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            for model in self._models.values():
                await model.api.aclose()
                close_model(model)
        self._models.clear()


def choose_transport(models: list[str], connections: int) -> Transport:
    """Processes where many calls go to models behind an API, else this process."""
    num_processes = min(os.cpu_count() or 1, connections // CONNECTIONS_PER_PROCESS)
    is_local = any(model.partition("/")[0] in FREE for model in models)
    return DirectTransport() if is_local or num_processes < 2 else ProcessTransport(num_processes)


class ProcessTransport(_NoBatches):
    """A few processes that send (`sender.py`), each call going to the one with the fewest under way."""

    def __init__(self, num_processes: int) -> None:
        """Nothing is started yet."""
        self._num_processes = num_processes
        self._senders: list[_Sender] = []

    async def __aenter__(self) -> Self:
        self._senders = [_Sender() for _ in range(self._num_processes)]
        try:
            await asyncio.gather(*(sender.start() for sender in self._senders))
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            await asyncio.gather(*(sender.stop() for sender in self._senders))

    async def send(self, model: str, call: Call, seed: int, timeout_seconds: float) -> Answered | Failed:
        """Ask a model once. Raises ConfigError for a model that there is not."""
        sender = min(self._senders, key=lambda sender: len(sender.waiting))
        request = {
            "model": model,
            "call": call.model_dump(mode="json"),
            "seed": seed,
            "timeout": timeout_seconds,
        }
        told = await sender.ask(request)
        if "refused" in told:
            raise ConfigError(told["refused"])
        if "failed" in told:
            return Failed(**told["failed"])
        answered = told["answered"]
        calls = tuple(ToolCall.model_validate(c) for c in answered.pop("tool_calls"))
        return Answered(**answered, tool_calls=calls)


class _Sender:
    """One process, and the calls that it has under way; it is started again when it died."""

    def __init__(self) -> None:
        self.waiting: dict[int | str, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count()
        self._starting = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self) -> asyncio.StreamWriter:
        """The process's standard input; starts it where it does not run, and waits until it is ready.

        Raises TeachwhyError for one that ends before it is.
        """
        async with self._starting:
            if self._process is None or self._reading is None or self._reading.done():
                ready = self.waiting["ready"] = asyncio.get_running_loop().create_future()
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "teachwhy.service.sender"),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    limit=_LINE_LIMIT,
                )
                self._reading = asyncio.create_task(self._read(self._process))
                if "failed" in await ready:
                    raise TeachwhyError("a process that sends calls could not be started; see above")
            assert self._process.stdin is not None
            return self._process.stdin

    async def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request; where the process died, that it failed."""
        stdin = await self.start()
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.waiting[number] = answer
        try:
            stdin.write(json.dumps({"id": number, **request}).encode() + b"\n")
            return await answer
        finally:
            self.waiting.pop(number, None)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            while line := await process.stdout.readline():
                told = json.loads(line)
                if (future := self.waiting.pop(told["id"], None)) and not future.done():
                    future.set_result(told)
        except ValueError:  # a line that is too long or none of ours: nothing behind it can be trusted
            process.kill()
        reason = {"reason": "the process that sent it died", "kind": "passing", "wait_seconds": None}
        for future in self.waiting.values():
            if not future.done():
                future.set_result({"failed": dict(reason)})
        self.waiting.clear()

    async def stop(self) -> None:
        """End the process; what it has under way is lost."""
        if self._process is None or self._reading is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        await self._reading
