"""What a run will take before it is paid for: calls, tokens and dollars of each stage.

Reads the ledger of a pilot, where there is one, and writes nothing. A stage that the pilot has asked is
estimated from what its calls took; of the others the plan's own guess is used, and the row says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from teachwhy.config import PriceConfig
from teachwhy.service.calls import Role
from teachwhy.service.ledger import CallLedger, Spending
from teachwhy.service.prices import find_price, price_call

FEW_CALLS = 20
"""Measured calls below which a row warns."""


class StagePlan(NamedTuple):
    """What a stage is to be asked."""

    stage: str
    role: Role
    num_calls: int
    """Usable answers that are wanted."""
    input_tokens: int
    """Of one call, by guess; a measurement wins."""
    output_tokens: int


class StageEstimate(NamedTuple):
    """What a stage will take."""

    stage: str
    role: Role
    model: str
    num_calls: int
    """With those that are asked again since their answers were of no use."""
    input_tokens: int
    """Of all calls."""
    output_tokens: int
    dollars: float | None
    """None where the price of the model is not known."""
    basis: str
    """Where the figures come from, for the reader."""


def estimate(
    plans: Sequence[StagePlan],
    pilot: CallLedger | None,
    models: Mapping[Role, str],
    prices: Mapping[str, PriceConfig],
    *,
    batch: bool = False,
) -> list[StageEstimate]:
    """One row a plan, in their order. `prices`: those of the experiment file, over the shipped ones.

    A pilot's calls count for a stage when the same model answered them in the same role.
    """
    measured = pilot.spent_by_stage() if pilot is not None else {}
    rows = []
    for plan in plans:
        model = models[plan.role]
        rows.append(_estimate(plan, model, measured.get((plan.stage, plan.role, model)), prices, batch))
    return rows


def _estimate(
    plan: StagePlan, model: str, spent: Spending | None, prices: Mapping[str, PriceConfig], batch: bool
) -> StageEstimate:
    num_usable = spent.num_calls - spent.num_unusable if spent is not None else 0
    price = find_price(model, prices)
    if spent is None or not spent.num_calls:
        num_calls = plan.num_calls
        sums = (num_calls * plan.input_tokens, num_calls * plan.output_tokens)
        basis = "guessed"
    else:
        # without any usable answer the yield is taken as if the next one were
        num_calls = math.ceil(plan.num_calls * spent.num_calls / max(num_usable, 1))
        sums = (
            round(num_calls * spent.input_tokens / spent.num_calls),
            round(num_calls * spent.output_tokens / spent.num_calls),
        )
        basis = f"measured from {spent.num_calls} calls"
        if spent.num_unusable:
            basis += f", {spent.num_unusable} of no use"
        if spent.num_calls < FEW_CALLS:
            basis += ", which are few"
    dollars = None if price is None else price_call(price, *sums, batch=batch)
    return StageEstimate(plan.stage, plan.role, model, num_calls, *sums, dollars, basis)


def add_up(rows: Sequence[StageEstimate]) -> tuple[int, int, int, float | None]:
    """Calls, input tokens, output tokens and dollars of all rows; None where some price is not known."""
    costs = [row.dollars for row in rows]
    known = [cost for cost in costs if cost is not None]
    return (
        sum(row.num_calls for row in rows),
        sum(row.input_tokens for row in rows),
        sum(row.output_tokens for row in rows),
        sum(known) if len(known) == len(costs) else None,
    )
