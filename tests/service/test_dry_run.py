"""Estimates of a run: guessed, or measured from a pilot with its yield."""

from __future__ import annotations

from pathlib import Path

import pytest

from teachwhy.config import PriceConfig
from teachwhy.records import Message
from teachwhy.service.calls import Call, Role
from teachwhy.service.dry_run import StagePlan, add_up, estimate
from teachwhy.service.ledger import Attempt, CallLedger, Outcome
from teachwhy.service.prices import price_call, shipped_prices

MODELS: dict[Role, str] = {"teacher": "p/writer", "judge": "p/judge"}
PRICES = {"p/writer": PriceConfig(input=2.0, output=10.0, batch_discount=0.5)}
PLANS = [StagePlan("answer", "teacher", 1000, 500, 200), StagePlan("score", "judge", 1000, 700, 10)]


def test_without_a_pilot_the_guess_counts_and_an_unknown_price_is_none() -> None:
    answer, score = estimate(PLANS, None, MODELS, PRICES)
    assert answer[3:] == (1000, 500_000, 200_000, pytest.approx(1.0 + 2.0), "guessed")
    assert score.dollars is None and score.model == "p/judge"
    assert add_up([answer, score]) == (2000, 1_200_000, 210_000, None)
    assert add_up([answer])[3] == answer.dollars


def test_a_pilot_gives_means_and_the_calls_that_its_yield_costs(tmp_path: Path) -> None:
    outcomes: list[Outcome] = ["ok"] * 30 + ["cut"] * 6 + ["unreadable"] * 4 + ["error"] * 5
    with CallLedger(tmp_path / "l.sqlite") as ledger:
        for number, outcome in enumerate(outcomes):
            call = Call(stage="answer", messages=(Message(role="user", content=str(number)),))
            tokens = {} if outcome == "error" else {"input_tokens": 300 + number, "output_tokens": 100}
            ledger.add_attempt(str(number), "p/writer", call, Attempt(outcome, **tokens))
        answer, score = estimate(PLANS, ledger, MODELS, PRICES)
        (half,) = estimate(PLANS[:1], ledger, MODELS, PRICES, batch=True)
        (other,) = estimate(PLANS[:1], ledger, {"teacher": "p/other"}, PRICES)
    assert answer.num_calls == 1334  # 1000 / (30 / 40)
    assert answer.input_tokens == round(1334 * (300 + 19.5)) and answer.output_tokens == 133_400
    assert answer.dollars == pytest.approx((answer.input_tokens * 2 + answer.output_tokens * 10) / 1e6)
    assert answer.basis == "measured from 40 calls, 10 of no use" and score.basis == "guessed"
    assert half.dollars == pytest.approx((answer.dollars or 0) / 2) and other.basis == "guessed"


def test_shipped_prices_are_dated_and_a_cache_costs_what_it_costs() -> None:
    assert shipped_prices() and all(price.date > "2026" for price in shipped_prices().values())
    price = PriceConfig(input=2.0, output=10.0, cached_input=0.2, cache_write=2.5)
    assert price_call(price, 1_000_000, 0, 300_000, 500_000) == pytest.approx(0.4 + 0.06 + 1.25)
