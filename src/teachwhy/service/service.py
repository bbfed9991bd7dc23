"""The teacher service: calls go to models through Inspect, are paid once, and are held to a budget.

Reads and writes the ledger and nothing else. Equal calls get one answer: from the ledger, or, while the first
of them is under way, together with it. Failures that pass are tried again here and nowhere else.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Literal, Self, TypeVar

import anyio

from teachwhy.config import GenerationConfig, PriceConfig
from teachwhy.errors import ConfigError, TeacherError
from teachwhy.evaluation.run import quiet_inspect
from teachwhy.service.batching import BatchTransport
from teachwhy.service.budget import Budget, bound_call
from teachwhy.service.calls import Call, Reply, Role, UnreadableReplyError, make_call_id, note_call
from teachwhy.service.ledger import Attempt, CallLedger
from teachwhy.service.prices import find_price, price_call
from teachwhy.service.sending import Answered, Failed, completion_model
from teachwhy.service.transport import DirectTransport, Transport, choose_transport

Value = TypeVar("Value")
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 120.0
DRAIN_SECONDS = 60.0
"""How long the end waits for answers that are under way; a second Ctrl-C does not."""
_SEED_BITS = 31
"""Providers take seeds of 32 bits with a sign."""


class TeacherService:
    """The service over one ledger; an async context manager."""

    def __init__(
        self,
        teacher: str,
        config: GenerationConfig,
        ledger: CallLedger,
        *,
        transport: Transport | None = None,
        first_wait_seconds: float | None = None,
        drain_seconds: float = DRAIN_SECONDS,
    ) -> None:
        """`teacher` is the writer's name as Inspect knows it. Raises ConfigError for a budget in dollars that
        cannot be kept, since the price of a model is not known."""
        self.config = config
        self.ledger = ledger
        self.num_asked = 0
        """Calls that went to a provider since the start."""
        self._models: dict[Role, str] = {"teacher": teacher, "judge": config.judge, "base": config.base}
        self._first_wait_seconds = FIRST_WAIT_SECONDS if first_wait_seconds is None else first_wait_seconds
        self._drain_seconds = drain_seconds
        self._under_way: dict[str, _UnderWay] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = anyio.Event()
        if config.base:
            completion_model(config.base)
        names = [model for model in self._models.values() if model]
        self._transport = transport or _choose_transport(names, config, ledger)
        self._prices = {model: find_price(model, config.prices) for model in names}
        self._limits: dict[str, anyio.CapacityLimiter] = {}
        self._stack = AsyncExitStack()
        self._check_prices()
        self.budget = self._open_budget()

    def _open_budget(self) -> Budget:
        """The budget with what earlier starts spent; of an answer whose tokens are not known, the most."""
        spent = self.ledger.spent()
        dollars, tokens = self.ledger.sum_known_costs(), spent.input_tokens + spent.output_tokens
        for model, call in self.ledger.read_uncounted():
            most = bound_call(call, find_price(model, self.config.prices))
            dollars, tokens = dollars + most[0], tokens + most[1]
        return Budget(self.config.budget_usd, self.config.budget_tokens, dollars, tokens)

    def _check_prices(self) -> None:
        unknown = sorted(model for model, price in self._prices.items() if price is None)
        if self.config.budget_usd is not None and unknown:
            raise ConfigError(
                f"generation.budget_usd = {self.config.budget_usd:g} cannot be kept: the price of "
                f"{unknown[0]!r} is not known. Give it in dollars for a million tokens, "
                f'[generation.prices."{unknown[0]}"] input = ..., output = ..., or use budget_tokens.'
            )

    async def __aenter__(self) -> Self:
        self._stack.enter_context(quiet_inspect())
        await self._stack.enter_async_context(self._transport)
        for model, call in self._transport.find_in_flight():
            self._begin(make_call_id(model, call), model, call)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let requests under way come to their answers, which are paid for; none is sent again.

        Batches stay with their providers.
        """
        self._closing.set()
        with anyio.CancelScope(shield=True):
            await self._transport.leave()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=self._drain_seconds)
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)
            await self._stack.aclose()

    @property
    def num_under_way(self) -> int:
        """Calls that were begun and have not ended."""
        return len(self._under_way)

    def model_of(self, role: Role) -> str:
        """Name of the model in a role. Raises ConfigError where none is configured."""
        if not self._models[role]:
            raise ConfigError(f"generation.{role} is missing: name the model, as Inspect does.")
        return self._models[role]

    def call_id(self, call: Call) -> str:
        """Key of a call in the ledger."""
        return make_call_id(self.model_of(call.role), call)

    async def ask(self, call: Call) -> Reply:
        """The answer to a call, from the ledger where it is there. Raises as `Service.ask`.

        Who stops waiting for it does not stop the call.
        """
        model = self.model_of(call.role)
        call_id = make_call_id(model, call)
        note_call(call_id)
        found = self.ledger.find(call_id)
        if found is not None:
            return found
        under_way = self._under_way.get(call_id) or self._begin(call_id, model, call)
        return await under_way.wait()

    def _begin(self, call_id: str, model: str, call: Call) -> _UnderWay:
        """Have a call paid for in a task of its own, which ends when it is answered or given up."""
        if self._closing.is_set():
            raise TeacherError(f"stage {call.stage}: the service is closed")
        under_way = self._under_way[call_id] = _UnderWay()

        async def pay() -> None:
            try:
                under_way.reply = await self._pay(call_id, model, call)
            except Exception as error:  # noqa: BLE001 - raised by whoever waits
                under_way.error = error
            except BaseException:
                under_way.error = TeacherError(f"stage {call.stage}: the service was closed")
                raise
            finally:
                del self._under_way[call_id]
                under_way.ended.set()

        task = asyncio.create_task(pay())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return under_way

    async def ask_until(self, call: Call, read: Callable[[Reply], Value], attempts: int = 3) -> Value:
        """What `read` makes of the first answer that is whole and readable. Raises as `Service.ask_until`."""
        reasons = []
        for place in range(attempts):
            reply = await self.ask(call.model_copy(update={"sample": call.sample + place}))
            if reply.stop == "filter" or (reply.stop == "length" and call.role != "base"):
                reasons.append({"length": "cut at its limit of tokens", "filter": "filtered"}[reply.stop])
                continue
            try:
                return read(reply)
            except UnreadableReplyError as error:
                self.ledger.mark_unreadable(reply.call_id, str(error))
                reasons.append(str(error))
        told = "; ".join(dict.fromkeys(reasons))
        raise TeacherError(f"stage {call.stage}: {attempts} answers and none of use: {told}")

    async def _pay(self, call_id: str, model: str, call: Call) -> Reply:
        """Send a call until it is answered, within the budget and the retries."""
        if model not in self._prices:  # of a batch that an earlier run sent
            self._prices[model] = find_price(model, self.config.prices)
        if self._transport.holds(call_id):
            return await self._try_until_answered(call_id, model, call)
        if model not in self._limits:
            is_batched = self._transport.is_batched(model)
            self._limits[model] = anyio.CapacityLimiter(math.inf if is_batched else self.config.connections)
        async with self._limits[model]:
            return await self._try_until_answered(call_id, model, call)

    async def _try_until_answered(self, call_id: str, model: str, call: Call) -> Reply:
        seed = int(call_id, 16) & ((1 << _SEED_BITS) - 1)
        for number in range(self.config.max_retries + 1):
            came = await self._try_once(call_id, model, call, seed)
            if isinstance(came, Reply):
                return came
            if came.kind == "key":
                raise ConfigError(f"model {model!r} does not let us in: {came.reason}. Check its API key.")
            if came.kind == "missing":
                raise ConfigError(f"model {model!r} is not there: {came.reason}. Check its name and address.")
            is_last = came.kind in ("lasting", "left") or number == self.config.max_retries
            if is_last or self._closing.is_set():
                raise TeacherError(f"stage {call.stage}: {model} gave no answer: {came.reason}")
            with anyio.move_on_after(self._choose_wait(came, number)):
                await self._closing.wait()
        raise AssertionError("unreachable: the loop returns or raises")

    async def _try_once(self, call_id: str, model: str, call: Call, seed: int) -> Reply | Failed:
        price = self._prices[model]
        if self._transport.holds(call_id):
            aside = self.budget.count_in(call, price)
        else:
            self.ledger.check_room()
            aside = await self.budget.set_aside(call, price)
        settled: tuple[float | None, int] = (None, 0)
        try:
            if self._closing.is_set():
                return Failed("the service is closed", "left")
            self.num_asked += 1
            timeout = float(self.config.request_timeout_seconds)
            came = await self._transport.send(model, call, seed, timeout)
            if isinstance(came, Answered):
                cost = _price_answer(price, came)
                settled = cost, (came.input_tokens or 0) + (came.output_tokens or 0)
                if came.input_tokens is None:
                    settled = aside  # the worst case, as the next start counts it too
                return self._keep(call_id, model, call, came, cost)
        finally:
            self.budget.settle(aside, *settled)
        if came.kind != "left":
            self.ledger.add_attempt(call_id, model, call, Attempt("error", came.reason, batch=came.batch))
        return came

    def _keep(self, call_id: str, model: str, call: Call, came: Answered, cost: float | None) -> Reply:
        price = self._prices[model]
        outcomes: dict[str, Literal["ok", "cut", "filtered"]] = {
            "end": "ok",
            "length": "cut",
            "filter": "filtered",
        }
        attempt = Attempt(
            outcome=outcomes[came.stop],
            text=came.text,
            tool_calls=came.tool_calls,
            stop=came.stop,
            input_tokens=came.input_tokens,
            output_tokens=came.output_tokens,
            cached_tokens=came.cached_tokens,
            cost_usd=cost,
            price_date=price.date if price else None,
            latency_seconds=came.latency_seconds,
            batch=came.batch,
        )
        self.ledger.add_attempt(call_id, model, call, attempt)
        return Reply(
            call_id=call_id,
            text=came.text,
            tool_calls=came.tool_calls,
            stop=came.stop,
            input_tokens=came.input_tokens or 0,
            output_tokens=came.output_tokens or 0,
            cost_usd=cost,
        )

    def _choose_wait(self, failed: Failed, number: int) -> float:
        """Seconds until the next try: what the provider asks for, or twice as long each time, with jitter."""
        wait = self._first_wait_seconds * float(2**number) * random.uniform(0.5, 1.0)
        if failed.wait_seconds is not None and self._first_wait_seconds:
            wait = max(wait, failed.wait_seconds)
        return min(wait, LONGEST_WAIT_SECONDS)


def _price_answer(price: PriceConfig | None, came: Answered) -> float | None:
    """Dollars; None where the price is not known, or the tokens of what is not free."""
    if price is None:
        return None
    if came.input_tokens is None or came.output_tokens is None:
        return None if price.input or price.output else 0.0
    counts = (came.input_tokens, came.output_tokens, came.cached_tokens, came.written_tokens)
    return price_call(price, *counts, batch=came.batch is not None)


class _UnderWay:
    """A call that somebody asked already; all who ask it wait for its end."""

    def __init__(self) -> None:
        self.ended = anyio.Event()
        self.reply: Reply | None = None
        self.error: Exception | None = None

    async def wait(self) -> Reply:
        """The answer. Raises the error that it ended with."""
        await self.ended.wait()
        if self.error is not None:
            raise self.error
        assert self.reply is not None
        return self.reply


def _choose_transport(models: list[str], config: GenerationConfig, ledger: CallLedger) -> Transport:
    """Batches where they are asked for, or where some of an earlier run are still to be collected."""
    direct = DirectTransport() if config.batch else choose_transport(models, config.connections)
    if config.batch or ledger.batches.read_open():
        return BatchTransport(ledger.batches, direct, sends=config.batch)
    return direct
