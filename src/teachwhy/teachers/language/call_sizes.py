"""What techniques will ask of a language model, for a dry run; reads call_sizes.toml."""

from __future__ import annotations

import math
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from teachwhy.records import Record
from teachwhy.service.calls import Role
from teachwhy.service.dry_run import StagePlan

YIELD = 0.9
"""Share of drafts that become rows, until somebody has measured it."""

ALONE = ("environment_prompts",)
"""Techniques that need no drafts of their lineage."""


class CallSize(Record):
    """The calls of one stage."""

    role: Role
    per_draft: float = 0.0
    fixed: int = 0
    """Calls that all drafts share."""
    input: int
    """Tokens of one call."""
    output: int


class Order(NamedTuple):
    """Rows that are wanted of a technique."""

    technique: str
    lineage: str
    reference: str
    """The technique whose stages all techniques of the lineage share; it need not be wanted itself."""
    num_examples: int


@cache
def load_sizes() -> Mapping[str, Mapping[str, CallSize]]:
    """Technique -> stage -> calls."""
    text = files("teachwhy.teachers.language").joinpath("call_sizes.toml").read_text(encoding="utf-8")
    return {
        technique: {stage: CallSize.model_validate(size) for stage, size in stages.items()}
        for technique, stages in tomllib.loads(text).items()
    }


def plan_calls(orders: Sequence[Order]) -> list[StagePlan]:
    """Calls by stage and role of all orders together.

    Techniques of one lineage share its drafts, so those count once, as many as the largest order needs.
    """
    wanted: dict[str, int] = defaultdict(int)
    for order in orders:
        made_of = () if order.technique in ALONE else (order.reference,)
        for technique in dict.fromkeys((*made_of, order.technique)):
            wanted[technique] = max(wanted[technique], order.num_examples)
    sums: dict[tuple[str, Role], list[float]] = {}
    for technique, num_examples in wanted.items():
        num_drafts = math.ceil(num_examples / YIELD)
        for stage, size in load_sizes()[technique].items():
            calls = size.fixed + math.ceil(size.per_draft * num_drafts)
            total = sums.setdefault((stage, size.role), [0, 0, 0])
            for place, amount in enumerate((calls, calls * size.input, calls * size.output)):
                total[place] += amount
    return [
        StagePlan(stage, role, int(calls), round(inputs / calls), round(outputs / calls))
        for (stage, role), (calls, inputs, outputs) in sums.items()
        if calls
    ]
