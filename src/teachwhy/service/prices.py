"""What a model's tokens cost: the shipped table, and what the experiment file says, which wins."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from teachwhy.config import PriceConfig

MILLION = 1_000_000
FREE = ("teachwhy", "mockllm", "hf", "vllm", "sglang", "ollama", "llama-cpp-python")
"""Providers that run on one's own machine: their tokens cost nothing here."""


@cache
def shipped_prices() -> dict[str, PriceConfig]:
    """Model -> price, of prices.toml."""
    text = files("teachwhy.service").joinpath("prices.toml").read_text(encoding="utf-8")
    return {model: PriceConfig.model_validate(entry) for model, entry in tomllib.loads(text).items()}


def find_price(model: str, own: Mapping[str, PriceConfig]) -> PriceConfig | None:
    """The price of a model as Inspect names it; None where it is not known."""
    if model in own:
        return own[model]
    if model in shipped_prices():
        return shipped_prices()[model]
    if model.partition("/")[0] in FREE:
        return PriceConfig(input=0.0, output=0.0)
    return None


def price_call(
    price: PriceConfig,
    input_tokens: int,
    output_tokens: int,
    cached_tokens: int = 0,
    written_tokens: int = 0,
    *,
    batch: bool = False,
) -> float:
    """Dollars of calls; of `input_tokens` some were in the provider's cache, and some were put there."""
    cached = price.input if price.cached_input is None else price.cached_input
    written = price.input if price.cache_write is None else price.cache_write
    plain_tokens = input_tokens - cached_tokens - written_tokens
    dollars = plain_tokens * price.input + cached_tokens * cached + written_tokens * written
    dollars = (dollars + output_tokens * price.output) / MILLION
    return dollars * (1 - price.batch_discount) if batch else dollars
