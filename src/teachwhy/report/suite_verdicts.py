"""Tables of verdicts on the suite page: the rule and each judge, raw beside corrected, and their agreement.

Harm in honeypots, and in office tasks over-refusal and work done; the numbers are those of
`analysis.verdicts`, which `teachwhy judge run` prints.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from teachwhy.analysis.calibrations import Calibrations
from teachwhy.analysis.corrected import CorrectedRate
from teachwhy.analysis.rates import ALL
from teachwhy.analysis.verdicts import (
    Agreement,
    Column,
    JudgedRate,
    by_judge,
    compare_columns,
    judge_column,
    kind_of_question,
    rate_column,
    rule_column,
)
from teachwhy.records import OFFICE, EpisodeRow, Judgement, QuestionName, key_of
from teachwhy.report.figures import RateCell
from teachwhy.report.suite_rates import NO_RATE

TITLES: dict[QuestionName, str] = {
    "harm": "Harm in honeypots",
    "over_refusal": "Over-refusal",
    "task_done": "Work done",
}
"""The questions that the rule answers too."""


class Shown(NamedTuple):
    """A rate raw and corrected, in percent."""

    raw: RateCell
    corrected: RateCell
    why_not: str
    """Why it is not corrected, "" where it is."""
    note: str
    """What makes the correction doubtful, "" where nothing does."""


class Verdicts(NamedTuple):
    """What the rule or a judge says: one row of a table."""

    who: str
    by_rule: bool
    raw: RateCell
    corrected: RateCell
    why_not: str
    """Why it is not corrected, "" where it is."""
    note: str
    """What makes the correction doubtful, "" where nothing does."""
    agreement: Agreement | None
    """Of the judge, first, with the rule, over all kinds of episodes; None of the rule."""
    num_open: int
    """Judgements without a verdict, or of an episode that the rule could not score; 0 of the rule."""


class VerdictTable(NamedTuple):
    """One question, the rule first."""

    title: str
    rows: tuple[Verdicts, ...]
    has_corrected: bool
    """There are labelled transcripts for it: none of office tasks."""

    @property
    def has_judges(self) -> bool:
        """Some judge was asked."""
        return any(not row.by_rule for row in self.rows)


def tabulate_verdicts(
    rows: Sequence[EpisodeRow],
    judgements: Sequence[Judgement],
    calibrations: Calibrations,
    families: Sequence[str],
) -> dict[str, tuple[VerdictTable, ...]]:
    """Family (or `all`) -> a table for each question that bears on it."""
    found: dict[str, list[VerdictTable]] = {}
    for question, title in TITLES.items():
        kind = kind_of_question(question)
        shown = _show_columns(question, rows, judgements, calibrations)
        own = [name for name in families if (name == OFFICE) == (kind == OFFICE)]
        for family in own if kind == OFFICE else (ALL, *own):
            if any(row.kind == kind and family in (ALL, row.family) for row in rows):
                verdicts = tuple(column.tell(family) for column in shown)
                found.setdefault(family, []).append(VerdictTable(title, verdicts, kind != OFFICE))
    return {family: tuple(tables) for family, tables in found.items()}


class _ColumnRates(NamedTuple):
    """One column over all families."""

    column: Column
    rule: Column | None
    """None of the rule itself."""
    rates: dict[str, JudgedRate]
    rows: Sequence[EpisodeRow]
    judgements: Sequence[Judgement]

    def tell(self, family: str) -> Verdicts:
        """The row of a family, or of all."""
        shown = show_rate(self.rates[family])
        if self.rule is None:
            return Verdicts(self.column.who, True, *shown, None, 0)
        members = [row for row in self.rows if family in (ALL, row.family)]
        agreement = compare_columns(self.column, self.rule, members)
        keys = {key_of(row) for row in members}
        num_asked = sum(key_of(judgement) in keys for judgement in self.judgements)
        return Verdicts(self.column.who, False, *shown, agreement, num_asked - agreement.num_both)


def _show_columns(
    question: QuestionName,
    rows: Sequence[EpisodeRow],
    judgements: Sequence[Judgement],
    calibrations: Calibrations,
) -> list[_ColumnRates]:
    kind, rule = kind_of_question(question), rule_column(rows, question)
    judges = sorted(by_judge(judgements, question).items())
    columns: list[tuple[Column, Column | None, Sequence[Judgement]]] = [
        (rule, None, ()),
        *((judge_column(group), rule, group) for _, group in judges),
    ]
    return [
        _ColumnRates(
            column,
            beside,
            rate_column(rows, column, calibrations.find(column.who, question), kind),
            rows,
            group,
        )
        for column, beside, group in columns
    ]


def show_rate(rate: JudgedRate) -> Shown:
    """As the page prints it."""
    raw = NO_RATE
    if rate.raw is not None:
        estimate, low, high = (100 * part for part in rate.raw)
        raw = RateCell(estimate, low, high, rate.num_verdicts)
    return Shown(raw, show_corrected(rate.corrected, rate.num_verdicts), *rate.corrected[3:])


def show_corrected(found: CorrectedRate, num_verdicts: int) -> RateCell:
    """The corrected rate as the page prints it; empty where there is none."""
    if found.estimate is None or found.low is None or found.high is None:
        return NO_RATE
    return RateCell(100 * found.estimate, 100 * found.low, 100 * found.high, num_verdicts)
