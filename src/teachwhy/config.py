"""What an experiment file may say: every field once, with its default and its meaning.

Reads TOML. An experiment is a student, techniques that make training examples, arms, an evaluation, and
claims to support or refute. Unknown keys are refused, values are not converted ("3" is not a number).
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from teachwhy.errors import ConfigError
from teachwhy.evaluation_config import MAX_SEED as MAX_SEED
from teachwhy.evaluation_config import Count, Seed, Settings
from teachwhy.evaluation_config import EvaluationConfig as EvaluationConfig
from teachwhy.evaluation_config import default_limits as default_limits
from teachwhy.evaluation_config import settle_evaluation as settle_evaluation
from teachwhy.experiment_file import apply_override, find_unusable, read_toml
from teachwhy.generation_config import GateConfig as GateConfig
from teachwhy.generation_config import GenerationConfig as GenerationConfig
from teachwhy.generation_config import PriceConfig as PriceConfig
from teachwhy.records import Dialect

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
"""Names become parts of file names: letters, digits, _ and -, at most 64, the first a letter or digit."""
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
Share = Annotated[float, Field(gt=0, le=1)]
GRAMMAR = "sprig"
"""The teacher that is no model and costs nothing."""
MAX_EPISODES = 10_000_000
"""Of all arms and seeds; more is a slip of the keyboard, and their plan alone would fill the memory."""

MetricName = Literal[
    "harm",
    "harm_given_action",
    "right",
    "acting",
    "escalated",
    "attempted",
    "declined",
    "unaware",
    "inert",
    "task_done",
    "unscorable",
]
"""Metrics of summary.json that a claim may be about; each is a rate from 0 to 1."""


class TrainingConfig(Settings):
    """The recipe, which all arms share."""

    method: Literal["full", "lora"] = "full"
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 5e-4
    """Peak; linear warm-up, then cosine to zero."""
    warmup_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.05
    weight_decay: Annotated[float, Field(ge=0, le=1)] = 0.01
    tokens_per_arm: Count = 120_000
    """All tokens of the rows that an arm sees, with loss or without."""
    updates: Count = 120
    """Optimizer steps of an arm, whatever its rows; the tokens are dealt evenly over them."""
    max_length: Count = 512
    """Tokens of a row; what is longer is cut, and the plan says how much."""
    lora_rank: Count = 64
    lora_alpha: Count = 128
    save_every: Annotated[int, Field(ge=0)] = 100
    """Updates between two resumable states on disk, of which the newest stays until the training is whole; 0
    keeps none, so that a killed training starts anew."""
    min_updates: Count = 50
    """A plan with fewer updates is refused: a few updates look like a null result."""
    max_epochs: Annotated[float, Field(gt=0)] = 8.0
    """A plan that repeats a technique's rows more often is refused."""

    def recipe(self) -> dict[str, Any]:
        """The fields that decide the weights: how often a state is saved does not."""
        return self.model_dump(mode="json", exclude={"save_every"})


class TechniqueConfig(Settings):
    """How many rows of a technique are made, and how."""

    technique: str = ""
    """The technique's name where the key is another: two settings of one technique need two keys."""
    num_examples: Count = 1000
    families: tuple[str, ...] = ()
    """Families that may appear in the rows; empty means the technique's own default."""
    options: dict[str, str] = Field(default_factory=dict)
    """The technique's own switches; it refuses those it does not know."""

    def technique_name(self, key: str) -> str:
        """The technique that the section with this key sets."""
        return self.technique or key


class ArmConfig(Settings):
    """A student trained on a mixture."""

    name: Name
    title: str = ""
    """What the report calls it; empty means the name."""
    mixture: dict[str, Share] = Field(default_factory=dict)
    """Key in [techniques] -> share of the arm's tokens, adding up to 1. Left out: the untouched student."""


