"""How a technique makes rows: draft in a lineage, accept or reject, render the row of the technique.

A lineage is a chain of teacher stages (advice; documents; honeypot demonstrations; ...). Every technique
renders rows from one lineage, and techniques of one lineage share ids and prompts: whether a draft is
accepted is decided on the lineage's reference row, never on the ablated one. So `advice_without_rewrite`
meets exactly the prompts of `advice` and differs by one stage. A variant's row that the guard refuses, or
that is no ablation and scores under the floor, is left out without a replacement: the ids of a variant are
those of its reference or fewer.
"""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from teachwhy.config import TechniqueConfig
from teachwhy.constitution import Constitution, Section
from teachwhy.errors import ConfigError, TeacherError
from teachwhy.records import Example, Record
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.guard import check_example
from teachwhy.teachers.protocol import Stage, Teacher

SCORE_FLOOR = "score_floor"
"""Option of every technique: rows that the teacher grades lower are rejected."""
DEFAULT_SCORE_FLOOR = 0.5
_ATTEMPTS_PER_ROW = 10
_SPARE_ATTEMPTS = 100
_SHOWN_REASONS = 3

DraftT = TypeVar("DraftT")


@dataclass(frozen=True)
class Task:
    """What a lineage drafts from; everything in it is fixed by lineage, seed and index."""

    id: str
    lineage: str
    """Name of the lineage; stands in a row's `technique` until the technique's own name does."""
    teacher: Teacher
    constitution: Constitution
    family: str
    """One of the technique's families in turn; empty where the lineage has none."""
    seed: int
    """Own seed of this draft; also good to choose among sections and kinds by `rng()`."""

    def rng(self) -> random.Random:
        """A fresh generator, the same for every call."""
        return random.Random(self.seed)

    def stages(self, *names: Stage) -> dict[str, str]:
        """Stage names with the teacher's versions of them."""
        return {name: self.teacher.version(name) for name in names}


Renderer = Callable[[Task, DraftT, Mapping[str, str]], Example]
"""Makes a row from a draft and the technique's options."""


@dataclass(frozen=True)
class Lineage(Generic[DraftT]):
    """A chain of stages."""

    name: str
    draft: Callable[[Task], DraftT]
    render: Renderer[DraftT]
    """The reference row, on which acceptance is decided."""
    section_of: Callable[[DraftT], str] = lambda _: ""
    """Id of the section that rows of this draft are scored against; empty for none."""
    splits: tuple[str, ...] = ()
    """Splits whose families its rows may show; empty for rows without any family."""


@dataclass(frozen=True)
class Technique(Generic[DraftT]):
    """One entry of the table of techniques, baselines, controls and ablations."""

    name: str
    role: Literal["technique", "baseline", "control", "ablation"]
    summary: str
    lineage: Lineage[DraftT]
    render: Renderer[DraftT]
    options: Mapping[str, tuple[str, ...]]
    """Option -> allowed values, the first of which is the default."""


class Rejected(Record):
    """A draft that became no row, and why."""

    id: str
    reason: str
    example: Example | None = None
    """None when the teacher failed before there was a row."""


class Generated(NamedTuple):
    """Result of `generate_rows`; rows in the order of their drafts."""

    examples: list[Example]
    rejected: list[Rejected]

    @property
    def num_duplicates(self) -> int:
        """Rows left out because an earlier row reads the same."""
        return sum(row.reason.startswith("duplicate") for row in self.rejected)


class _Settings(NamedTuple):
    families: tuple[str, ...]
    options: dict[str, str]
    score_floor: float


def generate_rows(
    technique: Technique[Any],
    teacher: Teacher,
    constitution: Constitution,
    config: TechniqueConfig,
    seed: int,
) -> Generated:
    """Make `config.num_examples` accepted drafts and render them; a function of its arguments.

    Raises ConfigError for families or options that the technique does not take, and TeacherError when too
    few drafts are accepted (after 10 attempts a row and 100 spare ones), with the commonest reasons.
    """
    settings = _resolve_settings(technique, config)
    lineage = technique.lineage
    examples: list[Example] = []
    rejected: list[Rejected] = []
    seen: dict[str, str] = {}
    num_accepted = 0
    for index in itertools.count():
        if num_accepted == config.num_examples:
            break
        if index >= config.num_examples * _ATTEMPTS_PER_ROW + _SPARE_ATTEMPTS:
            raise TeacherError(_describe_shortfall(technique.name, num_accepted, config, rejected))
        task = _make_task(lineage, teacher, constitution, settings.families, seed, index)
        try:
            draft = lineage.draft(task)
            section = _section_of(lineage, draft, constitution)
            reference = _score(teacher, lineage.render(task, draft, settings.options), section)
            refusal = _refuse_reference(reference, settings.score_floor, seen)
            if refusal is not None:
                rejected.append(refusal)
                continue
            num_accepted += 1
            row = reference
            if technique.render is not lineage.render:
                row = _score(teacher, technique.render(task, draft, settings.options), section)
                refusal = _refuse_variant(technique, row, settings.score_floor)
        except TeacherError as error:
            rejected.append(Rejected(id=task.id, reason=f"teacher: {error}"))
            continue
        if refusal is None:
            examples.append(row.model_copy(update={"technique": technique.name}))
        else:
            rejected.append(refusal)
    return Generated(examples, rejected)


