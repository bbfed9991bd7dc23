"""The suite page: one evaluation on one offline HTML page, with a card for each family.

Reads what `suite_files` names; writes suite.html beside the ledger, whole or not at all. Every string that
the template prints passes through `make_visible` and Jinja's escaping, as in the report.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

from teachwhy.analysis.calibrations import read_calibrations
from teachwhy.analysis.rates import ALL, KINDS, SPLITS
from teachwhy.records import OFFICE, EpisodeKind, EpisodeRow
from teachwhy.report.figures import RateCell
from teachwhy.report.number_text import format_count, plural
from teachwhy.report.page import Fact, make_environment
from teachwhy.report.suite_files import PAGE_NAME, SuiteFiles, is_evaluation, read_suite
from teachwhy.report.suite_judged import Judged, judge_families
from teachwhy.report.suite_rates import (
    KIND_TITLES,
    FactorRates,
    LevelRates,
    OutcomeBar,
    count_outcomes,
    rate_factors,
    rate_kinds,
    rate_skins,
)
from teachwhy.report.suite_samples import VIEW_COMMAND, VIEWER, SuiteSample, show_samples
from teachwhy.report.suite_upstream import SUITE as UPSTREAM
from teachwhy.report.suite_upstream import UpstreamView, is_upstream, read_upstream
from teachwhy.report.suite_upstream_page import write_upstream_page
from teachwhy.report.suite_verdicts import VerdictTable, tabulate_verdicts
from teachwhy.run_dir import CALIBRATIONS, SETTINGS, atomic_write_text, read_object

METRICS = ("harm", "right", "task_done")
OFFICE_METRICS = ("task_done", "declined", "inert")
NUM_REASONS = 5
"""Of why episodes are unscorable, the commonest."""


@dataclass(frozen=True)
class FamilyCard:
    """All that the page shows of one family, or of all together."""

    name: str
    split: str
    """Empty for all families together."""
    kinds: tuple[LevelRates, ...]
    skins: tuple[LevelRates, ...]
    """Harm in honeypots; empty for all families together and where there are no skins."""
    bars: tuple[OutcomeBar, ...]
    factors: tuple[FactorRates, ...]
    verdicts: tuple[VerdictTable, ...]
    """The rule and the judges; empty where neither judgements nor calibrations are there."""
    judged: Judged | None
    """None where no judge was asked."""
    samples: tuple[SuiteSample, ...] = ()

    @property
    def over_refusal(self) -> tuple[LevelRates, ...]:
        """Office tasks among others, which have a card of their own besides."""
        return tuple(rate for rate in self.kinds if rate.title == KIND_TITLES[OFFICE] and self.name != OFFICE)

    @property
    def over_refusal_metrics(self) -> tuple[str, ...]:
        """What is no work done in office tasks."""
        return OFFICE_METRICS[1:]

    @property
    def metrics(self) -> tuple[str, ...]:
        """What the table of kinds shows; work done and over-refusal of the office tasks."""
        return OFFICE_METRICS if self.name == OFFICE else METRICS


@dataclass(frozen=True)
class SuitePage:
    """All that the template reads."""

    title: str
    lead: tuple[str, ...]
    facts: tuple[Fact, ...]
    warnings: tuple[str, ...]
    overall: FamilyCard
    families: tuple[FamilyCard, ...]
    num_unscorable: int
    reasons: tuple[tuple[str, int], ...]
    """Why episodes are unscorable, the commonest first."""
    num_other_reasons: int
    """Episodes with a reason that is not listed."""
    judges: tuple[str, ...]
    has_calibrations: bool
    upstream: UpstreamView | None
    """The published conditions, where the same run has an evaluation in them."""
    view_command: str = VIEW_COMMAND
    viewer: str = VIEWER


def write_suite_page(folder: Path) -> Path:
    """Write the suite page of the evaluation in `folder` and return its path.

    Raises DataError when a file of the evaluation is absent or broken, StorageError when it cannot be
    written.
    """
    if is_upstream(folder):
        return write_upstream_page(folder, read_upstream(folder))
    suite = read_suite(folder)
    upstream = None
    if found := find_upstream(folder):
        upstream = read_upstream(found)
        page = write_upstream_page(found, upstream)
        upstream = replace(upstream, link=quote(os.path.relpath(page, folder)))
    atomic_write_text(folder / PAGE_NAME, render_suite_page(build_suite_page(suite, upstream)))
    return folder / PAGE_NAME


def find_upstream(folder: Path) -> Path | None:
    """The folder `upstream` with the published conditions of the same model, in that of an evaluation or of
    the run around it.
    """
    model = read_object(folder / SETTINGS).get("model")
    run = [folder.resolve().parent.parent] if folder.resolve().parent.name == "stages" else []
    for place in (folder, *run):
        if is_upstream(place / UPSTREAM) and read_object(place / UPSTREAM / SETTINGS).get("model") == model:
            return place / UPSTREAM
    return None


def render_suite_page(page: SuitePage) -> str:
    """The whole HTML file."""
    return make_environment().get_template("suite.html.jinja").render(page=page)


def build_suite_page(suite: SuiteFiles, upstream: UpstreamView | None = None) -> SuitePage:
    """Everything the template shows of this evaluation."""
    rows = suite.rows
    splits = {row.family: "" if row.family == OFFICE else row.split for row in rows}
    families = sorted(splits, key=lambda name: ((*SPLITS, "").index(splits[name]), name))
    kinds, skins, factors = rate_kinds(rows), rate_skins(rows), rate_factors(rows)
    judgements, calibrations = suite.judgements, read_calibrations(suite.folder / CALIBRATIONS)
    judged = judge_families(rows, judgements, families, calibrations) if judgements is not None else {}
    verdicts: dict[str, tuple[VerdictTable, ...]] = {}
    if judgements is not None or calibrations.calibrations:
        verdicts = tabulate_verdicts(rows, judgements or (), calibrations, families)

    def card(name: str, samples: tuple[SuiteSample, ...] = ()) -> FamilyCard:
        own = [row for row in rows if name in (ALL, row.family)]
        shown = tuple(
            LevelRates(
                KIND_TITLES[kind], rate.num_rows, rate.num_unscorable, _cells_that_apply(kind, rate.cells)
            )
            for kind, rate in kinds[name]
        )
        split = splits.get(name, "")
        return FamilyCard(
            name=name,
            split=split,
            kinds=shown,
            skins=skins.get(name, ()),
            bars=_bars(own),
            factors=factors.get(name, ()),
            verdicts=verdicts.get(name, ()),
            judged=judged.get(name),
            samples=samples,
        )

    unscorable = [row for row in rows if not row.scored]
    reasons = Counter(row.reason for row in unscorable).most_common(NUM_REASONS)
    return SuitePage(
        title=suite.title,
        lead=_lead(suite),
        facts=_facts(rows, unscorable, len(splits.keys() - {OFFICE})),
        warnings=_warnings(suite),
        overall=card(ALL),
        families=tuple(card(name, show_samples(suite, name, len(families))) for name in families),
        num_unscorable=len(unscorable),
        reasons=tuple(reasons),
        num_other_reasons=len(unscorable) - sum(num for _, num in reasons),
        judges=tuple(sorted({line.judge for line in suite.judgements or ()})),
        has_calibrations=bool(calibrations.calibrations),
        upstream=upstream,
    )


def _cells_that_apply(kind: EpisodeKind, cells: Mapping[str, RateCell]) -> Mapping[str, RateCell]:
    """In office tasks there is no harm to be done nor shunned: no rate of it, which would be 0."""
    if kind != OFFICE:
        return cells
    return {metric: cell for metric, cell in cells.items() if metric in OFFICE_METRICS}


def _bars(rows: Sequence[EpisodeRow]) -> tuple[OutcomeBar, ...]:
    by_kind: dict[EpisodeKind, list[EpisodeRow]] = {
        kind: [row for row in rows if row.kind == kind] for kind in KINDS
    }
    return tuple(
        OutcomeBar(KIND_TITLES[kind], len(own), count_outcomes([row.outcome for row in own]))
        for kind, own in by_kind.items()
        if own
    )


def _facts(
    rows: Sequence[EpisodeRow], unscorable: Sequence[EpisodeRow], num_families: int
) -> tuple[Fact, ...]:
    facts = (
        (len(rows), "episode", "episodes"),
        (num_families, "family", "families"),
        (len(unscorable), "unscorable", "unscorable"),
    )
    return tuple(Fact(format_count(num), one if num == 1 else many) for num, one, many in facts)


def _lead(suite: SuiteFiles) -> tuple[str, ...]:
    """What was evaluated and how, in words, from the files."""
    settings, evaluation = suite.settings, suite.settings.evaluation
    words = {
        "tools": "the office behind tools",
        "prompt": "all of the office in the first message and one turn",
    }
    how = [f"Dialect {settings.dialect}", words.get(evaluation.presentation, evaluation.presentation)]
    if evaluation.part != "all":
        how.append(f"the {evaluation.part} skins only")
    if evaluation.hint:
        how.append(f"hints up to step {evaluation.hint}")
    how.append(f"temperature {evaluation.temperature:g}")
    if evaluation.repeats > 1:
        how.append(f"{evaluation.repeats} repeats of each episode")
    how.append(f"sampling seed {suite.rows[0].seed}")
    who = f"Model {settings.model or 'not named'}"
    if suite.student and suite.student not in (suite.title, settings.model):
        who += f", from the student {suite.student}"
    when = f"; begun on {suite.date}" if suite.date else ""
    return (f"{who}{when}.", ", ".join(how) + ".")


def _warnings(suite: SuiteFiles) -> tuple[str, ...]:
    """What a reader must know first."""
    found = []
    if not suite.is_whole:
        found.append(
            "This evaluation is not marked as whole (it has no stage.json): episodes may be missing, and not "
            "by chance."
        )
    if suite.num_stale_judgements:
        found.append(
            f"{plural(suite.num_stale_judgements, 'judgement')} left out: of episodes that are not in the "
            "ledger as they were judged. Move judgements.jsonl away to have everything judged again."
        )
    if suite.settings.template_lacks:
        found.append(
            f"The model’s chat template has no place for {', '.join(suite.settings.template_lacks)}; they "
            "were told in plain words, so some of what it fails to do may be due to that."
        )
    if suite.settings.dialect == "sprig":
        found.append(
            "The sprig dialect is short plain sentences from a grammar: a microscope for small models, no "
            "evidence about frontier models."
        )
    return tuple(found)


__all__ = ["build_suite_page", "is_evaluation", "render_suite_page", "write_suite_page"]
