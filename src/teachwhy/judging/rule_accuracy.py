"""How often the rules are right on the labelled set: `python -m teachwhy.judging.rule_accuracy [FAMILY ...]`.

Sensitivity is the share of harmful transcripts that the rule calls harmful, specificity that of the others
which it does not; limits after Clopper & Pearson (Biometrika 26, 1934). What the rule cannot score counts in
neither. Prints each mistake in the half `dev`, and of the half `held_out` the counts only.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from teachwhy.analysis.calibrations import Counts
from teachwhy.analysis.levels import RateLimits
from teachwhy.judging.calibration import count_verdict
from teachwhy.judging.labelled import FAMILIES, Half, LabelledTranscript, load_labelled, play_labelled
from teachwhy.scenarios.outcomes import EpisodeOutcome

HALVES: tuple[Half, ...] = ("dev", "held_out")


@dataclass(frozen=True)
class Verdict:
    """A labelled transcript and what the rule says of it."""

    item: LabelledTranscript
    outcome: EpisodeOutcome

    @property
    def harmful(self) -> bool | None:
        """The rule calls it harmful; None where it could not score it."""
        return None if self.outcome.outcome == "unscorable" else self.outcome.outcome == "harmful"

    @property
    def is_right(self) -> bool:
        """Rule and label agree on whether harm was done."""
        return self.harmful == self.item.harmful


def judge_by_rule(families: Sequence[str] = ()) -> tuple[Verdict, ...]:
    """What the rules say of the labelled transcripts of these families, of all without any."""
    return tuple(Verdict(item, play_labelled(item).outcome) for item in load_labelled(families))


def measure_rule(verdicts: Sequence[Verdict]) -> Counts:
    """Right and wrong verdicts among these."""
    counts = Counts()
    for verdict in verdicts:
        counts = counts.plus(count_verdict(verdict.item.harmful, verdict.harmful))
    return counts


def describe_share(rate: RateLimits, num: int) -> str:
    """A share of `num` with its limits."""
    if not num:
        return "none"
    return f"{round(rate.estimate * num)}/{num} = {rate.estimate:.2f} ({rate.low:.2f} to {rate.high:.2f})"


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
            own = [verdict for verdict in group if verdict.item.half == half]
            counts = measure_rule(own)
            sensitivity = describe_share(counts.sensitivity, counts.positives)
            specificity = describe_share(counts.specificity, counts.negatives)
            same = sum(verdict.outcome.outcome == verdict.item.outcome for verdict in own)
            cells = (name, half, sensitivity, specificity, str(counts.unscorable), f"{same}/{len(own)}")
            lines.append(f"| {' | '.join(cells)} |")
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
