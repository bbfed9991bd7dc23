"""Calls through the batch APIs of providers, so kept that a batch outlives the process that sent it.

Inspect's provider builds the requests, makes the batch, looks how it stands and reads the answers. Its own
bookkeeping dies with the process, so it is done here, by the ledger's tables: a call that is in a batch is
waited for and never sent again, also after a restart.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, NamedTuple, Self

import anyio
from anyio.streams.memory import MemoryObjectSendStream
from inspect_ai.model import Model
from inspect_ai.model._providers.util.batch import Batcher, BatchRequest
from inspect_ai.model._providers.util.hooks import HttpxHooks

from teachwhy.errors import ConfigError, InputError
from teachwhy.evaluation.run import close_model, open_model
from teachwhy.service.batch_api import create_batch, find_batch, is_gone, is_refused, read_results, size_of
from teachwhy.service.batch_table import BatchTable, OpenBatch
from teachwhy.service.calls import Call, make_call_id
from teachwhy.service.prices import FREE
from teachwhy.service.sending import Answered, CarriedFailureError, Failed, explain, send
from teachwhy.service.transport import Transport

MAX_CHECK_FAILURES = 20
"""In a row, of a kind that does not pass, before those who wait for a batch are told."""
CLOSE_SECONDS = 60.0
"""How long the sending of a batch may still take at the end."""
_LEFT = Failed("the run ended; the answer stays with the provider until the next one", "left")
_NEVER = Failed("the batch holds no answer to this call", "passing")


class BatchPace(NamedTuple):
    """When batches are sent and looked at."""

    gather_seconds: float = 5.0
    """A batch is sent when no further call came for this long."""
    check_seconds: float = 30.0
    max_calls: int = 10_000


@dataclass
class _Ticket:
    """One call on its way, from the provider that builds its request to its answer."""

    call_id: str
    model_name: str
    call: Call
    model: Model
    transport: BatchTransport
    batcher: Batcher[Any, Any] | None = None
    request: BatchRequest[Any] | None = None
    stream: MemoryObjectSendStream[Any] | None = None
    num_bytes: int = 0
    batch: str | None = None
    """Id of the batch that its answer or its failure came in."""

    def deliver(self, result: object, batch: str | None = None) -> None:
        """Give the provider its response, or the exception that it would have met."""
        self.batch = batch
        assert self.stream is not None
        with contextlib.suppress(anyio.BrokenResourceError, anyio.WouldBlock):
            self.stream.send_nowait(result)


@dataclass
class _Group:
    """Calls that will be a batch: of one model, one kind of request and one set of headers."""

    tickets: dict[str, _Ticket] = field(default_factory=dict)
    num_bytes: int = 0
    last_came: float = 0.0


@dataclass
class _Batch:
    """A batch under way."""

    number: int
    began: datetime
    order: list[str]
    """Ids of all its calls, as they were sent."""
    waiting: set[str]
    """Of those that are not handed out."""
    id: str | None = None
    file: str | None = None
    earlier: OpenBatch | None = None
    """As an earlier run left it in the ledger."""
    tickets: dict[str, _Ticket] = field(default_factory=dict)
    """Those who wait for it here."""
    results: dict[str, Any] | None = None
    """All of them, once it has ended."""
    error: Exception | None = None
    """With which its making ended, where it is not known whether the provider has it."""
    num_failures: int = 0
    next_check: float = 0.0


_TICKET: ContextVar[_Ticket | None] = ContextVar("call in a batch", default=None)


@contextlib.contextmanager
def _own_bookkeeping() -> Iterator[None]:
    """Requests that Inspect's batchers are given for a ticket come to the ticket's transport."""
    earlier = Batcher.generate_for_request

    async def generate_for_request(batcher: Batcher[Any, Any], request: dict[str, Any]) -> Any:
        ticket = _TICKET.get()
        if ticket is None:
            return await earlier(batcher, request)
        return await ticket.transport.carry(ticket, batcher, request)

    Batcher.generate_for_request = generate_for_request  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        Batcher.generate_for_request = earlier  # type: ignore[method-assign]


class BatchTransport:
    """Sends calls in batches; those of models on one's own machine, and all where `sends` is False, directly.

    Without `sends` it waits for the batches that an earlier run sent, and begins none.
    """

    def __init__(
        self, table: BatchTable, direct: Transport, *, sends: bool = True, pace: BatchPace | None = None
    ) -> None:
        """Knows of the batches in flight from here on; nothing is sent or opened yet."""
        self._table = table
        self._direct = direct
        self._sends = sends
        self._pace = pace or BatchPace()
        self._models: dict[str, Model] = {}
        self._groups: dict[tuple[object, ...], _Group] = {}
        self._batches = [
            _Batch(kept.number, kept.began, list(kept.calls), set(kept.waiting), kept.id, kept.file, kept)
            for kept in table.read_open()
        ]
        self._in_flight = {call_id: batch for batch in self._batches for call_id in batch.waiting}
        self._stack = contextlib.AsyncExitStack()
        self._news = asyncio.Event()
        self._is_closing = False
        self._tickets: dict[str, _Ticket] = {}
        self._worker: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._stack.enter_context(_own_bookkeeping())
        await self._stack.enter_async_context(self._direct)
        self._worker = asyncio.create_task(self._work())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self.leave()
            if self._worker is not None:
                await asyncio.wait([self._worker], timeout=CLOSE_SECONDS)
                self._worker.cancel()
                await asyncio.wait([self._worker])
            for model in self._models.values():
                await model.api.aclose()
                close_model(model)
            await self._stack.aclose()

    async def leave(self) -> None:
        """Tell all who wait for a batch that nobody does any more; the batches stay with their providers."""
        self._is_closing = True
        self._news.set()
        for ticket in list(self._tickets.values()):
            ticket.deliver(CarriedFailureError(_LEFT))

    def find_in_flight(self) -> list[tuple[str, Call]]:
        """Model and call of all that earlier runs sent and nobody collected."""
        return [
            (batch.earlier.model, batch.earlier.calls[call_id])
            for batch in self._batches
            if batch.earlier is not None
            for call_id in batch.order
            if call_id in batch.waiting
        ]

    def holds(self, call_id: str) -> bool:
        """The call went out already."""
        return call_id in self._in_flight

    def is_batched(self, model: str) -> bool:
        """Calls to this model go in batches."""
        return self._sends and model.partition("/")[0] not in FREE

    async def send(self, model: str, call: Call, seed: int, timeout_seconds: float) -> Answered | Failed:
        """Ask a model once. Raises ConfigError for a model that there is not, or that takes no batches."""
        call_id = make_call_id(model, call)
        if not self.holds(call_id) and not self.is_batched(model):
            return await self._direct.send(model, call, seed, timeout_seconds)
        ticket = _Ticket(call_id, model, call, self._open(model), self)
        token = _TICKET.set(ticket)
        try:
            came = await send(ticket.model, call, seed, None, batch=True)
        finally:
            _TICKET.reset(token)
        return came._replace(batch=ticket.batch)

    def _open(self, name: str) -> Model:
        if name not in self._models:
            model = open_model(name)
            if not any(attribute.endswith("_batcher") for attribute in vars(model.api)):
                raise ConfigError(
                    f"generation.batch = true: the provider {name.partition('/')[0]!r} of {name!r} has no "
                    "batch API in Inspect (openai, anthropic, google, grok and together have one). Name a "
                    "model of one of them, or set generation.batch = false."
                )
            client = getattr(model.api, "client", None)
            if client is not None and hasattr(client, "max_retries"):
                client.max_retries = 0  # retries are the service's
            self._models[name] = model
        return self._models[name]

    async def carry(self, ticket: _Ticket, batcher: Batcher[Any, Any], request: dict[str, Any]) -> Any:
        """The response to a request that a provider built, out of a batch. Raises what the call met there."""
        stream, answer = anyio.create_memory_object_stream[Any](1)
        if "extra_headers" in request:  # the provider's batcher takes the request's name from there
            headers = {**(request["extra_headers"] or {}), HttpxHooks.REQUEST_ID_HEADER: ticket.call_id}
            request["extra_headers"] = headers
        ticket.batcher, ticket.stream = batcher, stream
        ticket.request = BatchRequest(request=request, result_stream=stream, custom_id=ticket.call_id)
        self._tickets[ticket.call_id] = ticket
        try:
            if self._is_closing:
                raise CarriedFailureError(_LEFT)
            if batch := self._in_flight.get(ticket.call_id):
                batch.tickets[ticket.call_id] = ticket
                if batch.results is not None:
                    self._hand_out(batch)
            else:
                self._gather(ticket)
            self._news.set()
            result = await answer.receive()
        finally:
            self._forget(ticket)
            stream.close()
            answer.close()
        if isinstance(result, Exception):
            raise result
        return result

    def _gather(self, ticket: _Ticket) -> None:
        assert ticket.request is not None
        key = (ticket.model_name, id(ticket.batcher), tuple(sorted(ticket.request.headers.items())))
        group = self._groups.setdefault(key, _Group())
        group.tickets[ticket.call_id] = ticket
        ticket.num_bytes = size_of(ticket.request)
        group.num_bytes += ticket.num_bytes
        group.last_came = time.monotonic()

    def _forget(self, ticket: _Ticket) -> None:
        self._tickets.pop(ticket.call_id, None)
        for key, group in list(self._groups.items()):
            if group.tickets.pop(ticket.call_id, None):
                group.num_bytes -= ticket.num_bytes
            if not group.tickets:
                del self._groups[key]
        if batch := self._in_flight.get(ticket.call_id):
            batch.tickets.pop(ticket.call_id, None)

    async def _work(self) -> None:
        """Send what was gathered and look at what is with the providers, until the end."""
        try:
            await self._take_turns()
        except Exception as error:
            self._is_closing = True
            for ticket in list(self._tickets.values()):
                ticket.deliver(error)
            raise

    async def _take_turns(self) -> None:
        while not self._is_closing:
            self._news.clear()
            for key in list(self._groups):
                if key in self._groups and self._is_due(self._groups[key]):
                    await self._submit(key)
            for batch in list(self._batches):
                if batch.tickets and time.monotonic() >= batch.next_check and not self._is_closing:
                    await self._look_at(batch)
                    batch.next_check = time.monotonic() + self._pace.check_seconds
            wait = self._pace.gather_seconds / 2 if self._groups else self._pace.check_seconds / 2
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), wait)

    def _is_due(self, group: _Group) -> bool:
        batcher = next(iter(group.tickets.values())).batcher
        assert batcher is not None
        return (
            len(group.tickets) >= min(self._pace.max_calls, batcher._max_batch_request_count)
            or group.num_bytes >= batcher._max_batch_size_bytes * 0.9
            or time.monotonic() - group.last_came >= self._pace.gather_seconds
        )

    async def _submit(self, key: tuple[object, ...]) -> None:
        """Send what was gathered as one batch; the ledger knows of it before the provider does."""
        tickets = self._take(key)
        calls = {ticket.call_id: ticket.call for ticket in tickets}
        requests = [ticket.request for ticket in tickets if ticket.request is not None]
        batcher = tickets[0].batcher
        assert batcher is not None
        try:
            number = self._table.begin(tickets[0].model_name, calls)
            batch = _Batch(number, datetime.now(UTC), list(calls), set(calls))
            batch.tickets = {ticket.call_id: ticket for ticket in tickets}
            self._batches.append(batch)
            self._in_flight |= dict.fromkeys(calls, batch)

            def note_file(file_id: str) -> None:
                batch.file = file_id
                self._table.note_file(number, file_id)

            batch.id = await create_batch(batcher, requests, note_file)
            self._table.note_sent(number, batch.id)
        except InputError as error:
            for ticket in tickets:
                ticket.deliver(error)
        except Exception as error:  # noqa: BLE001 - whatever a provider raises
            batch.error = error
            if is_refused(error):
                self._drop(batch)

    def _take(self, key: tuple[object, ...]) -> list[_Ticket]:
        """As many of the calls of a group as one batch can hold; the others stay in it."""
        group = self._groups[key]
        batcher = next(iter(group.tickets.values())).batcher
        assert batcher is not None
        taken: list[_Ticket] = []
        num_bytes = 0
        for ticket in list(group.tickets.values()):
            num_bytes += ticket.num_bytes
            if taken and (
                num_bytes > batcher._max_batch_size_bytes * 0.95
                or len(taken) >= min(self._pace.max_calls, batcher._max_batch_request_count)
            ):
                break
            taken.append(group.tickets.pop(ticket.call_id))
        group.num_bytes -= sum(ticket.num_bytes for ticket in taken)
        if not group.tickets:
            del self._groups[key]
        return taken

    async def _look_at(self, batch: _Batch) -> None:
        """See how a batch stands, for those who wait for it; hand out what came of it."""
        ticket = next(iter(batch.tickets.values()))
        assert ticket.batcher is not None
        try:
            if batch.id is None:
                batch.id = await find_batch(
                    ticket.batcher, batch.file, batch.began, len(batch.order), self._table.knows
                )
                if batch.id is None:
                    self._drop(batch)
                    return
                self._table.note_sent(batch.number, batch.id)
            batch.results = await read_results(ticket.batcher, batch.id, batch.order)
            batch.num_failures = 0
        except InputError as error:
            self._tell(batch, error)
        except Exception as error:  # noqa: BLE001 - whatever a provider raises
            self._count_failure(batch, ticket, error)
        if batch.results is not None:
            self._hand_out(batch)

    def _count_failure(self, batch: _Batch, ticket: _Ticket, error: Exception) -> None:
        """A batch could not be looked at: what passes is tried again, what lasts is told."""
        came = explain(ticket.model, error)
        if is_gone(error):
            failed = Failed(f"the provider has batch {batch.id} no more", "passing")
            batch.results = dict.fromkeys(batch.order, CarriedFailureError(failed))
        elif isinstance(came, Failed) and came.kind != "passing":
            batch.num_failures += 1
            if came.kind == "key" or batch.num_failures >= MAX_CHECK_FAILURES:
                batch.num_failures = 0
                self._tell(batch, error)

    def _tell(self, batch: _Batch, error: Exception) -> None:
        for ticket in list(batch.tickets.values()):
            ticket.deliver(error)

    def _hand_out(self, batch: _Batch) -> None:
        """Give those who wait their results; the service settles them in the ledger."""
        assert batch.results is not None and batch.id is not None
        for call_id, ticket in list(batch.tickets.items()):
            ticket.deliver(batch.results.get(call_id, CarriedFailureError(_NEVER)), batch.id)
            del batch.tickets[call_id]
            batch.waiting.discard(call_id)
            self._in_flight.pop(call_id, None)
        if not batch.waiting:
            self._batches.remove(batch)

    def _drop(self, batch: _Batch) -> None:
        """The provider does not have a batch: its calls failed with its error, or are gathered anew."""
        self._table.drop(batch.number)
        self._batches.remove(batch)
        for call_id in batch.order:
            self._in_flight.pop(call_id, None)
        for ticket in list(batch.tickets.values()):
            if batch.error is not None:
                ticket.deliver(batch.error)
            else:
                self._gather(ticket)
