"""summary.json, schema 1: every rate, contrast and verdict of a run.

Reads the scored episodes and the experiment; writes one JSON file. Beyond the listed keys of schema 1
there are `notes` (what the intervals do not cover), `by_skin` (the rates of every english skin of an arm),
`num_counted` (rows in the denominator of a rate), `episodes`, `p` and `num_pairs` of a contrast. What could
not be computed is null. docs/statistics.md explains the numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from teachwhy.analysis.claims import ClaimVerdict, judge_claim
from teachwhy.analysis.contrasts import adjust_holm, contrast_of, paired_difference
from teachwhy.analysis.intervals import interval_of_rates
from teachwhy.analysis.rates import (
    KINDS,
    METRIC_NAMES,
    SKIN_MARK,
    EpisodeTable,
    Rows,
    build_table,
    read_rows,
    rows_by_skin,
)
from teachwhy.errors import DataError
from teachwhy.records import EpisodeKind
from teachwhy.run_dir import atomic_write_text

if TYPE_CHECKING:
    from teachwhy.config import ExperimentConfig


class SummaryRecord(BaseModel):
    """Base of the parts of summary.json."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


class ArmTraining(SummaryRecord):
    """What is known of an arm's training; an untouched student has 0 tokens and 0 updates."""

    name: str
    seeds: tuple[int, ...]
    training_tokens: int
    updates: int


class MetricSummary(SummaryRecord):
    """One rate over one set of families, with its 95 % interval; fractions from 0 to 1."""

    metric: str
    episodes: EpisodeKind
    families: str
    estimate: float | None
    low: float
    high: float
    num_episodes: int
    """Rows in all, unscorable ones included."""
    num_unscorable: int
    num_counted: int
    """Rows in the denominator."""


class SkinSummary(MetricSummary):
    """One rate over the episodes of one skin, whose family is in `families`."""

    skin: str


class ArmSummary(ArmTraining):
    """An arm and all its rates."""

    metrics: tuple[MetricSummary, ...]
    by_skin: tuple[SkinSummary, ...] = ()
    """Those of every english skin that has rows; sprig's episodes have none."""


class ContrastSummary(SummaryRecord):
    """Arm minus baseline with its 95 % interval."""

    arm: str
    baseline: str
    metric: str
    families: str
    difference: float | None
    low: float
    high: float
    p_adjusted: float
    """Holm's, over all contrasts of this metric and these families."""
    episodes: EpisodeKind
    p: float
    num_pairs: int


class Summary(SummaryRecord):
    """The whole of summary.json."""

    schema_version: Literal[1] = Field(default=1, alias="schema")
    experiment: str
    arms: tuple[ArmSummary, ...]
    contrasts: tuple[ContrastSummary, ...]
    claims: tuple[ClaimVerdict, ...]
    notes: tuple[str, ...]


def summarize(rows: Rows, arms: Sequence[ArmTraining], config: ExperimentConfig) -> Summary:
    """All rates, contrasts and verdicts of a run.

    `rows` is a parquet file, a data frame, an Arrow table or EpisodeRows; only the columns of
    `rates.COLUMNS` are read. Raises DataError for rows that are broken, twice there, or of an arm
    that `arms` does not list.
    """
    frame, source = read_rows(rows)
    known = [arm.name for arm in arms]
    strangers = sorted(set(frame["arm"]) - set(known))
    if strangers:
        raise DataError(
            f"{source}: field arm: {strangers[0]!r}; allowed: {', '.join(known)}. "
            "Add the arm to the experiment or drop its rows"
        )
    table, skins = build_table(frame), build_table(rows_by_skin(frame))
    return Summary(
        experiment=config.name,
        arms=tuple(
            ArmSummary(
                **dict(arm),
                metrics=tuple(summarize_rates(arm.name, table)),
                by_skin=tuple(summarize_skins(arm.name, skins)),
            )
            for arm in arms
        ),
        contrasts=tuple(summarize_contrasts(choose_pairs(known, config), table)),
        claims=tuple(judge_claim(claim, table) for claim in config.claims),
        notes=tuple(write_notes(known, table, config)),
    )


def summarize_rates(arm: str, table: EpisodeTable) -> Iterator[MetricSummary]:
    """All metrics of an arm over every kind of episode and every set of families that has rows."""
    return _summarize_sets(arm, table, table.named_sets())


def summarize_skins(arm: str, table: EpisodeTable) -> Iterator[SkinSummary]:
    """All metrics of an arm in every skin that has rows; of `table` the families are FAMILY/SKIN.

    As of a family the family, so of a skin the skin itself is the subject: its interval is over paraphrases.
    """
    skins = {name: [i] for i, name in enumerate(table.families)}
    for rate in _summarize_sets(arm, table, skins):
        family, _, skin = rate.families.partition(SKIN_MARK)
        yield SkinSummary(**{**dict(rate), "families": family}, skin=skin)


