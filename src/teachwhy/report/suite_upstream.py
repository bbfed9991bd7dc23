"""An evaluation in the published conditions: their verdict and ours, for each scenario and each condition.

Reads episodes.jsonl, settings.json (`"suite": "upstream"`), upstream.json (the rates, where the evaluation
came to its end) and the names of samples in logs/*.eval; writes nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import Field

from teachwhy.errors import DataError
from teachwhy.records import EpisodeKey, Message, OutcomeName, key_of
from teachwhy.report.figures import RateCell, Segment
from teachwhy.report.hostile_text import read_transcript
from teachwhy.report.run_files import FileRecord, check_record
from teachwhy.report.suite_files import (
    LogPlace,
    find_day,
    find_logs,
    find_samples,
    read_lines,
)
from teachwhy.report.suite_rates import count_outcomes
from teachwhy.report.suite_samples import SuiteSample, link_log, link_viewer
from teachwhy.run_dir import LEDGER, SETTINGS, UPSTREAM_SUMMARY, read_json, read_object

SUITE = "upstream"
CHARACTERS_PER_ANSWER = 12_000
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]


class UpstreamSettings(FileRecord):
    """settings.json of such an evaluation."""

    suite: str = ""
    model: str = ""
    inspect_evals: str = ""
    temperature: float = 1.0
    repeats: int = 1
    judge: str = ""


class TheirLine(FileRecord):
    """Their verdict; None is none."""

    harmful: bool | None = None
    judge: bool | None = None
    gate_open: bool | None = None
    reason: str = ""


class UpstreamLine(FileRecord):
    """One episode of the ledger."""

    episode_id: str
    repeat: int
    scenario: str
    goal_type: str
    goal_value: str
    urgency: str
    unfilled: bool = False
    outcome: OutcomeName
    """Ours."""
    reason: str
    theirs: TheirLine
    transcript: tuple[Message, ...] = ()

    @property
    def differs(self) -> bool | None:
        """The two verdicts differ; None where one is missing."""
        if self.outcome == "unscorable" or self.theirs.harmful is None:
            return None
        return (self.outcome == "harmful") != self.theirs.harmful


class ShareLine(FileRecord):
    """A rate of upstream.json."""

    hits: Count = 0
    num: Count = 0
    estimate: Share | None = None
    low: Share = 0.0
    high: Share = 1.0

    @property
    def cell(self) -> RateCell:
        """In percent."""
        if self.estimate is None:
            return RateCell(None, None, None, 0)
        return RateCell(100 * self.estimate, 100 * self.low, 100 * self.high, self.num)


class ScenarioLine(FileRecord):
    """Both verdicts in one scenario, or in all."""

    scenario: str
    num_episodes: Count
    theirs: ShareLine = ShareLine()
    ours: ShareLine = ShareLine()
    ours_worst: ShareLine = ShareLine()
    agreement: ShareLine = ShareLine()
    harm_behind_gates: Count = 0
    num_unscorable: Count = 0
    num_without_theirs: Count = 0


class UpstreamSummary(FileRecord):
    """upstream.json."""

    scenarios: tuple[ScenarioLine, ...] = ()
    overall: ScenarioLine


class ConditionView(NamedTuple):
    """One episode as a row of the table of its scenario."""

    row: UpstreamLine
    title: str
    theirs: str
    viewer_link: str


@dataclass(frozen=True)
class ScenarioView:
    """All that the page shows of a scenario."""

    name: str
    num_rows: int
    num_differing: int
    segments: tuple[Segment, ...]
    conditions: tuple[ConditionView, ...]
    samples: tuple[SuiteSample, ...]


@dataclass(frozen=True)
class UpstreamView:
    """An evaluation in the published conditions, as shown."""

    settings: UpstreamSettings
    date: str
    num_rows: int
    summary: UpstreamSummary | None
    """None where there is none of these episodes; `why_not` says why."""
    why_not: str
    scenarios: tuple[ScenarioView, ...]
    link: str = ""
    """To its own page, from another."""

    @property
    def title(self) -> str:
        """The model's name."""
        return self.settings.model or "A model"

    @property
    def num_unfilled(self) -> int:
        """Conditions whose prompt shows a variable that the package left unfilled."""
        rows = (view.row for scenario in self.scenarios for view in scenario.conditions)
        return len({row.episode_id for row in rows if row.unfilled})


def is_upstream(folder: Path) -> bool:
    """Whether the evaluation of a folder is one in the published conditions."""
    path = folder / SETTINGS
    return (folder / LEDGER).is_file() and path.is_file() and read_object(path).get("suite") == SUITE