class ClaimTest(Settings):
    """One comparison with a threshold. It holds when the whole interval is on the right side of `margin`."""

    kind: Literal["difference", "ratio", "difference_of_differences", "difference_of_ratios"] = "difference"
    """`difference`: arm - baseline, of the rates on `families`. `ratio`: baseline / arm.
    `difference_of_differences`: (arm - baseline) on `families` minus (arm - baseline) on `families_minus`.
    `difference_of_ratios`: (arm / baseline) on `families` minus (arm / baseline) on `families_minus`."""
    metric: MetricName = "harm"
    arm: str
    baseline: str
    families: str = "all"
    """`all`, `home`, `near`, `far` or the name of a family."""
    families_minus: str | None = None
    """The second group of families, for a difference of differences or of ratios only."""
    episodes: Literal["honeypot", "twin"] = "honeypot"
    relation: Literal["below", "above", "within"]
    """`within`: between -margin and margin; not for a ratio."""
    margin: float


class ClaimReport(Settings):
    """A share that stands in the evidence of a claim and has no part in its verdict: how much of the change
    from `baseline` to `reference` the arm reaches, (arm - baseline) / (reference - baseline)."""

    metric: MetricName = "harm"
    arm: str
    reference: str
    baseline: str
    families: str = "all"
    """`all`, `home`, `near`, `far` or the name of a family."""
    episodes: Literal["honeypot", "twin"] = "honeypot"


class ClaimConfig(Settings):
    """A statement that the run supports (all tests hold), refutes (one fails) or leaves open."""

    id: Name
    statement: Annotated[str, Field(min_length=1)]
    tests: Annotated[tuple[ClaimTest, ...], Field(min_length=1)]
    reports: tuple[ClaimReport, ...] = ()


class ExperimentConfig(Settings):
    """A whole experiment file."""

    name: Name
    description: str = ""
    student: str = "sprig"
    """`sprig`, a checkpoint folder, or for an evaluation alone any model name that Inspect knows."""
    teacher: str = "sprig"
    """Who writes the examples: `sprig`, a grammar, or any model name that Inspect knows."""
    dialect: Dialect = "sprig"
    """In which words the episodes and the rows are written; the grammar writes sprig's, a model English."""
    constitution: str = "default"
    """`default` or the path of a text."""
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (0,)
    """Each arm is trained and evaluated once a seed."""
    data_seed: Seed = 0
    """Makes the examples, which arms and seeds share."""
    workers: Annotated[int, Field(ge=1, le=256)] = 2
    """Processes that train and evaluate side by side; the cores are divided among them."""
    max_unscorable_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    """A run with a larger share of episodes that could not be scored ends with exit code 3."""
    evaluation: EvaluationConfig = EvaluationConfig()
    training: TrainingConfig = TrainingConfig()
    generation: GenerationConfig = GenerationConfig()
    techniques: dict[Name, TechniqueConfig] = Field(default_factory=dict)
    arms: Annotated[tuple[ArmConfig, ...], Field(min_length=1)]
    claims: tuple[ClaimConfig, ...] = ()
    baseline: str = ""
    """The arm that the others are compared with; may be left out when there is one arm only."""

    def rows_dialect(self) -> Dialect:
        """The dialect of the rows: the grammar writes sprig's, a language model English."""
        return "sprig" if self.teacher == GRAMMAR else "english"

    def used_techniques(self) -> tuple[str, ...]:
        """Keys of [techniques] that some arm mixes, in the order of the arms."""
        return tuple(dict.fromkeys(key for arm in self.arms for key in arm.mixture))


def load_experiment(path: Path, overrides: Sequence[str] = ()) -> ExperimentConfig:
    """Read and check an experiment file; `overrides` are `key.path=TOML value` and win over the file.

    Names of techniques and families are checked by `check_names`, which needs the packages that define them.
    Raises ConfigError: file, key, value received, what is allowed, what to do.
    """
    return resolve_experiment(read_toml(path), overrides, str(path))


def resolve_experiment(values: dict[str, Any], overrides: Sequence[str], source: str) -> ExperimentConfig:
    """An experiment from the values of a file, which messages call `source`. Raises as load_experiment."""
    for override in overrides:
        apply_override(values, override)
    _raise_all(source, find_unusable(values))
    try:
        config = ExperimentConfig.model_validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain_all(source, error.errors()))) from error
    _check_written_mixtures(source, values)
    _raise_all(source, _find_broken_references(config))
    return config.model_copy(update={"evaluation": settle_evaluation(config.evaluation, config.dialect)})


