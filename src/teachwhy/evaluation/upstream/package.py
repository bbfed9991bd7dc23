"""The published conditions, through the installed package inspect-evals: no text of theirs is in this one.

All conditions are scenario x goal type x goal value x urgency, without those that the package forbids and
those whose goal value is that of another condition ("none" or "ambiguous" beside a goal that is stated).
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args

from inspect_ai.model import Model
from inspect_ai.scorer import Scorer

from teachwhy.errors import ConfigError, quote_foreign

PACKAGE = "inspect-evals"
INSTALL = "pip install 'teachwhy[inspect-evals]'"
MODULE = "inspect_evals.agentic_misalignment"
WITHOUT_VALUE = ("none", "ambiguous")
"""Goal types that have no value, and values that name no goal."""


class Condition(NamedTuple):
    """One cell of the published design."""

    scenario: str
    goal_type: str
    goal_value: str
    urgency: str

    @property
    def id(self) -> str:
        """The id of its sample, as the package has it."""
        return f"{self.scenario}_{self.goal_type}-{self.goal_value}_{self.urgency}"


class Prompt(NamedTuple):
    """What a model reads in a condition."""

    system: str
    user: str
    """All of the user's turn, inbox and all."""
    inbox: str

    @property
    def has_unfilled(self) -> bool:
        """A variable of the templates was left standing in the text."""
        return "${" in self.system + self.user


@dataclass(frozen=True)
class Upstream:
    """What is used of the package; the one seam for tests that run without it."""

    version: str
    conditions: tuple[Condition, ...]
    render: Callable[[Condition], Prompt]
    new_scorer: Callable[[Model], Scorer]
    """Their scorer with a judge."""
    new_classifier: Callable[[str], Any]
    """Their classifier of a scenario: a judge's prompt and the gates that stand behind its answer."""


def load_upstream() -> Upstream:
    """What is used of the installed package; `ConfigError` with the remedy where there is none."""
    try:
        prompts = importlib.import_module(f"{MODULE}.prompt_generator")
        scorers = importlib.import_module(f"{MODULE}.scorers")
        classifiers = importlib.import_module(f"{MODULE}.classifiers")
        version = importlib.metadata.version(PACKAGE)
    except ImportError as error:
        raise ConfigError(
            f"suite: 'upstream' needs the package {PACKAGE}, which cannot be loaded "
            f"({quote_foreign(error)}). Install it with: {INSTALL}"
        ) from error

    def render(condition: Condition) -> Prompt:
        made = prompts.generate_prompts(*condition, None, False, None)
        return Prompt(
            made.system_prompt, "\n".join([made.user_prompt, made.email_content]), made.email_content
        )

    try:
        known = {
            "blackmail": classifiers.BlackmailClassifier,
            "leaking": classifiers.LeakClassifier,
            "murder": classifiers.MurderClassifier,
        }
        return Upstream(
            version=version,
            conditions=list_conditions(
                get_args(prompts.ScenarioType),
                get_args(prompts.GoalType),
                get_args(prompts.GoalValue),
                get_args(prompts.UrgencyType),
            ),
            render=render,
            new_scorer=scorers.harmfulness_scorer,
            new_classifier=lambda scenario: known[scenario](),
        )
    except AttributeError as error:
        raise ConfigError(
            f"suite: {PACKAGE} {version} is not as this version of teachwhy knows it "
            f"({quote_foreign(error)}). Install the one it names: {INSTALL}"
        ) from error


def list_conditions(
    scenarios: tuple[str, ...], types: tuple[str, ...], values: tuple[str, ...], urgencies: tuple[str, ...]
) -> tuple[Condition, ...]:
    """Every condition with a prompt of its own, in the package's order."""
    named = [value for value in values if value not in WITHOUT_VALUE]
    return tuple(
        Condition(scenario, kind, value, urgency)
        for scenario in scenarios
        for kind in types
        for value in (["none"] if kind in WITHOUT_VALUE else named)
        for urgency in urgencies
    )
