"""What Inspect finds of teachwhy through the entry point group `inspect_ai`: tasks, scorer, provider."""

from teachwhy.evaluation.agent import office_agent
from teachwhy.evaluation.constitution.asking import ask_question
from teachwhy.evaluation.constitution.scorer import (
    answer_by_judge,
    answer_by_rule,
    answer_rates,
    form_gap,
    right_by_section,
)
from teachwhy.evaluation.constitution.tasks import (
    constitution_false_premises,
    constitution_open,
    constitution_recall,
)
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
    "answer_by_judge",
    "answer_by_rule",
    "answer_rates",
    "ask_question",
    "both_verdicts",
    "constitution_false_premises",
    "constitution_open",
    "constitution_recall",
    "controls",
    "episode_outcome",
    "form_gap",
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
    "right_by_section",
    "teachwhy",
    "twins",
    "upstream",
    "upstream_rates",
    "verdict_rates",
]
