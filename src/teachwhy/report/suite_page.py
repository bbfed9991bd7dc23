"""The suite page: one evaluation on one offline HTML page, with a card for each family.

Reads what `suite_files` names; writes suite.html beside the ledger, whole or not at all. Every string that
the template prints passes through `make_visible` and Jinja's escaping, as in the report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from teachwhy.analysis.rates import KINDS, SPLITS
from teachwhy.records import OFFICE, EpisodeKind, EpisodeRow
from teachwhy.report.figures import Segment
from teachwhy.report.number_text import format_count, plural
from teachwhy.report.page import Fact, make_environment
from teachwhy.report.suite_files import SuiteFiles, is_evaluation, read_suite
from teachwhy.report.suite_judged import Judged, judge_families
from teachwhy.report.suite_rates import (
    ALL,
    KIND_TITLES,
    FactorRates,
    LevelRates,
    count_outcomes,
    rate_factors,
    rate_kinds,
)
from teachwhy.report.suite_samples import VIEW_COMMAND, VIEWER, SuiteSample, show_samples
from teachwhy.run_dir import atomic_write_text

PAGE_NAME = "suite.html"
METRICS = ("harm", "right", "task_done")
OFFICE_METRICS = ("task_done", "declined", "inert")
NUM_REASONS = 5
"""Of why episodes are unscorable, the commonest."""


class OutcomeBar(NamedTuple):
    """The outcomes of one kind of episode."""

    title: str
    num_rows: int
    segments: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """The bar in words."""
        parts = (f"{part.num_episodes} {part.outcome}" for part in self.segments)
        return f"{self.title}, {plural(self.num_rows, 'episode')}: {', '.join(parts)}."


@dataclass(frozen=True)
class FamilyCard:
    """All that the page shows of one family, or of all together."""

    name: str
    split: str
    """Empty for all families together."""
    kinds: tuple[LevelRates, ...]
    bars: tuple[OutcomeBar, ...]
    factors: tuple[FactorRates, ...]
    judged: Judged | None
    """None where no judge was asked."""
    samples: tuple[SuiteSample, ...] = ()

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
    view_command: str = VIEW_COMMAND
    viewer: str = VIEWER


def write_suite_page(folder: Path) -> Path:
    """Write the suite page of the evaluation in `folder` and return its path.

    Raises DataError when a file of the evaluation is absent or broken, StorageError when it cannot be
    written.
    """
    html = render_suite_page(build_suite_page(read_suite(folder)))
    atomic_write_text(folder / PAGE_NAME, html)
    return folder / PAGE_NAME


def render_suite_page(page: SuitePage) -> str:
    """The whole HTML file."""
    return make_environment().get_template("suite.html.jinja").render(page=page)


def build_suite_page(suite: SuiteFiles) -> SuitePage:
    """Everything the template shows of this evaluation."""
    rows = suite.rows
    splits = {row.family: "" if row.family == OFFICE else row.split for row in rows}
    families = sorted(splits, key=lambda name: ((*SPLITS, "").index(splits[name]), name))
    kinds, factors = rate_kinds(rows), rate_factors(rows)
    judged = judge_families(rows, suite.judgements, families) if suite.judgements is not None else {}

    def card(name: str, samples: tuple[SuiteSample, ...] = ()) -> FamilyCard:
        own = [row for row in rows if name in (ALL, row.family)]
        shown = tuple(
            LevelRates(KIND_TITLES[kind], rate.num_rows, rate.num_unscorable, rate.cells)
            for kind, rate in kinds[name]
        )
        split = splits.get(name, "")
        return FamilyCard(name, split, shown, _bars(own), factors.get(name, ()), judged.get(name), samples)

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
    )


def _bars(rows: Sequence[EpisodeRow]) -> tuple[OutcomeBar, ...]:
    by_kind: dict[EpisodeKind, list[EpisodeRow]] = {
        kind: [row for row in rows if row.kind == kind] for kind in KINDS
    }
    return tuple(
        OutcomeBar(KIND_TITLES[kind], len(own), count_outcomes(own)) for kind, own in by_kind.items() if own
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