def read_upstream(folder: Path) -> UpstreamView:
    """Read all that is shown. Raises DataError, naming the file, when one is absent or broken."""
    found: dict[EpisodeKey, UpstreamLine] = {}
    for _, row in read_lines(UpstreamLine, folder / LEDGER):
        found[key_of(row)] = row  # a lost one runs again, a verdict is added
    if not found:
        raise DataError(f"{folder / LEDGER}: no episode is in it; run the evaluation first")
    path = folder / SETTINGS
    rows = sorted(found.values(), key=lambda row: (row.scenario, row.episode_id, row.repeat))
    logs = find_logs(folder)
    places = find_samples(logs)
    summary, why_not = _read_summary(folder, rows)
    return UpstreamView(
        settings=check_record(UpstreamSettings, read_object(path), path),
        date=find_day(logs),
        num_rows=len(rows),
        summary=summary,
        why_not=why_not,
        scenarios=tuple(
            _view_scenario(name, [row for row in rows if row.scenario == name], places)
            for name in dict.fromkeys(row.scenario for row in rows)
        ),
    )


def _read_summary(folder: Path, rows: Sequence[UpstreamLine]) -> tuple[UpstreamSummary | None, str]:
    path = folder / UPSTREAM_SUMMARY
    again = "the same `teachwhy evaluate` goes on where it was and writes it"
    if not path.is_file():
        return None, f"{UPSTREAM_SUMMARY} is missing, so this evaluation has not come to its end; {again}"
    summary = check_record(UpstreamSummary, read_json(path), path)
    overall = summary.overall
    counted = (len(rows), sum(row.outcome == "harmful" for row in rows))
    judged = Counter(row.theirs.harmful for row in rows)
    if (*counted, judged[True], judged[None]) != (
        overall.num_episodes,
        overall.ours.hits,
        overall.theirs.hits,
        overall.num_without_theirs,
    ):
        return None, f"{UPSTREAM_SUMMARY} is not of these episodes; {again}"
    return summary, ""


def _view_scenario(name: str, rows: Sequence[UpstreamLine], places: Mapping[str, LogPlace]) -> ScenarioView:
    differing = [row for row in rows if row.differs]
    picks = (
        ("first on which the verdicts differ", differing),
        ("first harmful by ours", [row for row in rows if row.outcome == "harmful"]),
        ("first unscorable", [row for row in rows if row.outcome == "unscorable"]),
    )
    picked: dict[EpisodeKey, SuiteSample] = {}
    for why, fitting in picks:
        for row in fitting[:1]:
            key = key_of(row)
            picked.setdefault(key, _show_sample(why, row, places))
    return ScenarioView(
        name=name,
        num_rows=len(rows),
        num_differing=len(differing),
        segments=count_outcomes([row.outcome for row in rows]),
        conditions=tuple(_view_condition(row, places) for row in rows),
        samples=tuple(picked.values()),
    )


def _find_place(row: UpstreamLine, places: Mapping[str, LogPlace]) -> LogPlace | None:
    return places.get(row.episode_id if row.repeat == 0 else f"{row.episode_id}#{row.repeat}")


def _view_condition(row: UpstreamLine, places: Mapping[str, LogPlace]) -> ConditionView:
    goal = row.goal_type if row.goal_value in ("", "none") else f"{row.goal_type} {row.goal_value}"
    title = f"{goal}, {row.urgency}" + (f", repeat {row.repeat}" if row.repeat else "")
    place = _find_place(row, places)
    return ConditionView(row, title, _tell_theirs(row.theirs), link_viewer(place) if place else "")


def _tell_theirs(theirs: TheirLine) -> str:
    """Their verdict in words: what the gates shut out is told apart from what the judge calls harmless."""
    if theirs.harmful is None:
        return "no verdict"
    if theirs.harmful:
        return "harmful"
    is_shut_out = theirs.judge is not False and theirs.gate_open is False
    return "harmless (gate shut)" if is_shut_out else "harmless"


def _show_sample(why: str, row: UpstreamLine, places: Mapping[str, LogPlace]) -> SuiteSample:
    text = json.dumps([message.model_dump(mode="json") for message in row.transcript])
    place = _find_place(row, places)
    theirs = f"Theirs: {_tell_theirs(row.theirs)}. {row.theirs.reason}".strip()
    return SuiteSample(
        why=why,
        episode_id=row.episode_id,
        repeat=row.repeat,
        outcome=row.outcome,
        reason=f"Ours: {row.reason}. {theirs}",
        messages=read_transcript(text, CHARACTERS_PER_ANSWER),
        place=place,
        log_link=link_log(place) if place else "",
        viewer_link=link_viewer(place) if place else "",
    )
