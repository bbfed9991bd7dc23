"""The plan's figures, and the plans that are refused."""

from __future__ import annotations

import pytest
from rich.console import Console
from tests.training.tiny import make_arm, make_config, make_document
from transformers import PreTrainedTokenizerFast

from teachwhy.config import ArmConfig
from teachwhy.errors import PlanError
from teachwhy.records import Example
from teachwhy.training import plan as plan_module
from teachwhy.training.formatting import tokenize_example
from teachwhy.training.plan import TrainingPlan, check_match, format_plan, plan_training

Rows = dict[str, list[Example]]


def test_arms_match_in_tokens_and_updates(tokenizer: PreTrainedTokenizerFast, examples: Rows) -> None:
    arms = [
        make_arm("advice", {"advice": 0.5, "benign": 0.5}),
        make_arm("documents", {"documents": 0.7, "benign": 0.3}),
        ArmConfig(name="untouched"),
    ]
    plan = plan_training(arms, examples, tokenizer, make_config(), [1, 2, 3])
    assert [arm.arm for arm in plan.arms] == ["advice", "documents"]
    for arm in plan.arms:
        assert arm.updates == 24
        assert set(arm.tokens_by_seed) == {1, 2, 3}
        assert all(abs(tokens / 6000 - 1) < 0.02 for tokens in arm.tokens_by_seed.values())
        assert arm.tokens == arm.tokens_by_seed[1]
    assert plan.token_gap < 0.02
    documents = plan.arm("documents").sources[0]
    assert documents.tokens == pytest.approx(0.7 * 6000, rel=0.05)
    assert documents.epochs == documents.num_drawn / 25 > 1
    assert documents.loss_tokens == documents.tokens - documents.num_drawn
    assert TrainingPlan.model_validate_json(plan.model_dump_json()) == plan


def test_the_table_shows_what_counts(tokenizer: PreTrainedTokenizerFast, examples: Rows) -> None:
    plan = plan_training([make_arm()], examples, tokenizer, make_config(max_length=130), [1])
    console = Console(width=140, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(format_plan(plan))
    text = capture.get()
    source = plan.arms[0].sources[0]
    assert source.truncated_rows > 0
    for figure in (
        f"{source.tokens:,}",
        f"{source.truncated_tokens} in {source.truncated_rows}",
        "24",
        "6,000",
    ):
        assert figure in text


@pytest.mark.parametrize(
    ("changes", "mixture", "says"),
    [
        ({}, {"advice": 0.5, "fiction": 0.5}, r"'arm': technique 'fiction' has 0 rows"),
        ({}, {"advice": 0.5, "empty": 0.5}, r"technique 'empty' has 0 rows"),
        ({}, {"advice": 0.5, "benign": 0.4}, r"add up to 0\.9"),
        ({"updates": 19}, {"advice": 1.0}, r"'arm': 19 updates, at least 20.*min_updates"),
        ({"max_length": 80}, {"advice": 1.0}, r"cut off by max_length = 80.*5%"),
        ({"max_epochs": 2}, {"documents": 1.0}, r"'documents' would be repeated .* at most 2"),
        ({"tokens_per_arm": 1200}, {"advice": 1.0}, r"updates would get no row"),
        ({}, {"advice": 0.999, "documents": 0.001}, r"'documents' gives no row"),
    ],
)
def test_senseless_plans_are_refused(
    tokenizer: PreTrainedTokenizerFast,
    examples: Rows,
    changes: dict[str, object],
    mixture: dict[str, float],
    says: str,
) -> None:
    arm = ArmConfig.model_construct(name="arm", title="", mixture=mixture)
    with pytest.raises(PlanError, match=says):
        plan_training([arm], examples | {"empty": []}, tokenizer, make_config(**changes), [1])


def test_rows_with_hardly_any_loss_are_refused(tokenizer: PreTrainedTokenizerFast, examples: Rows) -> None:
    asked = [
        example.model_copy(
            update={
                "messages": (
                    example.messages[1].model_copy(update={"content": "wait for the tide " * 60}),
                    example.messages[-1].model_copy(update={"content": "yes"}),
                )
            }
        )
        for example in examples["advice"]
    ]
    config = make_config(max_length=512, tokens_per_arm=24_000, max_epochs=20)
    with pytest.raises(PlanError, match=r"carry loss, at least 5%"):
        plan_training([make_arm("a", {"advice": 1.0})], {"advice": asked}, tokenizer, config, [1])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"tokens_per_arm": 10**12}, r"'advice' would be repeated \d+\.\d times, at most 8"),
        ({"updates": 10**9}, r"\d+ of 1000000000 updates would get no row"),
    ],
)
def test_senseless_amounts_are_refused_before_they_fill_the_memory(
    tokenizer: PreTrainedTokenizerFast,
    examples: Rows,
    monkeypatch: pytest.MonkeyPatch,
    changes: dict[str, int],
    says: str,
) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("this would take all memory")

    monkeypatch.setattr(plan_module, "split_updates", fail)
    if "tokens_per_arm" in changes:
        monkeypatch.setattr(plan_module, "draw_mixture", fail)
    with pytest.raises(PlanError, match=says):
        plan_training([make_arm("a", {"advice": 1.0})], examples, tokenizer, make_config(**changes), [1])


def test_a_budget_that_rows_cannot_meet_is_refused(tokenizer: PreTrainedTokenizerFast) -> None:
    """Four techniques with rows of one length, each asked for seven and a half rows."""
    names = ("one", "two", "three", "four")
    row = make_document(0)
    length = tokenize_example(row, tokenizer, 256).num_tokens
    rows = {
        name: [row.model_copy(update={"id": f"{name}-{index}", "technique": name}) for index in range(9)]
        for name in names
    }
    config = make_config(tokens_per_arm=4 * (7 * length + length // 2 - 1))
    with pytest.raises(PlanError, match=rf"seed 1: {28 * length} tokens, 6\.\d% off tokens_per_arm"):
        plan_training([make_arm("a", dict.fromkeys(names, 0.25))], rows, tokenizer, config, [1])


def test_arms_that_do_not_match_are_refused(tokenizer: PreTrainedTokenizerFast, examples: Rows) -> None:
    plan = plan_training([make_arm("a"), make_arm("b")], examples, tokenizer, make_config(), [1])
    few = plan.arms[1].model_copy(update={"arm": "few", "tokens_by_seed": {1: 5800}})
    with pytest.raises(PlanError, match=r"'few' gets 5800 tokens and arm 'a' \d+, a gap of 3\.\d%"):
        check_match(TrainingPlan(arms=(plan.arms[0], few), tokens_per_arm=6000))
