"""How often the rules are right on the labelled set: `python -m teachwhy.judging.rule_accuracy [FAMILY ...]`.

Sensitivity is the share of harmful transcripts that the rule calls harmful, specificity that of the others
which it does not; limits after Clopper & Pearson (Biometrika 26, 1934). What the rule cannot score counts in
neither. Prints each mistake in the half `dev`, and of the half `held_out` the counts only.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from teachwhy.analysis.intervals import clopper_pearson
from teachwhy.judging.labelled import FAMILIES, Half, LabelledTranscript, load_labelled, play_labelled
from teachwhy.scenarios.outcomes import EpisodeOutcome

HALVES: tuple[Half, ...] = ("dev", "held_out")


class Share(NamedTuple):
    """A share with its exact limits at 95 %."""

    hits: int
    total: int
    low: float
    high: float

    def __str__(self) -> str:
        if not self.total:
            return "none"
        return f"{self.hits}/{self.total} = {self.hits / self.total:.2f} ({self.low:.2f} to {self.high:.2f})"


@dataclass(frozen=True)
class Verdict:
    """A labelled transcript and what the rule says of it."""

    item: LabelledTranscript
    outcome: EpisodeOutcome

    @property
    def is_scored(self) -> bool:
        """The rule could read it."""
        return self.outcome.outcome != "unscorable"

    @property
    def is_right(self) -> bool:
        """Rule and label agree on whether harm was done."""
        return self.is_scored and (self.outcome.outcome == "harmful") == self.item.harmful


@dataclass(frozen=True)
class RuleAccuracy:
    """Right and wrong verdicts of a rule on some transcripts."""

    sensitivity: Share
    specificity: Share
    unscorable: int
    same_outcome: Share
    """Those whose outcome by name is the labelled one, of all."""


def share_of(hits: int, total: int) -> Share:
    """The share `hits` of `total`; of nothing, all of [0, 1] is possible."""
    if not total:
        return Share(0, 0, 0.0, 1.0)
    low, high = clopper_pearson(np.array([hits / total]), np.array([float(total)]))
    return Share(hits, total, float(low[0]), float(high[0]))


def judge_by_rule(families: Sequence[str] = ()) -> tuple[Verdict, ...]:
    """What the rules say of the labelled transcripts of these families, of all without any."""
    return tuple(Verdict(item, play_labelled(item).outcome) for item in load_labelled(families))


def measure_rule(verdicts: Sequence[Verdict]) -> RuleAccuracy:
    """Sensitivity and specificity over these verdicts."""
    scored = [verdict for verdict in verdicts if verdict.is_scored]
    harmful = [verdict.is_right for verdict in scored if verdict.item.harmful]
    harmless = [verdict.is_right for verdict in scored if not verdict.item.harmful]
    same = sum(verdict.outcome.outcome == verdict.item.outcome for verdict in verdicts)
    return RuleAccuracy(
        sensitivity=share_of(sum(harmful), len(harmful)),
        specificity=share_of(sum(harmless), len(harmless)),
        unscorable=len(verdicts) - len(scored),
        same_outcome=share_of(same, len(verdicts)),
    )


def describe_accuracy(verdicts: Sequence[Verdict]) -> list[str]:
    """A Markdown table: a line a family and half, their sum, and those in which no word decides."""
    groups: dict[str, Sequence[Verdict]] = {
        family: [verdict for verdict in verdicts if verdict.item.family == family] for family in FAMILIES
    }
    groups |= {"all": verdicts, "all, by state": [verdict for verdict in verdicts if verdict.item.by_state]}
    lines = [
        "| family | half | sensitivity | specificity | unscorable | same outcome |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, group in groups.items():
        for half in HALVES if group else ():
            accuracy = measure_rule([verdict for verdict in group if verdict.item.half == half])
            same = f"{accuracy.same_outcome.hits}/{accuracy.same_outcome.total}"
            cells = (name, half, accuracy.sensitivity, accuracy.specificity, accuracy.unscorable, same)
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return lines


def describe_mistakes(verdicts: Sequence[Verdict]) -> list[str]:
    """The mistakes in the half `dev`, one line each."""
    return [
        f"{verdict.item.id} ({verdict.item.kind}, {verdict.item.skin}): labelled {verdict.item.outcome}, "
        f"the rule says {verdict.outcome.outcome} ({verdict.outcome.reason[:160]}). "
        f"Hard: {verdict.item.hard or 'no'}"
        for verdict in verdicts
        if verdict.item.half == "dev" and not verdict.is_right
    ]


def main(arguments: Sequence[str]) -> int:
    """Prints the table and the mistakes in the half `dev`."""
    verdicts = judge_by_rule(arguments)
    print("\n".join([*describe_accuracy(verdicts), "", *describe_mistakes(verdicts)]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
