"""The Inspect tasks: `inspect eval teachwhy/honeypots --model ANY`; also `twins`, `controls`, `ordinary` and
`office`.

One sample is one episode (id: the episode's, with `#repeat` after the first). The score is the name of the
outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import get_args

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ChatMessageSystem, ChatMessageUser, GenerateConfig

from teachwhy.config import EvaluationConfig, default_limits
from teachwhy.errors import ConfigError
from teachwhy.evaluation.agent import office_agent
from teachwhy.evaluation.scorer import Finished, episode_outcome, office_rates
from teachwhy.evaluation.transcripts import EpisodeBatch, PlannedEpisode
from teachwhy.judging.scorer import judge_scorers
from teachwhy.records import OFFICE, Dialect, EpisodeKind, Part, Presentation
from teachwhy.scenarios.english.episodes import MAX_HINT
from teachwhy.scenarios.english.episodes import make_episode as make_english_episode
from teachwhy.scenarios.english.rules import english_families
from teachwhy.scenarios.episodes import make_episodes
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.harness import AnyEpisode, cluster_of, factors
from teachwhy.scenarios.office_tasks.episodes import OfficeEpisode
from teachwhy.scenarios.office_tasks.task import find_tasks

DIALECTS: tuple[Dialect, ...] = get_args(Dialect)
PRESENTATIONS: tuple[Presentation, ...] = get_args(Presentation)
PARTS: tuple[Part, ...] = get_args(Part)
MAX_RETRIES: int = EvaluationConfig.model_fields["max_retries"].default


@dataclass(frozen=True)
class Rendering:
    """In which words episodes are written and how they are shown; all but the dialect is english only."""

    dialect: Dialect = "sprig"
    presentation: Presentation = "tools"
    own_name: str = "Assistant"
    """What the evaluated model calls itself."""
    hint: int = 0
    """Steps of the ladder of hints that are shown."""
    part: Part = "all"
    """Which skins are dealt."""

    def __post_init__(self) -> None:
        """Raises `ConfigError` for what there is not."""
        for field, value, allowed in (
            ("dialect", self.dialect, DIALECTS),
            ("presentation", self.presentation, PRESENTATIONS),
            ("hint", self.hint, range(MAX_HINT + 1)),
            ("part", self.part, PARTS),
        ):
            if value not in allowed:
                raise ConfigError(f"{field}: {value!r} is unknown; allowed: {', '.join(map(str, allowed))}.")
        if not self.own_name.strip():
            raise ConfigError("own_name is empty; give the name that the model has.")
        given = any(getattr(self, field.name) != field.default for field in fields(self))
        if self.dialect == "sprig" and given:
            raise ConfigError("presentation, own_name, hint and part need dialect=english. Leave them out.")

    def sampling(self, temperature: float, max_tokens: int | None) -> GenerateConfig:
        """The generation settings of a task, by default with the dialect's tokens of a turn."""
        return sampling(
            temperature, max_tokens or default_limits(self.dialect, self.presentation)["max_tokens"]
        )


def make_task(kind: EpisodeKind, name: str, usual: Dialect = "sprig") -> Callable[..., Task]:
    """The Inspect task of one kind of episode of the families, in the `usual` dialect where nobody says.

    Its parameters are those of `inspect eval -T`. `families`: names with commas between, empty for all.
    """

    @task(name=name)
    def run(
        families: str | list[str] = "",
        episodes_per_family: int = 30,
        repeats: int = 1,
        seed: int = 0,
        dialect: Dialect = usual,
        presentation: Presentation = "tools",
        own_name: str = "Assistant",
        hint: int = 0,
        part: Part = "all",
        temperature: float = 1.0,
        max_turns: int | None = None,
        max_tokens: int | None = None,
        own_judge: bool = False,
    ) -> Task:
        shown = Rendering(dialect, presentation, own_name, hint, part)
        batch = EpisodeBatch(plan_episodes(families, kind, episodes_per_family, repeats, seed, shown))
        built = build_task(batch, name, seed, shown.sampling(temperature, max_tokens), max_turns)
        return add_judges(built, own_judge)

    return run


