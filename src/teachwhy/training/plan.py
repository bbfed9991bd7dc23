"""Says what every arm will be trained on before anything is trained, and refuses what makes no sense.

A comparison of arms is only as good as their match in tokens and in optimizer updates. Too few updates look
like a null result (31 updates gave one that 246 overturned), and a cut or unmasked corpus looks like a weak
technique.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from teachwhy.errors import PlanError
from teachwhy.records import Example, Record
from teachwhy.training.formatting import ROWS, TokenRow
from teachwhy.training.mixture import DrawnRow, draw_mixture, split_updates
from teachwhy.visible_text import make_visible

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from teachwhy.config import ArmConfig, TrainingConfig

MAX_TOKEN_GAP = 0.02
"""Largest relative difference in tokens, between arms and from tokens_per_arm."""
MAX_TRUNCATED_SHARE = 0.05
"""Largest share of an arm's tokens that max_length may cut off."""
MIN_LOSS_SHARE = 0.05
"""Smallest share of an arm's tokens that must carry loss."""


class SourcePlan(Record):
    """What one technique gives to one arm (figures of the plan's first seed)."""

    technique: str
    share: float
    """Share of the arm's tokens asked for."""
    num_rows: int
    """Distinct rows that the technique has."""
    num_drawn: int
    """Rows that the arm sees, repeats counted."""
    tokens: int
    loss_tokens: int
    truncated_rows: int
    truncated_tokens: int

    @property
    def epochs(self) -> float:
        """Passes over the technique's rows."""
        return self.num_drawn / self.num_rows


class ArmPlan(Record):
    """What one arm is trained on."""

    arm: str
    mixture: dict[str, float]
    updates: int
    tokens_by_seed: dict[int, int]
    sources: tuple[SourcePlan, ...]

    @property
    def tokens(self) -> int:
        return sum(source.tokens for source in self.sources)

    @property
    def tokens_per_update(self) -> float:
        return self.tokens / self.updates

    @property
    def loss_share(self) -> float:
        """Share of the tokens that carry loss."""
        return sum(source.loss_tokens for source in self.sources) / self.tokens

    @property
    def truncated_tokens(self) -> int:
        return sum(source.truncated_tokens for source in self.sources)

    @property
    def truncated_share(self) -> float:
        """Share of the drawn rows' tokens that max_length cuts off."""
        return self.truncated_tokens / (self.tokens + self.truncated_tokens)


class TrainingPlan(Record):
    """The plans of all arms that are trained; an arm with an empty mixture is the untouched student and not
    here."""

    arms: tuple[ArmPlan, ...]
    tokens_per_arm: int

    @property
    def token_gap(self) -> float:
        """Largest relative difference in tokens between two arms or two seeds (0 where there are none)."""
        counts = [tokens for arm in self.arms for tokens in arm.tokens_by_seed.values()]
        return 1 - min(counts) / max(counts) if counts else 0.0

    def arm(self, name: str) -> ArmPlan:
        """The plan of one arm. Raises PlanError when there is none of that name."""
        for plan in self.arms:
            if plan.arm == name:
                return plan
        known = ", ".join(plan.arm for plan in self.arms)
        raise PlanError(f"arm {name!r} is not in the training plan; it has: {known or 'no arms'}")


def plan_training(
    arms: Sequence[ArmConfig],
    examples_by_technique: Mapping[str, Sequence[Example]],
    tokenizer: PreTrainedTokenizerBase,
    config: TrainingConfig,
    seeds: Sequence[int],
) -> TrainingPlan:
    """Plans every arm that trains. Raises PlanError (arm, figure, limit, remedy) when the plan is
    senseless."""
    if not seeds:
        raise PlanError("training: seeds is empty, at least one is needed. Set seeds = [1].")
    plans = []
    for arm in arms:
        if not arm.mixture:
            continue
        check_mixture(arm, examples_by_technique, config)
        rows = tokenize_mixture(arm.mixture, examples_by_technique, tokenizer, config)
        plan = _plan_arm(arm, rows, config, seeds)
        _check_arm(plan, config)
        plans.append(plan)
    training_plan = TrainingPlan(arms=tuple(plans), tokens_per_arm=config.tokens_per_arm)
    check_match(training_plan)
    return training_plan