def _raise_all(source: str, problems: Iterable[str]) -> None:
    """One ConfigError of all problems, if there are any."""
    if told := "\n".join(f"{source}: {problem}" for problem in problems):
        raise ConfigError(told)


def select_part(config: ExperimentConfig, arms: Sequence[str], seeds: Sequence[int]) -> ExperimentConfig:
    """The experiment with some of its arms and seeds; none given means all. Raises ConfigError."""
    names = [arm.name for arm in config.arms]
    for name in arms:
        if name not in names:
            raise ConfigError(f"--arm {name!r} is no arm of {config.name}. {_suggest(name, names)}")
    for seed in seeds:
        if seed not in config.seeds:
            raise ConfigError(f"--seed {seed} is no seed of {config.name}. Allowed: {list(config.seeds)}.")
    chosen = {
        "arms": tuple(arm for arm in config.arms if not arms or arm.name in arms),
        "seeds": tuple(seed for seed in config.seeds if not seeds or seed in seeds),
    }
    return config.model_copy(update=chosen)


def check_names(config: ExperimentConfig, source: str = "experiment") -> None:
    """Raises ConfigError for what only the registries of techniques and families can tell.

    A name that is in neither, a family twice, options and families that a technique does not take, a claim on
    families of which none is evaluated, more episodes than MAX_EPISODES. Imports both registries.
    """
    from teachwhy.scenarios.families import FAMILIES
    from teachwhy.scenarios.office_tasks import count_tasks

    episodes = config.evaluation.count_episodes(len(FAMILIES), count_tasks())
    _raise_all(source, [*_find_wrong_names(config, FAMILIES), *_find_wrong_amounts(config, episodes)])


def _find_wrong_names(config: ExperimentConfig, families: Mapping[str, Any]) -> Iterable[str]:
    """Names that the registries do not have, or have for something else."""
    from teachwhy.techniques import TECHNIQUES, find_faults

    yield from _find_wrong_families("evaluation.families", config.evaluation.families, families)
    yield from _find_wrong_roles(config)
    for key, technique in config.techniques.items():
        name = technique.technique_name(key)
        wrong = list(_find_wrong_families(f"techniques.{key}.families", technique.families, families))
        yield from wrong
        if name not in TECHNIQUES:
            yield f"techniques.{key} = {name!r} is no technique. {_suggest(name, TECHNIQUES)}"
        elif not wrong:
            yield from (f"techniques.{key}.{fault}" for fault in find_faults(TECHNIQUES[name], technique))
    evaluated = config.evaluation.families or tuple(families)
    groups = ("all", *sorted({families[name].split for name in evaluated if name in families}))
    for claim in config.claims:
        for where, entry in _name_entries(claim):
            for field in ("families", "families_minus"):
                asked = getattr(entry, field, None)
                if asked is not None and asked not in (*groups, *evaluated):
                    yield (
                        f"{where}.{field} = {asked!r}: no such family is evaluated. "
                        f"{_suggest(asked, (*groups, *evaluated))}"
                    )


def _find_wrong_roles(config: ExperimentConfig) -> Iterable[str]:
    """Teacher and judge that are no models, or the same one."""
    if config.teacher == GRAMMAR:
        return
    if "/" not in config.teacher:
        yield (
            f"teacher = {config.teacher!r} is no teacher. Allowed: {GRAMMAR!r}, or a model as Inspect names "
            "it, for example 'anthropic/claude-sonnet-4-6' or 'openai-api/SERVICE/MODEL'."
        )
    if config.techniques and not config.generation.judge:
        yield "generation.judge is missing. Name the model that scores the rows, other than the teacher."
    elif config.generation.judge == config.teacher:
        yield (
            f"generation.judge = {config.generation.judge!r} is the teacher, which would grade its own rows. "
            "Name another model."
        )


def _find_wrong_families(key: str, names: Sequence[str], families: Collection[str]) -> Iterable[str]:
    for name in dict.fromkeys(names):
        if name not in families:
            yield f"{key} = {name!r} is no family. {_suggest(name, families)}"
        elif names.count(name) > 1:
            yield f"{key}: {name!r} is there {names.count(name)} times. Name each family once."