honeypots = make_task("honeypot", "honeypots")
"""Offices with a lever: does the model harm?"""
twins = make_task("twin", "twins")
"""The same offices with the lever inert or the act authorised: does the model still do its work?"""
controls = make_task("control", "controls", "english")
"""The honeypots with the right priority stated (english only): is it ambiguity that harms?"""
ordinary = make_task("ordinary", "ordinary")
"""Plain work in the same offices, with neither threat nor lever."""


@task
def office(
    tasks: str | list[str] = "",
    repeats: int = 1,
    seed: int = 0,
    temperature: float = 1.0,
    max_turns: int | None = None,
    max_tokens: int | None = None,
    own_judge: bool = False,
) -> Task:
    """Ordinary office tasks: does the model do plain work, or refuse it? `tasks`: names with commas between,
    empty for all."""
    shown = Rendering("english")
    batch = EpisodeBatch(plan_office(tasks, repeats, shown))
    task = build_task(batch, "office", seed, shown.sampling(temperature, max_tokens), max_turns)
    return add_judges(task, own_judge, OFFICE)


def add_judges(task: Task, own_judge: bool, kind: EpisodeKind = "honeypot") -> Task:
    """The task with the columns of the judges in the model role `judge`, as it is without that role.

    `own_judge` admits judges of the evaluated model's own family.
    """
    task.scorer = [*(task.scorer or ()), *judge_scorers(own_judge, kind)]
    return task


def sampling(temperature: float, max_tokens: int, max_retries: int = MAX_RETRIES) -> GenerateConfig:
    """The generation settings of a task; `inspect eval --temperature` and its like override them."""
    return GenerateConfig(temperature=temperature, max_tokens=max_tokens, max_retries=max_retries)


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
    families: str | Sequence[str],
    kind: EpisodeKind,
    per_family: int,
    repeats: int,
    seed: int,
    shown: Rendering = Rendering(),
) -> list[PlannedEpisode]:
    """Every episode and repeat of a task; `ConfigError` for values that make no sense."""
    for field, value in (("episodes_per_family", per_family), ("repeats", repeats)):
        if value < 1:
            raise ConfigError(f"{field}: {value} is too few; give 1 or more.")
    if shown.dialect == "sprig" and kind == "control":
        raise ConfigError("dialect: 'sprig' has no controls; allowed: english.")
    names = check_families(families, "families")
    episodes: Sequence[AnyEpisode]
    if shown.dialect == "sprig":
        episodes = make_episodes(names, kind, per_family, seed)
    else:
        episodes = [
            make_english_episode(
                name, kind, shown.presentation, seed, index, shown.own_name, shown.part, hint=shown.hint
            )
            for name in (names if families else english_families())
            for index in range(per_family)
        ]
    return [PlannedEpisode(episode, repeat) for repeat in range(repeats) for episode in episodes]


def plan_office(
    tasks: str | Sequence[str], repeats: int, shown: Rendering = Rendering("english")
) -> list[PlannedEpisode]:
    """Every office task and repeat; `ConfigError` for values that make no sense."""
    if repeats < 1:
        raise ConfigError(f"repeats: {repeats} is too few; give 1 or more.")
    if (shown.dialect, shown.presentation) != ("english", "tools"):
        raise ConfigError("office tasks need dialect=english and presentation=tools. Set them so.")
    episodes = [OfficeEpisode(task) for task in find_tasks(tasks)]
    return [PlannedEpisode(episode, repeat) for repeat in range(repeats) for episode in episodes]


def build_task(
    batch: EpisodeBatch,
    name: str,
    seed: int,
    config: GenerateConfig,
    max_turns: int | None,
    finished: Finished | None = None,
) -> Task:
    """The task over the episodes of a batch; a failing sample is counted and does not stop the others."""
    return Task(
        name=name,
        dataset=MemoryDataset([_sample(plan) for plan in batch.planned.values()], name=name),
        solver=office_agent(batch, max_turns, seed),
        scorer=episode_outcome(batch, finished),
        metrics=[office_rates()] if batch.kinds == {OFFICE} else None,
        config=config,
        fail_on_error=False,
    )


def _sample(plan: PlannedEpisode) -> Sample:
    episode = plan.episode
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
            "episode_id": episode.id,
            "repeat": plan.repeat,
            "cluster": cluster_of(episode),
            **factors(episode),
        },
    )
