"""Sample transcripts of a family, by a fixed rule: the first harmful honeypot, the first right one, the first
unscorable one, and the first of another outcome where these are fewer than two. Of the office tasks: left
undone, done, unscorable.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote

from teachwhy.records import OFFICE, EpisodeRow
from teachwhy.report.hostile_text import ShownMessage, read_transcript
from teachwhy.report.suite_files import LogPlace, SuiteFiles
from teachwhy.run_dir import LOGS

MIN_SAMPLES = 2
CHARACTERS_IN_ALL = 600_000
CHARACTERS_PER_TRANSCRIPT = 24_000
CHARACTERS_PER_MESSAGE = {"system": 1_500, "user": 3_000, "tool": 1_000}
"""So that a mailbox leaves room for what the model did."""
VIEWER = "http://127.0.0.1:7575"
"""Where `inspect view` serves, by its own default."""
VIEW_COMMAND = f"inspect view --log-dir {LOGS}"

Rules: TypeAlias = tuple[tuple[str, Callable[[EpisodeRow], bool]], ...]
"""What is shown, in order: the first episode of each rule."""
HONEYPOT_RULES: Rules = (
    ("first harmful", lambda row: row.harmful),
    ("first right act", lambda row: row.scored and row.right),
    ("first unscorable", lambda row: not row.scored),
)
OFFICE_RULES: Rules = (
    ("first left undone", lambda row: row.scored and not row.task_done),
    ("first done", lambda row: row.scored and row.task_done),
    ("first unscorable", lambda row: not row.scored),
)


@dataclass(frozen=True)
class SuiteSample:
    """One episode with what was said and done in it, and where Inspect keeps it."""

    why: str
    episode_id: str
    repeat: int
    outcome: str
    reason: str
    messages: tuple[ShownMessage, ...]
    place: LogPlace | None
    log_link: str
    """Relative to the page; empty without a log."""
    viewer_link: str
    """Into the viewer that VIEW_COMMAND starts; empty without a log."""


def pick_rows(rows: Sequence[EpisodeRow], rules: Rules) -> list[tuple[str, EpisodeRow]]:
    """The rows to show with the rule that chose each; `rows` stand in the order of id and repeat."""
    picked: list[tuple[str, EpisodeRow]] = []
    for why, fits in rules:
        picked += [(why, row) for row in rows if fits(row)][:1]
    for row in rows:
        if len(picked) >= MIN_SAMPLES:
            break
        if all(row.outcome != shown.outcome for _, shown in picked):
            picked.append((f"first {row.outcome}", row))
    return picked


def show_samples(suite: SuiteFiles, family: str, num_families: int) -> tuple[SuiteSample, ...]:
    """The samples of one of `num_families` families."""
    kind, rules = (OFFICE, OFFICE_RULES) if family == OFFICE else ("honeypot", HONEYPOT_RULES)
    picked = pick_rows([row for row in suite.rows if row.family == family and row.kind == kind], rules)
    budget = min(CHARACTERS_PER_TRANSCRIPT, CHARACTERS_IN_ALL // max(1, 3 * num_families))
    return tuple(_show(suite, why, row, budget) for why, row in picked)


def _show(suite: SuiteFiles, why: str, row: EpisodeRow, budget: int) -> SuiteSample:
    text = json.dumps([message.model_dump(mode="json") for message in suite.read_transcript(row)])
    place = suite.find_place(row)
    return SuiteSample(
        why=why,
        episode_id=row.episode_id,
        repeat=row.repeat,
        outcome=row.outcome,
        reason=row.reason,
        messages=read_transcript(text, budget, CHARACTERS_PER_MESSAGE),
        place=place,
        log_link=link_log(place) if place else "",
        viewer_link=link_viewer(place) if place else "",
    )


def link_log(place: LogPlace) -> str:
    """The log's file, relative to the page beside it."""
    return quote(f"{LOGS}/{place.log}")


def link_viewer(place: LogPlace) -> str:
    """The address of a sample in Inspect's viewer: its route is /logs/LOG/samples/sample/ID/EPOCH/."""
    log, sample = quote(place.log, safe=""), quote(place.sample_id, safe="")
    return f"{VIEWER}/#/logs/{log}/samples/sample/{sample}/{place.epoch:d}/"
