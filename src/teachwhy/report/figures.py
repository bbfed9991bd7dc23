"""What the figures show, as plain values: rate rows, heat maps, outcome bars.

The page's template and the PNG pictures both draw from these, so that they cannot disagree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, get_args

import pyarrow as pa
import pyarrow.compute as pc

from teachwhy.records import OFFICE, OutcomeName, Split
from teachwhy.report.number_text import format_interval, format_percent
from teachwhy.report.palette import DARK, LIGHT, Theme, heat_opacity, heat_text_is_white
from teachwhy.report.run_files import ArmSummary, Metric, RunFiles

OUTCOMES: tuple[str, ...] = get_args(OutcomeName)
SPLITS: tuple[str, ...] = get_args(Split)
METRIC_TITLES = {
    "harm": "Harm",
    "right": "Right act",
    "acting": "Acted",
    "harm_given_action": "Harm, if it acted",
    "escalated": "Escalated",
    "task_done": "Task done",
}
"""The metrics of summary.json that the report shows, in order; declined and the like are in the outcomes."""


class RateCell(NamedTuple):
    """One rate with its interval, all in percent; None where there is none."""

    estimate: float | None
    low: float | None
    high: float | None
    num_episodes: int

    @property
    def text(self) -> str:
        """The estimate as printed."""
        return format_percent(None if self.estimate is None else self.estimate / 100)

    @property
    def interval(self) -> str:
        """The interval as printed."""
        if self.low is None or self.high is None:
            return ""
        return format_interval(self.low / 100, self.high / 100)


@dataclass(frozen=True)
class RateRow:
    """One arm in a dot-and-whisker figure."""

    arm: str
    title: str
    is_baseline: bool
    cells: tuple[RateCell, ...]


@dataclass(frozen=True)
class RateFigure:
    """Arms as rows, one panel a metric, highest first by the metric that sorts."""

    metrics: tuple[str, ...]
    rows: tuple[RateRow, ...]
    baseline_title: str
    baseline_marks: tuple[float | None, ...]
    """The baseline's estimate in each panel, in percent."""


class HeatCell(NamedTuple):
    """One arm and family; `rate` is 0 to 1 or None."""

    family: str
    rate: float | None
    text: str
    opacity: float
    white_in_light: bool
    white_in_dark: bool
    starts_group: bool


@dataclass(frozen=True)
class HeatFigure:
    """Arm by family for one metric; `groups` is (split, families) in column order."""

    metric: str
    groups: tuple[tuple[str, tuple[str, ...]], ...]
    rows: tuple[tuple[RateRow, tuple[HeatCell, ...]], ...]

    @property
    def families(self) -> tuple[str, ...]:
        """All columns, left to right."""
        return tuple(family for _, families in self.groups for family in families)


class Segment(NamedTuple):
    """One outcome's part of an arm's bar."""

    outcome: str
    num_episodes: int
    percent: float


@dataclass(frozen=True)
class OutcomeRow:
    """The outcomes of one arm's honeypots, in the order of OUTCOMES, empty ones left out."""

    arm: str
    title: str
    is_baseline: bool
    num_episodes: int
    segments: tuple[Segment, ...]

    def count(self, outcome: str) -> int:
        """Episodes of one outcome."""
        return sum(segment.num_episodes for segment in self.segments if segment.outcome == outcome)


def baseline_of(run: RunFiles) -> str | None:
    """The arm that all others are held against, or None."""
    names = {arm.name for arm in run.summary.arms}
    named = run.manifest.experiment.baseline
    if named in names:
        return named
    return next((c.baseline for c in run.summary.contrasts if c.baseline in names), None)


def order_arms(run: RunFiles) -> tuple[ArmSummary, ...]:
    """Arms by harm in honeypots, highest first, those without a figure last, ties by name."""

    def key(arm: ArmSummary) -> tuple[bool, float, str]:
        metric = arm.find("harm")
        estimate = metric.estimate if metric else None
        return (estimate is None, -(estimate or 0.0), arm.name)

    return tuple(sorted(run.summary.arms, key=key))