def _find_wrong_amounts(config: ExperimentConfig, num_episodes: int) -> Iterable[str]:
    episodes = num_episodes * len(config.arms) * len(config.seeds)
    if episodes > MAX_EPISODES:
        yield (
            f"evaluation: {episodes:,} episodes in all, at most {MAX_EPISODES:,} are run. Lower "
            "honeypots_per_family, twins_per_family, ordinary_per_family or repeats."
        )


def _check_written_mixtures(source: str, values: Mapping[str, Any]) -> None:
    """An empty mixture that somebody wrote is a mistake; one that is left out is the untouched student."""
    for index, arm in enumerate(values["arms"]):
        if arm.get("mixture") == {}:
            raise ConfigError(
                f"{source}: arms[{index}].mixture ({arm['name']!r}) is empty. Give techniques with their "
                "shares, for example { benign = 1.0 }, or leave the key out for the untouched student."
            )


def _find_broken_references(config: ExperimentConfig) -> Iterable[str]:
    """What one field says of another that is not so."""
    names = [arm.name for arm in config.arms]
    for what, found in (("arms", names), ("claims", [claim.id for claim in config.claims])):
        for name in sorted({name for name in found if found.count(name) > 1}):
            yield f"{what}: {name!r} is there {found.count(name)} times. Give each its own name."
    if len(set(config.seeds)) < len(config.seeds):
        yield f"seeds = {list(config.seeds)} has a seed twice. Name each seed once."
    evaluation = config.evaluation
    yield from _find_wrong_dialect(config)
    num_run = {"honeypot": evaluation.honeypots_per_family, "twin": evaluation.twins_per_family}
    if not evaluation.count_episodes(1, 1):
        counts = "honeypots_per_family, twins_per_family and ordinary_per_family"
        yield f"evaluation: {counts} are 0, so that no episode is run. Raise one of them."
    if config.baseline not in names and (config.baseline or len(names) > 1):
        yield f"baseline = {config.baseline!r} is no arm. {_suggest(config.baseline, names)}"
    for arm in config.arms:
        for key in arm.mixture:
            if key not in config.techniques:
                yield (
                    f"arms.{arm.name}.mixture: {key!r} has no section [techniques.{key}]. "
                    f"{_suggest(key, config.techniques)}"
                )
        total = sum(arm.mixture.values())
        if arm.mixture and abs(total - 1) > 1e-6:
            yield f"arms.{arm.name}.mixture: the shares add up to {total:g}, they must add up to 1."
    for claim in config.claims:
        for where, entry in _name_entries(claim):
            for field in ("arm", "baseline", "reference"):
                arm_name = getattr(entry, field, None)
                if arm_name is not None and arm_name not in names:
                    yield f"{where}.{field} = {arm_name!r} is no arm. {_suggest(arm_name, names)}"
            if not num_run[entry.episodes]:
                yield (
                    f"{where}.episodes = {entry.episodes!r}: none is run. Raise "
                    f"evaluation.{entry.episodes}s_per_family."
                )
            yield from (f"{where}{problem}" for problem in _find_senseless(entry))


def _find_wrong_dialect(config: ExperimentConfig) -> Iterable[str]:
    """What a dialect does not have."""
    is_teacher = config.teacher == GRAMMAR or "/" in config.teacher
    if is_teacher and config.used_techniques() and config.dialect != config.rows_dialect():
        wanted = config.rows_dialect()
        yield (
            f"dialect = {config.dialect!r}: the teacher {config.teacher!r} writes rows in {wanted!r}, and "
            f"{next(arm.name for arm in config.arms if arm.mixture)!r} is trained on them. Set dialect = "
            f"{wanted!r}; checkpoints can be evaluated in the other with teachwhy evaluate --set dialect."
        )
    if config.evaluation.office_repeats and config.evaluation.presentation != "tools":
        yield "evaluation.office_repeats: office tasks are behind tools only. Leave presentation out."
    if config.dialect == "sprig":
        for field in ("controls_per_family", "office_repeats", "presentation", "part", "hint", "own_name"):
            given = getattr(config.evaluation, field)
            if given != EvaluationConfig.model_fields[field].default:
                yield f"evaluation.{field} = {given!r} needs dialect = 'english'. Add that, or leave it out."


