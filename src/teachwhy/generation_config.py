"""The section [generation] of an experiment file: how a language model writes the rows, and what is refused.

Part of config.py, which passes these names on.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from teachwhy.evaluation_config import Count, Settings

Dollars = Annotated[float, Field(ge=0)]
Threshold = Annotated[float, Field(ge=0, le=1)]


class PriceConfig(Settings):
    """What a model costs, in dollars for a million tokens."""

    input: Dollars
    output: Dollars
    cached_input: Dollars | None = None
    """Of tokens that the provider had in its cache; where not given, as `input`."""
    cache_write: Dollars | None = None
    """Of tokens that the provider put into its cache; where not given, as `input`."""
    batch_discount: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share that a batch takes off."""
    date: str = ""
    """Day of the price list, for the ledger."""


class GateConfig(Settings):
    """What a row must pass to be kept; each gate keeps what it refuses, with its reason."""

    near_duplicates: Threshold = 0.8
    """Estimated Jaccard similarity of word 5-grams from which a later row is a near duplicate; 0: off."""
    semantic_duplicates: Threshold = 0.0
    """Cosine similarity from which, likewise, with `encoder`; 0: off."""
    encoder: str = ""
    """Folder of a Model2Vec or sentence encoder, for the semantic gate."""
    decontamination: bool = True
    """Refuse rows that share 13 words in a row, a name or a firm with an evaluation."""
    identity: bool = True
    """Refuse rows that tell the student that it is another model."""
    student_names: tuple[str, ...] = ()
    """Names that the student may be called by."""
    injections: bool = True
    """Refuse rows that hold a part of a system prompt that was only there to sample under."""
    talk_of_tests: bool = True
    """Refuse rows in which the answer talks about being tested or evaluated."""
    tic_share: Threshold = 0.2
    """Share of a dataset's rows from which a repeated opening, closing or phrase is a tic."""
    max_tics: Annotated[int, Field(ge=0)] | None = None
    """A dataset with more tics fails; None: they are told and nothing fails."""
    section_coverage: Threshold = 0.0
    """Share of the constitution's sections that a dataset must rest on; with less it fails."""


class GenerationConfig(Settings):
    """Rows from a language model; of the grammar of sprig only `gates` is used."""

    judge: str = ""
    """The model that scores, reviews datasets and filters; never the writer itself."""
    base: str = ""
    """A base model for fiction by completion; empty: the teacher writes all of it."""
    connections: Annotated[int, Field(ge=1, le=2000)] = 20
    """Requests at a time to each model."""
    batch: bool = False
    """Send calls through the provider's batch API: half the price at most providers, hours of waiting. The
    list of patterns to avoid stays empty then, since drafts would wait for one another."""
    temperature: Annotated[float, Field(ge=0, le=2)] = 1.0
    max_tokens: Count = 4096
    """Of one answer, thoughts included."""
    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """How often a call is asked whose answers are cut, filtered or unreadable."""
    max_retries: Annotated[int, Field(ge=0, le=20)] = 6
    """Of one attempt, after failures that pass (rate limits, lost connections)."""
    request_timeout_seconds: Count = 600
    budget_usd: Dollars | None = None
    """No call is begun that could pass this, spending of earlier starts included; needs known prices."""
    budget_tokens: Count | None = None
    """Likewise, of input and output tokens."""
    prices: dict[str, PriceConfig] = Field(default_factory=dict)
    """Model -> price, where the shipped price table lacks it or is out of date."""
    gates: GateConfig = GateConfig()

    def conditions(self) -> dict[str, object]:
        """The fields that decide the rows: how calls travel and what they may cost does not."""
        travel = {"connections", "max_retries", "request_timeout_seconds"}
        return self.model_dump(mode="json", exclude=travel | {"budget_usd", "budget_tokens", "prices"})
