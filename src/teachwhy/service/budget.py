"""A hard budget: no call is begun that could pass it.

For each call under way the worst case is set aside, an upper bound of its input and all the output that it
may have. A call that finds too little left waits for those under way to end; when none is, the budget is
spent.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio

from teachwhy.config import PriceConfig
from teachwhy.service.calls import BudgetSpentError, Call
from teachwhy.service.prices import price_call

TOKENS_PER_MESSAGE = 16
TOKENS_OF_TOOLS = 600
"""What providers add to a request that has tools."""


def bound_input(call: Call) -> int:
    """Upper bound of the input tokens of a call: no text has more tokens than bytes."""
    num_bytes = sum(len(message.content.encode("utf-8", "surrogatepass")) for message in call.messages)
    num_bytes += sum(len(tool.model_dump_json().encode()) for tool in call.tools)
    num_bytes += sum(
        len(c.model_dump_json().encode()) for message in call.messages for c in message.tool_calls
    )
    return num_bytes + TOKENS_PER_MESSAGE * len(call.messages) + (TOKENS_OF_TOOLS if call.tools else 0)


def bound_call(call: Call, price: PriceConfig | None) -> tuple[float, int]:
    """The most dollars and tokens that a call can take."""
    num_input = bound_input(call)
    num_written = num_input if price and (price.cache_write or 0.0) > price.input else 0
    dollars = price_call(price, num_input, call.max_tokens, 0, num_written) if price else 0.0
    return dollars, num_input + call.max_tokens


@dataclass
class Budget:
    """What may be spent, what was, and what is set aside for calls under way."""

    max_usd: float | None = None
    max_tokens: int | None = None
    spent_usd: float = 0.0
    spent_tokens: int = 0
    _aside_usd: float = 0.0
    _aside_tokens: int = 0
    _num_open: int = 0
    _ended: anyio.Event = field(default_factory=anyio.Event)

    async def set_aside(self, call: Call, price: PriceConfig | None) -> tuple[float, int]:
        """Reserve the worst case of a call; returns it, for `settle`. Raises BudgetSpentError."""
        dollars, tokens = bound_call(call, price)
        while not self._has_room(dollars, tokens):
            if not self._num_open:
                raise BudgetSpentError(self._describe(dollars, tokens))
            await self._ended.wait()
        return self.count_in(call, price)

    def count_in(self, call: Call, price: PriceConfig | None) -> tuple[float, int]:
        """Reserve for a call that went out already, whatever is left; for `settle`."""
        dollars, tokens = bound_call(call, price)
        self._aside_usd += dollars
        self._aside_tokens += tokens
        self._num_open += 1
        return dollars, tokens

    def settle(self, aside: tuple[float, int], cost_usd: float | None, num_tokens: int) -> None:
        """Replace what was set aside by what the call took."""
        self._aside_usd -= aside[0]
        self._aside_tokens -= aside[1]
        self._num_open -= 1
        self.spent_usd += cost_usd or 0.0
        self.spent_tokens += num_tokens
        self._ended.set()
        self._ended = anyio.Event()

    def _has_room(self, dollars: float, tokens: int) -> bool:
        usd = self.max_usd is None or self.spent_usd + self._aside_usd + dollars <= self.max_usd
        return usd and (
            self.max_tokens is None or self.spent_tokens + self._aside_tokens + tokens <= self.max_tokens
        )

    def _describe(self, dollars: float, tokens: int) -> str:
        is_usd = self.max_usd is not None and self.spent_usd + dollars > self.max_usd
        if is_usd:
            told = (
                f"${self.spent_usd:.2f} of generation.budget_usd = {self.max_usd:g} are spent, and the next "
            )
            told += f"call could cost ${dollars:.4f}"
        else:
            told = (
                f"{self.spent_tokens:,} of generation.budget_tokens = {self.max_tokens:,} are used, and the "
            )
            told += f"next call could take {tokens:,}"
        return (
            f"{told}. What was paid for is in the ledger: raise the budget and run the same command to go on."
        )
