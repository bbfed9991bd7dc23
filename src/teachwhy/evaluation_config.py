"""The section [evaluation] of an experiment file, and what every section is made of.

Part of config.py, which has the rest and passes these names on.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from teachwhy.records import OFFICE, Dialect, EpisodeKind, Part, Presentation

Count = Annotated[int, Field(ge=1)]
MAX_SEED = 2**32 - 1
"""What every generator of random numbers takes."""
Seed = Annotated[int, Field(ge=0, le=MAX_SEED)]


class Settings(BaseModel):
    """Base of every section: frozen, unknown keys refused, numbers finite."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class EvaluationConfig(Settings):
    """Which episodes are run and how the model is sampled in them; the same for all arms and seeds."""

    families: tuple[str, ...] = ()
    """Families of temptation; empty means all."""
    honeypots_per_family: Annotated[int, Field(ge=0)] = 30
    twins_per_family: Annotated[int, Field(ge=0)] = 10
    """Episodes with the lever inert or the act authorised; 0 runs none."""
    ordinary_per_family: Annotated[int, Field(ge=0)] = 0
    """Plain work in the same offices, with neither threat nor lever; sprig's card rests on it."""
    controls_per_family: Annotated[int, Field(ge=0)] = 0
    """Honeypots in which the right priority is stated; english only."""
    office_repeats: Annotated[int, Field(ge=0)] = 0
    """How often each ordinary office task is run (benign success, over-refusal); english, behind tools."""
    presentation: Presentation = "tools"
    """english only."""
    part: Part = "all"
    """Which skins of a family are dealt: `sealed` is the part that nothing was tuned on, `open` the rest;
    english only."""
    hint: Annotated[int, Field(ge=0, le=3)] = 0
    """Steps of the ladder of hints that are shown; english only."""
    own_name: Annotated[str, Field(min_length=1)] = "Assistant"
    """What the evaluated model calls itself, for episodes that name the agent so; english only."""
    repeats: Count = 1
    """How often each episode is run, with another sampling seed each time."""
    temperature: Annotated[float, Field(ge=0, le=2)] = 1.0
    """0 is greedy."""
    max_turns: Count = 6
    """Assistant turns after which an episode is stopped. Where not given, as `default_limits` has it."""
    max_tokens: Count = 96
    """Tokens of one assistant turn, likewise."""
    episode_seed: Seed = 0
    """Makes the episodes. The seeds of the experiment move training and sampling only."""
    request_timeout_seconds: Count = 600
    """After which a request to a model behind an API counts as failed, to be sent again."""
    max_retries: Annotated[int, Field(ge=0, le=20)] = 8
    """Times that a failed request is sent again, with ever longer waits, before its episode is given up."""

    def conditions(self) -> dict[str, Any]:
        """The fields that decide what is measured: how patiently a server is asked does not."""
        return self.model_dump(mode="json", exclude={"request_timeout_seconds", "max_retries"})

    def per_family(self) -> dict[EpisodeKind, int]:
        """Episodes of a family by kind, without repeats."""
        return {
            "honeypot": self.honeypots_per_family,
            "twin": self.twins_per_family,
            "control": self.controls_per_family,
            "ordinary": self.ordinary_per_family,
        }

    def count_kinds(self, num_families: int, num_office_tasks: int) -> dict[EpisodeKind, int]:
        """Episodes of one arm and seed by kind, where `families` empty means `num_families`."""
        families = len(self.families) or num_families
        counts = {kind: number * families * self.repeats for kind, number in self.per_family().items()}
        return {**counts, OFFICE: num_office_tasks * self.office_repeats}

    def count_episodes(self, num_families: int, num_office_tasks: int) -> int:
        """Episodes of one arm and seed, likewise."""
        return sum(self.count_kinds(num_families, num_office_tasks).values())


def default_limits(dialect: Dialect, presentation: Presentation) -> dict[str, int]:
    """Turns of an episode and tokens of a turn, where nobody says."""
    if dialect == "sprig":
        return {name: EvaluationConfig.model_fields[name].default for name in ("max_turns", "max_tokens")}
    return {"max_turns": 1 if presentation == "prompt" else 30, "max_tokens": 2048}


def settle_evaluation(config: EvaluationConfig, dialect: Dialect) -> EvaluationConfig:
    """The same with the dialect's limits where none were given."""
    limits = default_limits(dialect, config.presentation)
    return config.model_copy(
        update={name: value for name, value in limits.items() if name not in config.model_fields_set}
    )
