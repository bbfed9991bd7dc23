"""The tables of the report: all rates, contrasts against the baseline, training, unscorable episodes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from teachwhy.records import OFFICE
from teachwhy.report.figures import METRIC_TITLES, SPLITS, OutcomeRow, RateCell, RateFigure, rate_cell
from teachwhy.report.number_text import (
    format_count,
    format_interval,
    format_p,
    format_percent,
    format_points,
    format_seconds,
)
from teachwhy.report.run_files import ArmSummary, Contrast, RunFiles

SIGNIFICANCE = 0.05


class Cell(NamedTuple):
    """A value with a smaller second line, and whether it stands out."""

    text: str
    small: str = ""
    strong: bool = False


class Table(NamedTuple):
    """A table whose first column names the row."""

    caption: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def tabulate_rates(run: RunFiles, figure: RateFigure, episodes: str) -> Table:
    """Every metric of every arm over all families."""
    arms = _arms_by_name(run)
    present = {
        m.metric
        for arm in run.summary.arms
        for m in arm.metrics
        if m.episodes == episodes and m.families == "all"
    }
    metrics = [name for name in METRIC_TITLES if name in present]
    rows = []
    for row in figure.rows:
        found = [arms[row.arm].find(metric, episodes) for metric in metrics]
        num = max((m.num_episodes for m in found if m), default=0)
        rows.append((row.title, (Cell(format_count(num)), *(_rate(rate_cell(m)) for m in found))))
    heads = ("Episodes", *(METRIC_TITLES[name] + " %" for name in metrics))
    kind = "honeypots" if episodes == "honeypot" else "twins"
    return Table(f"All rates on {kind}, all families together, with 95 % intervals", heads, tuple(rows))


def tabulate_splits(run: RunFiles, figure: RateFigure) -> Table:
    """Harm and right act on home, near and far families."""
    arms = _arms_by_name(run)
    present = {m.families for arm in run.summary.arms for m in arm.metrics if m.episodes != OFFICE}
    splits = [split for split in SPLITS if split in present]
    pairs = [(metric, split) for metric in ("harm", "right") for split in splits]
    rows = tuple(
        (
            row.title,
            tuple(_rate(rate_cell(arms[row.arm].find(metric, "honeypot", split))) for metric, split in pairs),
        )
        for row in figure.rows
    )
    heads = tuple(f"{METRIC_TITLES[metric]}, {split} %" for metric, split in pairs)
    return Table("Harm and right act in honeypots, home, near and far families apart", heads, rows)


def tabulate_office(run: RunFiles, figure: RateFigure) -> tuple[Table, ...]:
    """Work done and over-refusal in the ordinary office tasks; nothing where none was run."""
    metrics = {
        "task_done": "Task done %",
        "declined": "Over-refusal in words %",
        "inert": "Over-refusal by doing nothing %",
        "unscorable": "Unscorable %",
    }
    arms = _arms_by_name(run)
    if not any(arm.find("task_done", OFFICE) for arm in arms.values()):
        return ()
    rows = []
    for row in figure.rows:
        found = [arms[row.arm].find(metric, OFFICE) for metric in metrics]
        num = max((m.num_episodes for m in found if m), default=0)
        rows.append((row.title, (Cell(format_count(num)), *(_rate(rate_cell(m)) for m in found))))
    heads = ("Episodes", *metrics.values())
    return (Table("Ordinary office tasks, with neither threat nor lever", heads, tuple(rows)),)


def tabulate_contrasts(run: RunFiles, figure: RateFigure, baseline: str | None) -> Table:
    """Arm minus baseline in harm and right act, over all families and the far ones, in points."""
    keys = [(metric, group) for metric in ("harm", "right") for group in ("all", "far")]
    found = {
        (c.arm, c.metric, c.families): c
        for c in run.summary.contrasts
        if c.baseline == baseline and c.episodes == "honeypot"
    }
    keys = [key for key in keys if any((row.arm, *key) in found for row in figure.rows)]
    rows = tuple(
        (row.title, tuple(_difference(found.get((row.arm, *key))) for key in keys))
        for row in figure.rows
        if any((row.arm, *key) in found for key in keys)
    )
    names = {"all": "all families", "far": "far families"}
    heads = tuple(f"{METRIC_TITLES[metric]}, {names[group]}" for metric, group in keys)
    return Table("Differences from the baseline in percentage points", heads, rows)


def tabulate_other_contrasts(run: RunFiles, shown: str | None) -> Table:
    """Harm and right act, contrast by contrast and split by split; summary.json has the other metrics."""
    order = ["all", *SPLITS]
    contrasts = sorted(
        (c for c in run.summary.contrasts if c.metric in ("harm", "right") and c.families in order),
        key=lambda c: (c.baseline != shown, c.baseline, c.arm, c.metric, c.episodes, order.index(c.families)),
    )
    rows = tuple(
        (
            f"{run.title_of(c.arm)} − {run.title_of(c.baseline)}",
            (
                Cell(METRIC_TITLES[c.metric] + (" (twins)" if c.episodes == "twin" else "")),
                Cell(c.families),
                Cell(format_points(c.difference), _points_interval(c)),
                Cell(format_p(c.p_adjusted)),
            ),
        )
        for c in contrasts
    )
    return Table(
        "Harm and right act, contrast by contrast", ("Metric", "Families", "Difference", "Adjusted p"), rows
    )


def tabulate_training(run: RunFiles, figure: RateFigure) -> Table:
    """What each arm was trained on, for how long."""
    arms = _arms_by_name(run)
    mixtures = {arm.name: arm.mixture for arm in run.manifest.experiment.arms}
    rows = []
    for row in figure.rows:
        arm, plan = arms[row.arm], run.plan.get(row.arm)
        records = [record for (name, _), record in run.training.items() if name == row.arm]
        seconds = [record.seconds for record in records if record.seconds is not None]
        losses = [record.losses[-1] for record in records if record.losses]
        mixture = mixtures.get(row.arm, {})
        parts = ", ".join(
            f"{name.replace('_', ' ')} {format_percent(share)} %" for name, share in mixture.items()
        )
        rows.append(
            (
                row.title,
                (
                    Cell(parts or "not trained"),
                    Cell(format_count(plan.rows if plan else None)),
                    Cell(format_count(arm.training_tokens)),
                    Cell(format_count(plan.loss_tokens if plan else None)),
                    Cell(format_count(plan.truncated_tokens if plan else None)),
                    Cell(format_count(arm.updates)),
                    Cell(format_seconds(sum(seconds) / len(seconds) if seconds else None)),
                    Cell(f"{sum(losses) / len(losses):.2f}" if losses else format_count(None)),
                ),
            )
        )
    heads = (
        "Mixture, by tokens",
        "Rows",
        "Tokens",
        "With loss",
        "Truncated",
        "Updates",
        "Time a seed",
        "Last loss",
    )
    return Table("Training of each arm", heads, tuple(rows))


def tabulate_unscorable(run: RunFiles, rows: Sequence[OutcomeRow]) -> Table:
    """Harm if every unscorable episode had been harmless, and if every one had been harmful."""
    arms = _arms_by_name(run)
    body = []
    for row in rows:
        total, unscorable = row.num_episodes, row.count("unscorable")
        share = Cell(format_percent(unscorable / total if total else None))
        counts = Cell(format_count(unscorable), f"of {format_count(total)}")
        cases = (
            _rate(rate_cell(arms[row.arm].find(metric))) for metric in ("harm_best", "harm", "harm_worst")
        )
        body.append((row.title, (counts, share, *cases)))
    heads = ("Unscorable", "Share %", "Harm, best case %", "Harm of the scored %", "Harm, worst case %")
    return Table("Unscorable honeypots, and what harm could be at best and at worst", heads, tuple(body))


def _arms_by_name(run: RunFiles) -> dict[str, ArmSummary]:
    return {arm.name: arm for arm in run.summary.arms}


def _rate(cell: RateCell) -> Cell:
    return Cell(cell.text, cell.interval)


def _difference(contrast: Contrast | None) -> Cell:
    if contrast is None:
        return Cell("–")
    p, p_text = contrast.p_adjusted, format_p(contrast.p_adjusted)
    p_text = p_text if p_text.startswith("<") else f"=\N{NO-BREAK SPACE}{p_text}"
    small = f"{_points_interval(contrast)}; p\N{NO-BREAK SPACE}{p_text}"
    return Cell(format_points(contrast.difference), small, p is not None and p < SIGNIFICANCE)


def _points_interval(contrast: Contrast) -> str:
    if contrast.low is None or contrast.high is None:
        return format_interval(None, None)
    return f"{format_points(contrast.low)} to {format_points(contrast.high)}"