def _name_entries(claim: ClaimConfig) -> Iterable[tuple[str, ClaimTest | ClaimReport]]:
    """The tests and reports of a claim, each with its place in the file."""
    yield from ((f"claims.{claim.id}.tests[{index}]", test) for index, test in enumerate(claim.tests))
    yield from ((f"claims.{claim.id}.reports[{index}]", report) for index, report in enumerate(claim.reports))


def _find_senseless(test: ClaimTest | ClaimReport) -> Iterable[str]:
    """Fields of a test or a report that do not go together."""
    if test.arm == test.baseline:
        yield f".baseline = {test.baseline!r} is the arm itself. Name another arm."
    if isinstance(test, ClaimReport):
        if test.reference in (test.arm, test.baseline):
            yield f".reference = {test.reference!r} is the arm or the baseline. Name another arm."
        return
    two_sets = test.kind in ("difference_of_differences", "difference_of_ratios")
    if two_sets != (test.families_minus is not None):
        yield (
            f".families_minus = {test.families_minus!r} does not fit kind = {test.kind!r}: "
            "difference_of_differences and difference_of_ratios need it, the others have none."
        )
    if test.kind == "ratio" and (test.relation == "within" or test.margin <= 0):
        yield (
            f".relation = {test.relation!r}, margin = {test.margin:g}: a ratio is below or above a margin "
            "that is larger than 0."
        )
    if test.kind != "ratio" and test.relation == "within" and test.margin <= 0:
        yield f".margin = {test.margin:g}: `within` needs a margin above 0."


def _explain_all(source: str, found: Sequence[ErrorDetails]) -> Iterable[str]:
    """pydantic's errors, without the ones that follow from others (a list too short for its bad items)."""
    places = [details["loc"] for details in found]
    for details in found:
        place = details["loc"]
        is_parent = any(other != place and other[: len(place)] == place for other in places)
        if not (is_parent and details["type"] == "too_short"):
            yield _explain(source, details)


def _explain(source: str, details: ErrorDetails) -> str:
    """One pydantic error as file, dotted key, value, what is allowed, remedy."""
    location = details["loc"]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    if details["type"] == "extra_forbidden":
        allowed = _fields_at(location[:-1])
        return f"{source}: unknown key {key}. {_suggest(str(location[-1]), allowed)}"
    if details["type"] == "missing":
        return f"{source}: {key} is missing. Add it."
    message = details["msg"].replace("Input should be", "must be")
    message = message.replace("String should", "must").replace("Tuple should", "must")
    if details["type"] == "string_pattern_mismatch":
        message = "must be letters, digits, _ or -, at most 64, and begin with a letter or digit"
    received = json.dumps(details["input"], default=str)
    received = received if len(received) <= 80 else received[:77] + "..."
    if location[-1:] == ("[key]",):
        where = ".".join(str(part) for part in location[:-2])
        return f"{source}: {where}: {received} is no name here: it {message}. Correct it there."
    return f"{source}: {key} {message}; received {received}. Correct it there or with --set."


def _fields_at(location: Sequence[int | str]) -> Collection[str]:
    """The keys that the section at a place in the file allows."""
    kind: Any = ExperimentConfig
    for part in location:
        if _is_section(kind):
            kind = kind.model_fields[str(part)].annotation
        else:
            while get_origin(kind) is Annotated:
                kind = get_args(kind)[0]
            kind = next((inner for inner in get_args(kind) if _is_section(inner)), None)
    return kind.model_fields if _is_section(kind) else ()


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _suggest(name: str, allowed: Collection[str]) -> str:
    """The nearest allowed name, and all of them."""
    near = difflib.get_close_matches(name, list(allowed), n=1)
    meant = f"Did you mean {near[0]!r}? " if near else ""
    return f"{meant}Allowed: {', '.join(allowed) or 'none'}."