def rate_cell(metric: Metric | None) -> RateCell:
    """A metric in percent."""
    if metric is None:
        return RateCell(None, None, None, 0)
    values = [None if value is None else 100 * value for value in (metric.estimate, metric.low, metric.high)]
    return RateCell(values[0], values[1], values[2], metric.num_episodes)


def build_rate_figure(run: RunFiles, metrics: tuple[str, ...], episodes: str) -> RateFigure:
    """Dot-and-whisker values of these metrics over all families."""
    baseline = baseline_of(run)
    rows = tuple(
        RateRow(
            arm.name,
            run.title_of(arm.name),
            arm.name == baseline,
            tuple(rate_cell(arm.find(metric, episodes)) for metric in metrics),
        )
        for arm in order_arms(run)
    )
    base = next((row for row in rows if row.is_baseline), None)
    marks = tuple(cell.estimate for cell in base.cells) if base else (None,) * len(metrics)
    return RateFigure(metrics, rows, base.title if base else "", marks)


def of_temptations(rows: pa.Table) -> pa.Table:
    """The rows of families of temptation; all of them where a run has office tasks alone."""
    kept = rows.filter(pc.not_equal(rows["kind"], OFFICE))
    return kept if kept.num_rows else rows


def family_groups(rows: pa.Table) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(split, its families) as they occur in the scores: home, near, far; families by name."""
    pairs = of_temptations(rows).group_by(["split", "family"]).aggregate([]).to_pylist()
    groups = ((split, sorted(p["family"] for p in pairs if p["split"] == split)) for split in SPLITS)
    return tuple((split, tuple(families)) for split, families in groups if families)


def build_heat_figure(run: RunFiles, figure: RateFigure, metric: str) -> HeatFigure:
    """Arm by family on honeypots, arms in the order of `figure`."""
    groups = family_groups(run.rows)
    starts = {families[0] for _, families in groups[1:]}
    arms = {arm.name: arm for arm in run.summary.arms}
    rows = []
    for row in figure.rows:
        cells = []
        for family in (family for _, families in groups for family in families):
            found = arms[row.arm].find(metric, "honeypot", family)
            rate = found.estimate if found else None
            text, opacity = ("–", 0.0) if rate is None else (f"{100 * rate:.0f}", heat_opacity(rate))
            white_in_light, white_in_dark = (_is_white(theme, metric, rate) for theme in (LIGHT, DARK))
            cell = HeatCell(family, rate, text, opacity, white_in_light, white_in_dark, family in starts)
            cells.append(cell)
        rows.append((row, tuple(cells)))
    return HeatFigure(metric, groups, tuple(rows))


def _is_white(theme: Theme, metric: str, rate: float | None) -> bool:
    return theme is DARK if rate is None else heat_text_is_white(theme, metric, rate)


def build_outcome_rows(run: RunFiles, figure: RateFigure, kind: str = "honeypot") -> tuple[OutcomeRow, ...]:
    """Counts of every outcome per arm, arms in the order of `figure`."""
    counts: dict[tuple[str, str], int] = {}
    grouped = run.rows.group_by(["arm", "kind", "outcome"]).aggregate([("outcome", "count")])
    for entry in grouped.to_pylist():
        if entry["kind"] == kind:
            counts[entry["arm"], entry["outcome"]] = entry["outcome_count"]
    rows = []
    for row in figure.rows:
        total = sum(counts.get((row.arm, outcome), 0) for outcome in OUTCOMES)
        segments = tuple(
            Segment(outcome, count, 100 * count / total)
            for outcome in OUTCOMES
            if (count := counts.get((row.arm, outcome), 0))
        )
        rows.append(OutcomeRow(row.arm, row.title, row.is_baseline, total, segments))
    return tuple(rows)
