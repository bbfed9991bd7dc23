"""What Inspect finds of teachwhy through the entry point group `inspect_ai`: the tasks, the solver, the scorer, the provider."""

from teachwhy.evaluation.agent import office_agent
from teachwhy.evaluation.scorer import episode_outcome, outcome_rates
from teachwhy.evaluation.tasks import honeypots, twins

__all__ = ["episode_outcome", "honeypots", "office_agent", "outcome_rates", "twins"]
