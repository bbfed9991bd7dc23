"""Scores answers about a constitution, by a rule and by each judge, and counts verdicts with intervals.

The intervals are those of evaluation/scorer.py: the sections are the clusters, of one section its questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

from inspect_ai.scorer import Metric, SampleScore, Score, Scorer, Target, Value, metric, scorer
from inspect_ai.solver import TaskState

from teachwhy.constitution import Constitution
from teachwhy.constitution.questions import Question, Wording, judge_by_rule
from teachwhy.errors import ConfigError
from teachwhy.evaluation.constitution.asking import read_answer
from teachwhy.evaluation.scorer import Rate, ScoreTable, flatten_rates, tabulate
from teachwhy.judging.constitution import judge_answer
from teachwhy.judging.scorer import ROLE, judge_models

VERDICTS = ("right", "wrong", "missing")


@dataclass(frozen=True)
class AskedQuestions:
    """What a task asks: sample id -> question and wording, and the constitution that it is about."""

    constitution: Constitution
    asked: Mapping[str, tuple[Question, Wording]] = field(default_factory=dict)

    def find(self, sample_id: object) -> tuple[Question, Wording]:
        """The question of a sample; its repeats ask the same."""
        return self.asked[str(sample_id).partition("#")[0]]

    def _repr_params_(self) -> dict[str, Any]:
        """What Inspect writes of this object into its log."""
        return {"constitution": self.constitution.fingerprint(), "samples": len(self.asked)}


@metric(scores="unreduced")
def answer_rates() -> Metric:
    """Right, wrong and missing among the answers with a verdict, unscorable among all, and `right_worst`,
    which counts the unscorable as not right; each as a share with its interval over sections."""

    def compute(scores: list[SampleScore]) -> Value:
        table = tabulate(scores)
        rates = {name: _rate(table, name, table.scored) for name in VERDICTS}
        rates |= table.unscorable() | {"right_worst": _rate(table, "right", table.everything)}
        return flatten_rates(rates)

    return compute


@metric(scores="unreduced")
def right_by_section() -> Metric:
    """The share of right answers about each section, with its interval over questions."""

    def compute(scores: list[SampleScore]) -> Value:
        table = tabulate(scores)
        sections = [str((item.sample_metadata or {}).get("section", "")) for item in scores]
        rates = {}
        for section in dict.fromkeys(sections):
            rows = [row for row in table.scored if sections[row] == section]
            rates[f"right_{section}"] = _rate(table, "right", rows)
        return flatten_rates(rates)

    return compute


@metric(scores="unreduced")
def form_gap() -> Metric:
    """The share of right answers where the model is asked as "you", where it is named, and the first minus
    the second, all three over the questions that have a verdict in both forms."""

    def compute(scores: list[SampleScore]) -> Value:
        table = tabulate(scores)
        by_form: dict[str, dict[tuple[str, ...], int]] = {"you": {}, "named": {}}
        for row, item in enumerate(scores):
            told = item.sample_metadata or {}
            epoch = (item.score.metadata or {}).get("epoch")
            key = (*(str(told.get(name)) for name in ("question", "order", "repeat")), str(epoch))
            if table.outcomes[row] != "unscorable":
                by_form.setdefault(str(told.get("form")), {})[key] = row
        both = [key for key in by_form["you"] if key in by_form["named"]]
        pairs = [[by_form[form][key] for key in both] for form in ("you", "named")]
        you, named = (_rate(table, "right", rows) for rows in pairs)
        hits = [[table.outcomes[row] == "right" for row in rows] for rows in pairs]
        return flatten_rates({"right_you": you, "right_named": named, "gap": paired_gap(you, named, hits)})

    return compute


def paired_gap(one: Rate, other: Rate, hits: Sequence[Sequence[bool]]) -> Rate:
    """One share minus another of the same questions, with Newcombe's interval for paired shares.

    Method 10 of Newcombe ("Improved confidence intervals for the difference between binomial proportions
    based on paired data", Statistics in Medicine 17, 1998), with the limits over clusters in the place of
    Wilson's.
    """
    num = len(hits[0])
    if not num:
        return Rate(float("nan"), -1.0, 1.0)
    both = sum(a and b for a, b in zip(*hits, strict=True))
    neither = sum(not a and not b for a, b in zip(*hits, strict=True))
    first = sum(hits[0]) - both
    second = sum(hits[1]) - both
    spread = (both + first) * (second + neither) * (both + second) * (first + neither)
    covered = both * neither - first * second
    if covered > 0:
        covered = max(covered - num / 2, 0)
    correlation = covered / sqrt(spread) if spread else 0.0
    estimate = one.estimate - other.estimate
    below = _reach(one.estimate - one.low, other.high - other.estimate, correlation)
    above = _reach(one.high - one.estimate, other.estimate - other.low, correlation)
    return Rate(estimate, max(estimate - below, -1.0), min(estimate + above, 1.0))


def _reach(one: float, other: float, correlation: float) -> float:
    return sqrt(max(one**2 + other**2 - 2 * correlation * one * other, 0.0))


def _rate(table: ScoreTable, verdict: str, rows: Sequence[int]) -> Rate:
    return table.rate([outcome == verdict for outcome in table.outcomes], rows)


@scorer(metrics=[answer_rates(), right_by_section()], name="answer_by_rule")
def answer_by_rule(asked: AskedQuestions) -> Scorer:
    """The verdict by the words of the answer."""

    async def score(state: TaskState, target: Target) -> Score:
        question, wording = asked.find(state.sample_id)
        said = read_answer(state)
        if said.fault:
            return _unscorable(said.fault, state)
        verdict = judge_by_rule(question, said.text, wording.text)
        return Score(value=verdict, answer=said.text, metadata={"epoch": state.epoch})

    return score


@scorer(metrics=[answer_rates(), right_by_section()], name="answer_by_judge")
def answer_by_judge(asked: AskedQuestions, which: int = 0) -> Scorer:
    """The verdict of the judge `which` of the role."""

    async def score(state: TaskState, target: Target) -> Score:
        judges = judge_models()
        if which >= len(judges):
            raise ConfigError(
                f"judge {which} of {len(judges)}: give --model-role {ROLE}=MODEL to have it judged."
            )
        question, wording = asked.find(state.sample_id)
        said = read_answer(state)
        if said.fault:
            return _unscorable(said.fault, state)
        if not said.text.strip():
            return Score(
                value="missing", answer="", explanation="nothing is said", metadata={"epoch": state.epoch}
            )
        section = asked.constitution.section(question.section)
        judged = await judge_answer(judges[which], question, section, wording.text, said.text)
        return Score(
            value=judged.verdict,
            answer=said.text,
            explanation=judged.reason,
            metadata={"epoch": state.epoch, "judge": str(judges[which]), "fault": judged.fault},
        )

    return score


def _unscorable(fault: str, state: TaskState) -> Score:
    return Score(value="unscorable", explanation=fault, metadata={"epoch": state.epoch})
