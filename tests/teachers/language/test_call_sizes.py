"""What a dry run is estimated from, held to what a scripted run asks."""

from __future__ import annotations

import math

import pytest
from tests.teachers.language.call_sizes import NUM_DRAFTS, SHARED, measure

from teachwhy.service.dry_run import StagePlan
from teachwhy.teachers.language.call_sizes import YIELD, Order, load_sizes, plan_calls
from teachwhy.techniques import TECHNIQUES


def test_calls_and_lengths_are_those_of_a_scripted_run() -> None:
    measured = measure()
    assert load_sizes().keys() == TECHNIQUES.keys() == measured.keys()
    for technique, stages in load_sizes().items():
        assert {(stage, size.role) for stage, size in stages.items()} == measured[technique].keys(), technique
        for stage, size in stages.items():
            found = measured[technique][stage, size.role]
            assert size.input == pytest.approx(found.input_tokens, rel=0.1, abs=20), (technique, stage)
            if stage in SHARED:
                assert size.fixed and not size.per_draft
            else:
                assert size.per_draft == pytest.approx(found.num_calls / NUM_DRAFTS, rel=0.06), (
                    technique,
                    stage,
                )


def order(name: str, num: int) -> Order:
    lineage = TECHNIQUES[name].lineage.name
    reference = next(other for other, t in TECHNIQUES.items() if t.lineage.name == lineage)
    return Order(name, lineage, reference, num)


def find(plans: list[StagePlan], stage: str) -> int:
    return sum(plan.num_calls for plan in plans if plan.stage == stage)


def test_techniques_of_one_lineage_share_its_calls() -> None:
    drafts = math.ceil(90 / YIELD)
    alone = plan_calls([order("advice_without_reasons", 90)])
    assert find(alone, "rewrite_answer") == drafts == find(alone, "strip_reasons")
    assert find(alone, "score") == 2 * drafts
    both = plan_calls([order("advice", 90), order("advice_without_reasons", 90)])
    assert both == alone
    more = plan_calls([order("advice", 900), order("advice_without_reasons", 90)])
    assert find(more, "rewrite_answer") == math.ceil(900 / YIELD) and find(more, "strip_reasons") == drafts
    assert find(more, "principles") == find(alone, "principles") == 5


def test_prompts_for_rl_ask_nobody() -> None:
    assert plan_calls([order("environment_prompts", 300)]) == []