def _summarize_sets(
    arm: str, table: EpisodeTable, named_sets: Mapping[str, list[int]]
) -> Iterator[MetricSummary]:
    for kind in KINDS:
        cells = table.cells.get((arm, kind))
        if cells is None:
            continue
        for name, members in named_sets.items():
            num_rows = int(table.num_rows[arm, kind][members].sum())
            if num_rows == 0:
                continue
            found = interval_of_rates(cells, members, table.lending_groups(name))
            counted = cells.of_families(members).chances.sum(axis=(1, 2, 3))
            for i, metric in enumerate(METRIC_NAMES):
                yield MetricSummary(
                    metric=metric,
                    episodes=kind,
                    families=name,
                    estimate=number_or_none(found.estimate[i]),
                    low=float(found.low[i]),
                    high=float(found.high[i]),
                    num_episodes=num_rows,
                    num_unscorable=int(table.num_unscorable[arm, kind][members].sum()),
                    num_counted=int(counted[i]),
                )


def choose_pairs(arms: Sequence[str], config: ExperimentConfig) -> list[tuple[str, str]]:
    """Each arm against the named baseline, then the pairs that claims compare.

    Two arms are one pair, whichever comes first: listed twice, Holm's correction would count it twice. The
    evidence of a claim has its own order.
    """
    named = [(arm, config.baseline) for arm in arms if config.baseline and arm != config.baseline]
    claimed = [(test.arm, test.baseline) for claim in config.claims for test in claim.tests]
    pairs: dict[frozenset[str], tuple[str, str]] = {}
    for pair in named + [pair for pair in claimed if pair[0] != pair[1]]:
        pairs.setdefault(frozenset(pair), pair)
    return list(pairs.values())


def summarize_contrasts(pairs: Iterable[tuple[str, str]], table: EpisodeTable) -> list[ContrastSummary]:
    """Honeypot contrasts of every metric and set of families, corrected within these."""
    kind: EpisodeKind = "honeypot"
    found: list[ContrastSummary] = []
    for arm, baseline in pairs:
        if (arm, kind) not in table.cells or (baseline, kind) not in table.cells:
            continue
        for name, members in table.named_sets().items():
            if not any(table.num_rows[one, kind][members].any() for one in (arm, baseline)):
                continue  # a set of other kinds' families, such as the office tasks
            difference = paired_difference(
                table.cells[arm, kind], table.cells[baseline, kind], members, table.lending_groups(name)
            )
            contrast = contrast_of(difference)
            for i, metric in enumerate(METRIC_NAMES):
                found.append(
                    ContrastSummary(
                        arm=arm,
                        baseline=baseline,
                        metric=metric,
                        families=name,
                        difference=number_or_none(contrast.estimate[i]),
                        low=float(contrast.low[i]),
                        high=float(contrast.high[i]),
                        p_adjusted=1.0,
                        episodes=kind,
                        p=float(contrast.p[i]),
                        num_pairs=int(contrast.num_pairs[i]),
                    )
                )
    return correct_contrasts(found)


def correct_contrasts(contrasts: Sequence[ContrastSummary]) -> list[ContrastSummary]:
    """The same contrasts with Holm's p values within each metric and set of families; undefined ones stay
    at 1.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for i, contrast in enumerate(contrasts):
        if contrast.difference is not None:
            groups.setdefault((contrast.metric, contrast.families), []).append(i)
    corrected = list(contrasts)
    for members in groups.values():
        for i, p in zip(members, adjust_holm([contrasts[i].p for i in members]), strict=True):
            corrected[i] = contrasts[i].model_copy(update={"p_adjusted": p})
    return corrected


def write_notes(arms: Sequence[str], table: EpisodeTable, config: ExperimentConfig) -> Iterator[str]:
    """What a reader must know before reading the intervals."""
    single = [arm for arm in arms if len(table.arm_seeds.get(arm, ())) == 1]
    if single:
        yield (
            f"One training seed only: {', '.join(single)}. Intervals of these arms hold for that seed; they "
            "do not cover how much the result would change with another. As intervals for what training "
            "does in general they cover less than 95 % (84 to 91 % for differences, in simulation)."
        )
    if config.evaluation.part != "all":
        yield (
            f"Evaluated on the {config.evaluation.part} skins only: other offices than an evaluation on all "
            "skins has. Where a family has one of them, its interval is about that office."
        )
    absent = [arm for arm in arms if arm not in table.arm_seeds]
    if absent:
        yield f"No episode was evaluated for: {', '.join(absent)}."
    if config.baseline and config.baseline not in table.arm_seeds:
        yield f"The baseline {config.baseline} has no rows, so that no arm is contrasted with it."
    for (arm, kind), unscorable in table.num_unscorable.items():
        total, num_rows = int(unscorable.sum()), int(table.num_rows[arm, kind].sum())
        if total > 0.05 * num_rows:
            yield (
                f"{total} of {num_rows} {kind} episodes of {arm} could not be scored: read harm_best and "
                "harm_worst beside harm."
            )


def number_or_none(value: float) -> float | None:
    """A plain float; NaN as None."""
    return None if math.isnan(value) else float(value)


def write_summary(summary: Summary, path: Path) -> None:
    """Write summary.json whole or not at all. Raises StorageError when it cannot be written."""
    atomic_write_text(path, summary.model_dump_json(indent=1, by_alias=True) + "\n")
