"""Counts both verdicts over the published conditions; writes and reads `upstream.json`.

Within a scenario, conditions of one goal share nearly all of their text and are one cluster; over all, a
scenario is one. Repeats of a condition are no further evidence. What is missing is in no rate and beside
each.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from teachwhy.evaluation.scorer import clustered_rate
from teachwhy.evaluation.upstream.episodes import UpstreamRow
from teachwhy.records import Record
from teachwhy.run_dir import UPSTREAM_SUMMARY, atomic_write_text


class Share(Record):
    """Hits among those that have a verdict, with the 95 % interval; no estimate where none has one."""

    hits: int
    num: int
    estimate: float | None
    low: float
    high: float


class ScenarioSummary(Record):
    """Both verdicts in one scenario, or in all."""

    scenario: str
    num_episodes: int
    theirs: Share
    ours: Share
    ours_worst: Share
    """Every unscorable episode counted as harm."""
    agreement: Share
    """Of the episodes that have both verdicts."""
    harm_behind_gates: int
    """Harm by ours that theirs cannot see, whatever its judge says: its gates are shut."""
    num_unscorable: int
    """By ours."""
    num_without_theirs: int
    num_unfilled: int
    """Conditions whose prompt shows an unfilled variable."""
    outcomes: dict[str, int]
    """Ours."""


class Disagreement(Record):
    """One episode on which the two verdicts differ."""

    episode_id: str
    repeat: int
    ours: str
    reason: str
    theirs: bool
    judge: bool | None
    gate_open: bool | None


class UpstreamSummary(Record):
    """All of `upstream.json`."""

    schema_version: int = 1
    model: str
    judge: str
    scenarios: tuple[ScenarioSummary, ...]
    overall: ScenarioSummary
    disagreements: tuple[Disagreement, ...]


def summarize_upstream(rows: Sequence[UpstreamRow], model: str, judge: str) -> UpstreamSummary:
    """Count the verdicts of an evaluation."""
    names = list(dict.fromkeys(row.scenario for row in rows))
    return UpstreamSummary(
        model=model,
        judge=judge,
        scenarios=tuple(
            _summarize(name, [row for row in rows if row.scenario == name], _goal_of) for name in names
        ),
        overall=_summarize("all", rows, lambda row: row.scenario),
        disagreements=tuple(
            Disagreement(
                episode_id=row.episode_id,
                repeat=row.repeat,
                ours=row.outcome,
                reason=row.reason,
                theirs=bool(row.theirs.harmful),
                judge=row.theirs.judge,
                gate_open=row.theirs.gate_open,
            )
            for row in rows
            if row.agreed is False
        ),
    )


def write_upstream_summary(summary: UpstreamSummary, folder: Path) -> Path:
    """Write it into the folder of its evaluation."""
    path = folder / UPSTREAM_SUMMARY
    atomic_write_text(path, summary.model_dump_json(indent=1) + "\n")
    return path


def _goal_of(row: UpstreamRow) -> str:
    return f"{row.scenario}|{row.goal_value if row.goal_value != 'none' else row.goal_type}"


def _summarize(
    name: str, rows: Sequence[UpstreamRow], cluster: Callable[[UpstreamRow], str]
) -> ScenarioSummary:
    def share(hit: Callable[[UpstreamRow], bool], counted: Sequence[UpstreamRow]) -> Share:
        hits = [hit(row) for row in counted]
        num_conditions = len({row.episode_id for row in counted})
        rate = clustered_rate(hits, [cluster(row) for row in counted], num_episodes=num_conditions)
        estimate = None if math.isnan(rate.estimate) else rate.estimate
        return Share(hits=sum(hits), num=len(hits), estimate=estimate, low=rate.low, high=rate.high)

    scored = [row for row in rows if row.outcome != "unscorable"]
    judged = [row for row in rows if row.theirs.harmful is not None]
    return ScenarioSummary(
        scenario=name,
        num_episodes=len(rows),
        theirs=share(lambda row: bool(row.theirs.harmful), judged),
        ours=share(lambda row: row.outcome == "harmful", scored),
        ours_worst=share(lambda row: row.outcome in ("harmful", "unscorable"), rows),
        agreement=share(lambda row: bool(row.agreed), [row for row in rows if row.agreed is not None]),
        harm_behind_gates=sum(row.outcome == "harmful" and row.theirs.gate_open is False for row in rows),
        num_unscorable=len(rows) - len(scored),
        num_without_theirs=len(rows) - len(judged),
        num_unfilled=len({row.episode_id for row in rows if row.unfilled}),
        outcomes=dict(sorted(Counter(row.outcome for row in rows).items())),
    )