def render_text(example: Example) -> str:
    """What the student would read of a row, white space and case folded; equal texts are duplicates."""
    parts = [example.text]
    for message in example.messages:
        parts += [message.role, message.content]
        parts += [json.dumps(call.model_dump(), sort_keys=True) for call in message.tool_calls]
    return " ".join(" ".join(parts).casefold().split())


def _make_task(
    lineage: Lineage[Any],
    teacher: Teacher,
    constitution: Constitution,
    families: tuple[str, ...],
    seed: int,
    index: int,
) -> Task:
    own_seed = random.Random(f"{lineage.name}/{seed}/{index}").getrandbits(48)
    return Task(
        id=f"{lineage.name}-{seed}-{index:05d}",
        lineage=lineage.name,
        teacher=teacher,
        constitution=constitution,
        family=families[index % len(families)] if families else "",
        seed=own_seed,
    )


def _section_of(lineage: Lineage[Any], draft: object, constitution: Constitution) -> Section | None:
    section_id = lineage.section_of(draft)
    return constitution.section(section_id) if section_id else None


def _score(teacher: Teacher, example: Example, section: Section | None) -> Example:
    score = teacher.score(example, section)
    if not 0.0 <= score <= 1.0:
        raise TeacherError(f"stage score gave {score!r} for {example.id}; allowed: 0 to 1")
    stages = {**example.stages, "score": teacher.version("score")}
    return example.model_copy(update={"score": score, "stages": stages})


def _refuse_reference(example: Example, floor: float, seen: dict[str, str]) -> Rejected | None:
    """The rejection of a reference row, or None; an accepted row joins `seen` (text -> id)."""
    reason = check_example(example)
    if reason is None:
        reason = _below_floor(example, floor)
    if reason is None:
        first = seen.setdefault(render_text(example), example.id)
        if first != example.id:
            reason = f"duplicate of {first}"
    return None if reason is None else Rejected(id=example.id, reason=reason, example=example)


def _refuse_variant(technique: Technique[Any], example: Example, floor: float) -> Rejected | None:
    reason = check_example(example)
    if reason is None and technique.role in ("technique", "baseline"):
        reason = _below_floor(example, floor)
    return None if reason is None else Rejected(id=example.id, reason=reason, example=example)


def _below_floor(example: Example, floor: float) -> str | None:
    if example.score is not None and example.score < floor:
        return f"score {example.score:.2f} is below the floor {floor:.2f}"
    return None


def _describe_shortfall(
    name: str, num_accepted: int, config: TechniqueConfig, rejected: list[Rejected]
) -> str:
    kinds = Counter(row.reason.split(" of ")[0] for row in rejected)
    reasons = "; ".join(f"{count} x {reason}" for reason, count in kinds.most_common(_SHOWN_REASONS))
    return (
        f"technique {name!r}: only {num_accepted} of {config.num_examples} rows were accepted; "
        f"commonest reasons: {reasons}; lower num_examples or {SCORE_FLOOR}, or mend the teacher"
    )


def find_faults(technique: Technique[Any], config: TechniqueConfig) -> Iterator[str]:
    """What of its settings a technique does not take, each with what is allowed."""
    allowed = _allowed_families(technique)
    for family in config.families:
        if family not in allowed:
            choice = ", ".join(allowed) or "none, it takes no families"
            yield f"families: family {family!r} may not be used; allowed: {choice}"
    for name, value in config.options.items():
        if name == SCORE_FLOOR:
            if _parse_floor(value) is None:
                yield f"options: option {SCORE_FLOOR} is {value!r}; allowed: a number from 0 to 1"
        elif name not in technique.options:
            names = ", ".join((*technique.options, SCORE_FLOOR))
            yield f"options: unknown option {name!r}; allowed: {names}"
        elif value not in technique.options[name]:
            choice = ", ".join(technique.options[name])
            yield f"options: option {name} is {value!r}; allowed: {choice}"


def _resolve_settings(technique: Technique[Any], config: TechniqueConfig) -> _Settings:
    """Options with defaults filled in, families checked; raises ConfigError."""
    for fault in find_faults(technique, config):
        raise ConfigError(f"technique {technique.name!r}: {fault}")
    options = {name: config.options.get(name, values[0]) for name, values in technique.options.items()}
    floor = _parse_floor(config.options[SCORE_FLOOR]) if SCORE_FLOOR in config.options else None
    return _Settings(
        config.families or _allowed_families(technique),
        options,
        DEFAULT_SCORE_FLOOR if floor is None else floor,
    )


def _allowed_families(technique: Technique[Any]) -> tuple[str, ...]:
    return tuple(name for name, family in FAMILIES.items() if family.split in technique.lineage.splits)


def _parse_floor(value: str) -> float | None:
    """The number, or None for what is no number from 0 to 1."""
    try:
        floor = float(value)
    except ValueError:
        return None
    return floor if 0.0 <= floor <= 1.0 else None