def tokenize_mixture(
    mixture: Mapping[str, float],
    examples_by_technique: Mapping[str, Sequence[Example]],
    tokenizer: PreTrainedTokenizerBase,
    config: TrainingConfig,
) -> dict[str, tuple[TokenRow, ...]]:
    """Token rows of the techniques in a mixture, in its order."""
    return {
        technique: ROWS.tokenize(examples_by_technique[technique], tokenizer, config.max_length)
        for technique in mixture
    }


def check_mixture(
    arm: ArmConfig, examples_by_technique: Mapping[str, Sequence[Example]], config: TrainingConfig
) -> None:
    """Raises PlanError for what can be seen before tokenising: updates, shares and rows."""
    if config.updates < config.min_updates:
        raise PlanError(
            f"arm {arm.name!r}: {config.updates} updates, at least {config.min_updates} are needed "
            "(a few updates look like a null result). Raise training.updates, or lower training.min_updates."
        )
    for technique, share in arm.mixture.items():
        if not 0 < share <= 1:
            raise PlanError(
                f"arm {arm.name!r}: mixture.{technique} = {share}; a share lies above 0 and is at most 1. "
                "Remove the technique or give it a share."
            )
        if not examples_by_technique.get(technique):
            raise PlanError(
                f"arm {arm.name!r}: technique {technique!r} has 0 rows, at least 1 is needed. "
                f"Generate rows for it (techniques.{technique}.num_examples) or take it out of the mixture."
            )
    total = sum(arm.mixture.values())
    if abs(total - 1) > 1e-6:
        raise PlanError(
            f"arm {arm.name!r}: the shares of the mixture add up to {total:g}, they must add up to 1."
        )


def _plan_arm(
    arm: ArmConfig, rows: Mapping[str, Sequence[TokenRow]], config: TrainingConfig, seeds: Sequence[int]
) -> ArmPlan:
    sources: tuple[SourcePlan, ...] = ()
    tokens_by_seed: dict[int, int] = {}
    _check_passes(arm, rows, config)
    for seed in seeds:
        drawn = draw_mixture(rows, arm.mixture, config.tokens_per_arm, seed)
        for technique, taken in drawn.items():
            if not taken:
                raise PlanError(
                    f"arm {arm.name!r}: technique {technique!r} gives no row, as its share of "
                    f"{arm.mixture[technique]:g} x {config.tokens_per_arm} tokens is smaller than half a "
                    "row. "
                    "Raise training.tokens_per_arm or the share."
                )
        _check_updates(arm, drawn, config)
        tokens_by_seed[seed] = sum(one.row.num_tokens for taken in drawn.values() for one in taken)
        sources = sources or tuple(
            _plan_source(technique, arm.mixture[technique], len(rows[technique]), taken)
            for technique, taken in drawn.items()
        )
    return ArmPlan(
        arm=arm.name,
        mixture=dict(arm.mixture),
        updates=config.updates,
        tokens_by_seed=tokens_by_seed,
        sources=sources,
    )


def _check_passes(arm: ArmConfig, rows: Mapping[str, Sequence[TokenRow]], config: TrainingConfig) -> None:
    """Raises PlanError for more tokens than max_epochs passes can give, before the rows are drawn.

    Drawing that many would fill the memory. Passes are counted in rows in the end and in tokens here, which
    differ by less than one: what is between is left to the count in rows.
    """
    for technique, share in arm.mixture.items():
        epochs = share * config.tokens_per_arm / max(1, sum(row.num_tokens for row in rows[technique]))
        if epochs > config.max_epochs + 1:
            raise _too_often(arm.name, technique, epochs, config)


def _check_updates(arm: ArmConfig, drawn: Mapping[str, Sequence[DrawnRow]], config: TrainingConfig) -> None:
    """Raises PlanError where an update would get no row; with more updates than rows some must."""
    num_rows = sum(len(taken) for taken in drawn.values())
    num_empty = config.updates - num_rows
    if num_empty <= 0:
        num_empty = sum(not update for update in split_updates(drawn, config.updates))
    if num_empty:
        raise PlanError(
            f"arm {arm.name!r}: {num_empty} of {config.updates} updates would get no row, all must get one "
            f"({config.tokens_per_arm / config.updates:.0f} tokens an update, fewer than some rows have). "
            "Raise training.tokens_per_arm or lower training.updates."
        )


