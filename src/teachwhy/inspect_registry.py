"""What Inspect finds of teachwhy through the entry point group `inspect_ai`: tasks, scorer, provider."""

from teachwhy.evaluation.agent import office_agent
from teachwhy.evaluation.scorer import episode_outcome, outcome_rates
from teachwhy.evaluation.tasks import controls, honeypots, ordinary, twins
from teachwhy.evaluation.upstream.episodes import both_verdicts, one_answer, verdict_rates
from teachwhy.evaluation.upstream.run import upstream
from teachwhy.providers.local import teachwhy

__all__ = [
    "both_verdicts",
    "controls",
    "episode_outcome",
    "honeypots",
    "office_agent",
    "one_answer",
    "ordinary",
    "outcome_rates",
    "teachwhy",
    "twins",
    "upstream",
    "verdict_rates",
]
