"""The teacher service: calls go to models through Inspect, are paid once, and are held to a budget.

Reads and writes the ledger and nothing else. Equal calls get one answer: from the ledger, or, while the first
of them is under way, together with it. Failures that pass are tried again here and nowhere else.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Literal, Self, TypeVar

import anyio

from teachwhy.config import GenerationConfig
from teachwhy.errors import ConfigError, TeacherError
from teachwhy.evaluation.run import quiet_inspect
from teachwhy.service.budget import Budget
from teachwhy.service.calls import Call, Reply, Role, UnreadableReplyError, note_call
from teachwhy.service.ledger import Attempt, CallLedger
from teachwhy.service.prices import find_price, price_call
from teachwhy.service.sending import Answered, Failed
from teachwhy.service.transport import Transport, choose_transport

Value = TypeVar("Value")
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 120.0
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
    ) -> None:
        """`teacher` is the writer's name as Inspect knows it. Raises ConfigError for a budget in dollars that
        cannot be kept, since the price of a model is not known."""
        self.config = config
        self.ledger = ledger
        self.num_asked = 0
        """Calls that went to a provider since the start."""
        self._models: dict[Role, str] = {"teacher": teacher, "judge": config.judge, "base": config.base}
        self._first_wait_seconds = FIRST_WAIT_SECONDS if first_wait_seconds is None else first_wait_seconds
        self._under_way: dict[str, _UnderWay] = {}
        names = [model for model in self._models.values() if model]
        self._transport = transport or choose_transport(names, config.connections)
        self._prices = {model: find_price(model, config.prices) for model in names}
        self._limits = {model: anyio.CapacityLimiter(config.connections) for model in names}
        self._stack = AsyncExitStack()
        self._check_prices()
        spent = ledger.spent()
        self.budget = Budget(
            config.budget_usd,
            config.budget_tokens,
            ledger.sum_known_costs(),
            spent.input_tokens + spent.output_tokens,
        )

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
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def model_of(self, role: Role) -> str:
        """Name of the model in a role. Raises ConfigError where none is configured."""
        if not self._models[role]:
            raise ConfigError(f"generation.{role} is missing: name the model, as Inspect does.")
        return self._models[role]

    def call_id(self, call: Call) -> str:
        """Key of a call in the ledger."""
        content = f"{self.model_of(call.role)}\0{call.digest}"
        return hashlib.sha256(content.encode()).hexdigest()[:32]

    async def ask(self, call: Call) -> Reply:
        """The answer to a call, from the ledger where it is there. Raises as `Service.ask`."""
        call_id = self.call_id(call)
        note_call(call_id)
        while True:
            found = self.ledger.find(call_id)
            if found is not None:
                return found
            if call_id not in self._under_way:
                break
            await self._under_way[call_id].wait()
        under_way = self._under_way[call_id] = _UnderWay()
        try:
            return await self._pay(call_id, call)
        except TeacherError as error:
            under_way.error = error
            raise
        finally:
            del self._under_way[call_id]
            under_way.ended.set()

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

    async def _pay(self, call_id: str, call: Call) -> Reply:
        """Send a call until it is answered, within the budget and the retries."""
        model = self.model_of(call.role)
        price = self._prices[model]
        seed = int(call_id, 16) & ((1 << _SEED_BITS) - 1)
        async with self._limits[model]:
            for number in range(self.config.max_retries + 1):
                aside = await self.budget.set_aside(call, price)
                cost, tokens = None, 0
                try:
                    self.num_asked += 1
                    came = await self._transport.send(
                        model, call, seed, float(self.config.request_timeout_seconds)
                    )
                    if isinstance(came, Answered):
                        tokens = came.input_tokens + came.output_tokens
                        if price is not None:
                            cost = price_call(
                                price, came.input_tokens, came.output_tokens, came.cached_tokens
                            )
                        return self._keep(call_id, model, call, came, cost)
                finally:
                    self.budget.settle(aside, cost, tokens)
                self.ledger.add_attempt(call_id, model, call, Attempt("error", came.reason))
                if came.kind == "key":
                    raise ConfigError(
                        f"model {model!r} does not let us in: {came.reason}. Check its API key."
                    )
                if came.kind == "lasting" or number == self.config.max_retries:
                    raise TeacherError(f"stage {call.stage}: {model} gave no answer: {came.reason}")
                await anyio.sleep(self._choose_wait(came, number))
        raise AssertionError("unreachable: the loop returns or raises")

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
        )
        self.ledger.add_attempt(call_id, model, call, attempt)
        return Reply(
            call_id=call_id,
            text=came.text,
            tool_calls=came.tool_calls,
            stop=came.stop,
            input_tokens=came.input_tokens,
            output_tokens=came.output_tokens,
            cost_usd=cost,
        )

    def _choose_wait(self, failed: Failed, number: int) -> float:
        """Seconds until the next try: what the provider asks for, or twice as long each time, with jitter."""
        wait = self._first_wait_seconds * float(2**number) * random.uniform(0.5, 1.0)
        if failed.wait_seconds is not None and self._first_wait_seconds:
            wait = max(wait, failed.wait_seconds)
        return min(wait, LONGEST_WAIT_SECONDS)


class _UnderWay:
    """A call that somebody asked already; others wait for its end."""

    def __init__(self) -> None:
        self.ended = anyio.Event()
        self.error: TeacherError | None = None

    async def wait(self) -> None:
        """Return at its end. Raises the error that it ended with."""
        await self.ended.wait()
        if self.error is not None:
            raise self.error