def _too_often(arm: str, technique: str, epochs: float, config: TrainingConfig) -> PlanError:
    return PlanError(
        f"arm {arm!r}: technique {technique!r} would be repeated {epochs:.1f} times, at most "
        f"{config.max_epochs} are allowed. Generate more rows (techniques.{technique}.num_examples), lower "
        "training.tokens_per_arm, or raise training.max_epochs."
    )


def _plan_source(technique: str, share: float, num_rows: int, drawn: Sequence[DrawnRow]) -> SourcePlan:
    return SourcePlan(
        technique=technique,
        share=share,
        num_rows=num_rows,
        num_drawn=len(drawn),
        tokens=sum(one.row.num_tokens for one in drawn),
        loss_tokens=sum(one.row.num_loss_tokens for one in drawn),
        truncated_rows=sum(one.row.num_truncated > 0 for one in drawn),
        truncated_tokens=sum(one.row.num_truncated for one in drawn),
    )


def _check_arm(plan: ArmPlan, config: TrainingConfig) -> None:
    """Raises PlanError where a figure of the arm is beyond its limit."""
    if plan.truncated_share > MAX_TRUNCATED_SHARE:
        raise PlanError(
            f"arm {plan.arm!r}: {plan.truncated_share:.1%} of its tokens are cut off by max_length = "
            f"{config.max_length}, at most {MAX_TRUNCATED_SHARE:.0%} may be. Raise training.max_length or "
            "shorten the rows."
        )
    if plan.loss_share < MIN_LOSS_SHARE:
        raise PlanError(
            f"arm {plan.arm!r}: {plan.loss_share:.1%} of its tokens carry loss, at least "
            f"{MIN_LOSS_SHARE:.0%} must. "
            "Look at the rows (is the assistant's turn there and not cut off?) and at the template's "
            "generation markers."
        )
    for source in plan.sources:
        if source.epochs > config.max_epochs:
            raise _too_often(plan.arm, source.technique, source.epochs, config)
    for seed, tokens in plan.tokens_by_seed.items():
        gap = abs(tokens / config.tokens_per_arm - 1)
        if gap > MAX_TOKEN_GAP:
            raise PlanError(
                f"arm {plan.arm!r}, seed {seed}: {tokens} tokens, {gap:.1%} off tokens_per_arm = "
                f"{config.tokens_per_arm}; "
                f"at most {MAX_TOKEN_GAP:.0%} is allowed (rows are too long for the budget). Raise "
                "training.tokens_per_arm."
            )


def check_match(plan: TrainingPlan) -> None:
    """Raises PlanError when two arms differ too much in tokens."""
    if plan.token_gap > MAX_TOKEN_GAP:
        by_tokens = sorted(plan.arms, key=lambda arm: min(arm.tokens_by_seed.values()))
        most = max(plan.arms, key=lambda arm: max(arm.tokens_by_seed.values()))
        raise PlanError(
            f"arm {by_tokens[0].arm!r} gets {min(by_tokens[0].tokens_by_seed.values())} tokens and arm "
            f"{most.arm!r} "
            f"{max(most.tokens_by_seed.values())}, a gap of {plan.token_gap:.1%}; at most "
            f"{MAX_TOKEN_GAP:.0%} is allowed. "
            "Raise training.tokens_per_arm, so that one row weighs less."
        )


def format_plan(plan: TrainingPlan) -> Table:
    """The plan as a table: a line for each technique of an arm, the arm's own figures on its first line."""
    table = Table(
        title="Training plan",
        caption=f"{plan.tokens_per_arm:,} tokens an arm; largest gap between two arms {plan.token_gap:.2%}",
    )
    for name in ("arm", "technique"):
        table.add_column(name)
    for name in ("rows seen", "of", "epochs", "tokens", "cut", "with loss", "updates", "tokens/update"):
        table.add_column(name, justify="right")
    for arm in plan.arms:
        for index, source in enumerate(arm.sources):
            first = index == 0
            table.add_row(
                Text(make_visible(arm.arm) if first else ""),
                Text(make_visible(source.technique)),
                str(source.num_drawn),
                str(source.num_rows),
                f"{source.epochs:.2f}",
                f"{source.tokens:,}",
                f"{source.truncated_tokens:,} in {source.truncated_rows}" if source.truncated_rows else "0",
                f"{source.loss_tokens / source.tokens:.0%}",
                str(arm.updates) if first else "",
                f"{arm.tokens_per_update:.0f}" if first else "",
                end_section=index == len(arm.sources) - 1,
            )
    return table
