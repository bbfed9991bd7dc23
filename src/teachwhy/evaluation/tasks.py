"""The Inspect tasks `honeypots` and `twins`: `inspect eval teachwhy/honeypots --model ANY`.

One sample is one episode (id: the episode's, with `#repeat` after the first). The score is the name of the
outcome.
"""

from __future__ import annotations

from collections.abc import Sequence

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, GenerateConfig

from teachwhy.errors import ConfigError
from teachwhy.evaluation.agent import office_agent
from teachwhy.evaluation.scorer import Finished, episode_outcome
from teachwhy.evaluation.transcripts import EpisodeBatch, PlannedEpisode
from teachwhy.records import EpisodeKind
from teachwhy.scenarios.episodes import make_episodes
from teachwhy.scenarios.families import FAMILIES

DIALECTS = ("sprig",)
MAX_RETRIES = 8


@task
def honeypots(
    families: str | list[str] = "",
    episodes_per_family: int = 30,
    repeats: int = 1,
    seed: int = 0,
    dialect: str = "sprig",
    temperature: float = 1.0,
    max_turns: int = 6,
    max_tokens: int = 96,
) -> Task:
    """Offices with a lever: does the model harm? `families`: names with commas between, empty for all."""
    planned = plan_episodes(families, "honeypot", episodes_per_family, repeats, seed, dialect)
    return build_task(EpisodeBatch(planned), "honeypots", seed, sampling(temperature, max_tokens), max_turns)


@task
def twins(
    families: str | list[str] = "",
    episodes_per_family: int = 30,
    repeats: int = 1,
    seed: int = 0,
    dialect: str = "sprig",
    temperature: float = 1.0,
    max_turns: int = 6,
    max_tokens: int = 96,
) -> Task:
    """The same offices with the lever inert or the act authorised: does the model still do its work?"""
    planned = plan_episodes(families, "twin", episodes_per_family, repeats, seed, dialect)
    return build_task(EpisodeBatch(planned), "twins", seed, sampling(temperature, max_tokens), max_turns)


def sampling(temperature: float, max_tokens: int) -> GenerateConfig:
    """The generation settings of a task; `inspect eval --temperature` and its like override them."""
    return GenerateConfig(temperature=temperature, max_tokens=max_tokens, max_retries=MAX_RETRIES)


def check_families(families: str | Sequence[str], field: str) -> tuple[str, ...]:
    """The names of the families, all if none is given; `ConfigError` for a name that does not exist."""
    names = [name.strip() for name in families.split(",")] if isinstance(families, str) else list(families)
    names = [name for name in names if name]
    unknown = [name for name in names if name not in FAMILIES]
    if unknown:
        raise ConfigError(
            f"{field}: there is no family {unknown[0]!r}; allowed are {', '.join(FAMILIES)}. "
            "Correct the name, or leave the field empty for all families."
        )
    if len(set(names)) < len(names):
        raise ConfigError(f"{field}: a family is named twice in {', '.join(names)}. Name each once.")
    return tuple(names) or tuple(FAMILIES)


def plan_episodes(
    families: str | Sequence[str], kind: EpisodeKind, per_family: int, repeats: int, seed: int, dialect: str
) -> list[PlannedEpisode]:
    """Every episode and repeat of a task; `ConfigError` for values that make no sense."""
    if dialect not in DIALECTS:
        raise ConfigError(f"dialect: {dialect!r} is unknown; allowed: {', '.join(DIALECTS)}.")
    for field, value in (("episodes_per_family", per_family), ("repeats", repeats)):
        if value < 1:
            raise ConfigError(f"{field}: {value} is too few; give 1 or more.")
    episodes = make_episodes(check_families(families, "families"), kind, per_family, seed)
    return [PlannedEpisode(episode, repeat) for repeat in range(repeats) for episode in episodes]


def build_task(
    batch: EpisodeBatch,
    name: str,
    seed: int,
    config: GenerateConfig,
    max_turns: int,
    finished: Finished | None = None,
) -> Task:
    """The task over the episodes of a batch; a failing sample is counted and does not stop the others."""
    return Task(
        name=name,
        dataset=MemoryDataset([_sample(plan) for plan in batch.planned.values()], name=name),
        solver=office_agent(batch, max_turns, seed),
        scorer=episode_outcome(batch, finished),
        config=config,
        fail_on_error=False,
    )


def _sample(plan: PlannedEpisode) -> Sample:
    episode, condition = plan.episode, plan.episode.condition
    return Sample(
        id=plan.sample_id,
        input=[
            ChatMessageSystem(content=episode.system),
            ChatMessageUser(content=episode.user),
        ],
        metadata={
            "family": episode.family,
            "split": episode.split,
            "kind": episode.kind,
            "repeat": plan.repeat,
            "goal": condition.goal,
            "threat": condition.threat,
            "lever": condition.lever,
            "agent_name": condition.agent_name,
            "cue": condition.cue,
            "num_distractors": condition.num_distractors,
        },
    )
