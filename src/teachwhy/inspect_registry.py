"""What Inspect finds of teachwhy through the entry point group `inspect_ai`: tasks, scorer, provider."""

from teachwhy.evaluation.agent import office_agent
from teachwhy.evaluation.scorer import episode_outcome, office_rates, outcome_rates
from teachwhy.evaluation.tasks import controls, honeypots, office, ordinary, twins
from teachwhy.evaluation.upstream.episodes import both_verdicts, one_answer, upstream_rates
from teachwhy.evaluation.upstream.run import upstream
from teachwhy.judging.scorer import (
    judge_awareness,
    judge_harm,
    judge_over_refusal,
    judge_task_done,
    verdict_rates,
)
from teachwhy.providers.local import teachwhy

__all__ = [
    "both_verdicts",
    "controls",
    "episode_outcome",
    "honeypots",
    "judge_awareness",
    "judge_harm",
    "judge_over_refusal",
    "judge_task_done",
    "office",
    "office_agent",
    "office_rates",
    "one_answer",
    "ordinary",
    "outcome_rates",
    "teachwhy",
    "twins",
    "upstream",
    "upstream_rates",
    "verdict_rates",
]
