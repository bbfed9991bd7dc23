"""How a technique makes rows: draft in a lineage, accept or reject, render the row of the technique.

A lineage is a chain of teacher stages (advice; documents; honeypot demonstrations; ...). Every technique
renders rows from one lineage, and techniques of one lineage share ids and prompts: whether a draft is
accepted is decided on the lineage's reference row, never on the ablated one. So `advice_without_rewrite`
meets exactly the prompts of `advice` and differs by one stage. A variant's row that the guard refuses, or
that is no ablation and scores under the floor, is left out without a replacement: the ids of a variant are
those of its reference or fewer.

A work unit is one draft, run to its end; units run side by side. Their results are taken in the order of
their index, and a unit is begun only while fewer are accepted and under way than are wanted, so the rows do
not depend on which unit ends first.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, NamedTuple, ParamSpec, TypeVar

import anyio

from teachwhy.checks.gates import Gates
from teachwhy.config import GateConfig, TechniqueConfig
from teachwhy.constitution import Constitution, Section
from teachwhy.environments import SourcePrompt
from teachwhy.errors import TeacherError
from teachwhy.records import Example, Message, Record
from teachwhy.service.calls import DraftStore, noted_calls
from teachwhy.teachers.protocol import Stage, Teacher
from teachwhy.techniques.drafts import describe_draft
from teachwhy.techniques.patterns import FindPatterns, Patterns
from teachwhy.techniques.settings import SCORE_FLOOR, SettledOptions, order_sources, resolve_settings
from teachwhy.techniques.turns import Turns

_ATTEMPTS_PER_ROW = 10
_SPARE_ATTEMPTS = 100
"""Also the drafts after which it ends when none was accepted: more would be paid in vain."""
_SHOWN_REASONS = 3

DraftT = TypeVar("DraftT")
Made = TypeVar("Made")
Arguments = ParamSpec("Arguments")


EXACT_ONLY = GateConfig(near_duplicates=0.0)
"""Gates that let near duplicates pass."""


@dataclass(frozen=True)
class Workshop:
    """Where rows are made: by whom, from what, how many drafts at a time, and where drafts are kept."""

    teacher: Teacher
    constitution: Constitution
    num_units: int = 1
    """Drafts under way at a time."""
    drafts: DraftStore | None = None
    gates: GateConfig = EXACT_ONLY
    """What every row must pass, in the order of the ids."""
    find_patterns: FindPatterns | None = None
    """What a teacher is told to avoid, from the rows so far; None: nothing, and no draft waits for others."""
    progress: Callable[[int, int, int], None] = lambda accepted, rejected, wanted: None


@dataclass(frozen=True)
class Task:
    """What a lineage drafts from; everything in it is fixed by lineage, seed and index."""

    id: str
    lineage: str
    """Name of the lineage; stands in a row's `technique` until the technique's own name does."""
    workshop: Workshop
    family: str
    """One of the technique's families in turn; empty where the lineage has none."""
    seed: int
    """Own seed of this draft; also good to choose among sections and kinds by `rng()`."""
    context_seed: int
    """Seed of the context that this draft comes out of with its neighbours; `seed` where there are none."""
    place: int
    """Which of the drafts of its context this one is."""
    index: int
    avoid: Patterns
    source: SourcePrompt | None = None
    """The user turn of a lineage that takes prompts; None where the teacher writes it."""

    @property
    def teacher(self) -> Teacher:
        """Who writes."""
        return self.workshop.teacher

    @property
    def constitution(self) -> Constitution:
        """What it is written from."""
        return self.workshop.constitution

    def rng(self) -> random.Random:
        """A fresh generator, the same for every call."""
        return random.Random(self.seed)

    def context(self) -> tuple[random.Random, int, int]:
        """Generator and seed that the drafts of one context share, and the place of this one among them."""
        return random.Random(self.context_seed), self.context_seed, self.place

    def stages(self, *names: Stage) -> dict[str, str]:
        """Stage names with the teacher's versions of them."""
        return {name: self.teacher.version(name) for name in names}

    async def patterns(self) -> tuple[str, ...]:
        """What the dataset has too much of so far (see patterns.py)."""
        return await self.avoid.before(self.index)

    async def make(
        self,
        stage: Callable[Arguments, Awaitable[Made]],
        *arguments: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Made:
        """Run one stage, a method of the teacher, and keep what it made with its parents and its calls."""
        store = self.workshop.drafts
        if store is None:
            return await stage(*arguments, **named)
        with noted_calls() as calls:
            made = await stage(*arguments, **named)
        self.keep(stage.__name__, made, arguments, tuple(calls))
        return made

    def keep(
        self, stage: str, made: object, arguments: Sequence[object], calls: tuple[str, ...] = ()
    ) -> None:
        """Put what a stage made into the ledger; the drafts among its arguments are its parents."""
        if (store := self.workshop.drafts) is not None:
            for record in describe_draft(self.teacher, self.lineage, stage, made, arguments, calls):
                store.add_draft(record)


Renderer = Callable[[Task, DraftT, Mapping[str, str]], Awaitable[Example]]
"""Makes a row from a draft and the technique's options."""


@dataclass(frozen=True)
class Lineage(Generic[DraftT]):
    """A chain of stages."""

    name: str
    draft: Callable[[Task], Awaitable[DraftT]]
    render: Renderer[DraftT]
    """The reference row, on which acceptance is decided."""
    section_of: Callable[[DraftT], str] = lambda _: ""
    """Id of the section that rows of this draft are scored against; empty for none."""
    splits: tuple[str, ...] = ()
    """Splits whose families its rows may show; empty for rows without any family."""
    takes_prompts: bool = False
    """Its user turns may be those of a file or of the shipped set (option `prompts`)."""
    shares_contexts: bool = False
    """Several drafts come out of one context, as many as the teacher says."""


@dataclass(frozen=True)
class Technique(Generic[DraftT]):
    """One entry of the table of techniques, baselines, controls and ablations."""

    name: str
    role: Literal["technique", "baseline", "control", "ablation"]
    summary: str
    lineage: Lineage[DraftT]
    render: Renderer[DraftT]
    options: Mapping[str, tuple[str, ...]]
    """Option -> allowed values, the first of which is the default; no values: any text, empty by default."""


class Rejected(Record):
    """A draft that became no row, and why."""

    id: str
    reason: str
    example: Example | None = None
    """None when the teacher failed before there was a row."""


class RefusedRowError(TeacherError):
    """A lineage's own judgement of a row: it is rejected, and kept with this reason."""

    def __init__(self, reason: str, example: Example) -> None:
        super().__init__(reason)
        self.example = example


class Generated(NamedTuple):
    """Result of `generate_rows`; rows in the order of their drafts."""

    examples: list[Example]
    rejected: list[Rejected]

    @property
    def num_duplicates(self) -> int:
        """Rows left out because an earlier row reads the same."""
        return sum(row.reason.startswith("duplicate") for row in self.rejected)


class ShortfallError(TeacherError):
    """Too few drafts were accepted; has what there is."""

    def __init__(self, message: str, generated: Generated) -> None:
        super().__init__(message)
        self.generated = generated


async def generate_rows(
    technique: Technique[Any], workshop: Workshop, config: TechniqueConfig, seed: int
) -> Generated:
    """Make `config.num_examples` accepted drafts and render them; a function of its arguments.

    Raises ConfigError for families or options that the technique does not take, and TeacherError with the
    commonest reasons when too few drafts are accepted: after 10 attempts a row and 100 spare ones, or after
    100 of which none was accepted.
    """
    settings = resolve_settings(technique, config)
    sources = order_sources(technique, workshop.teacher, settings, config.num_examples, seed)
    gates = Gates(workshop.gates, workshop.constitution, workshop.teacher.injections)
    run = _Run(technique, workshop, config, settings, seed, Patterns(workshop.find_patterns), sources, gates)
    async with anyio.create_task_group() as group:
        for _ in range(min(workshop.num_units, config.num_examples)):
            group.start_soon(run.work, group.cancel_scope)
    if run.failure is not None:
        raise run.failure
    generated = Generated(
        [run.examples[index] for index in sorted(run.examples)],
        [run.rejected[index] for index in sorted(run.rejected)],
    )
    if run.num_accepted < config.num_examples:
        told = _describe_shortfall(technique.name, run.num_accepted, config, generated.rejected)
        raise ShortfallError(told, generated)
    return generated


class _Drafted(NamedTuple):
    """A draft, the section that its rows are scored against, and the row of its lineage."""

    draft: Any
    section: Section | None
    row: Example


@dataclass
class _Run:
    """The units of one technique, side by side."""

    technique: Technique[Any]
    workshop: Workshop
    config: TechniqueConfig
    settings: SettledOptions
    seed: int
    avoid: Patterns
    sources: tuple[SourcePrompt, ...]
    gates: Gates
    num_accepted: int = 0
    num_open: int = 0
    """Units begun and neither accepted nor rejected yet."""
    next_index: int = 0
    turns: Turns = field(default_factory=Turns)
    examples: dict[int, Example] = field(default_factory=dict)
    rejected: dict[int, Rejected] = field(default_factory=dict)
    failure: Exception | None = None
    """What ended it all: a spent budget, a full disk, a key that is wrong."""

    async def work(self, scope: anyio.CancelScope) -> None:
        """Begin units one after another, as long as any may be wanted; what fails cancels `scope`."""
        try:
            await self.run_units()
        except Exception as error:  # noqa: BLE001 - raised by generate_rows, without the group around it
            self.failure = self.failure or error
            scope.cancel()

    async def run_units(self) -> None:
        """The units of one worker."""
        last = self.config.num_examples * _ATTEMPTS_PER_ROW + _SPARE_ATTEMPTS
        if self.sources:
            last = min(last, len(self.sources))
        while self.num_accepted < self.config.num_examples and self.next_index < last:
            num_decided = self.next_index - self.num_open
            if self.num_accepted == 0 and num_decided >= _SPARE_ATTEMPTS:
                return
            if self.num_accepted + self.num_open >= self.config.num_examples:
                await self.turns.wait_for_any()
                continue
            index = self.next_index
            self.next_index += 1
            self.num_open += 1
            await self.run_unit(index)

    async def run_unit(self, index: int) -> None:
        """One draft from its first stage to its row, or to the reason why there is none."""
        task = self.make_task(index)
        drafted = await self.draft_reference(task)
        await self.turns.wait_for(index)
        if isinstance(drafted, Rejected):
            made: Example | Rejected | None = drafted
        else:
            made = self.refuse_reference(drafted.row)
        self.num_open -= 1
        self.num_accepted += made is None
        self.avoid.decide(index, drafted.row if isinstance(drafted, _Drafted) and made is None else None)
        self.turns.pass_on()
        if made is None:
            assert isinstance(drafted, _Drafted)
            made = await self.make_row(task, drafted)
        if isinstance(made, Rejected):
            self.rejected[index] = made
        else:
            self.examples[index] = made.model_copy(update={"technique": self.technique.name})
        self.workshop.progress(self.num_accepted, len(self.rejected), self.config.num_examples)

    async def draft_reference(self, task: Task) -> _Drafted | Rejected:
        """A draft with the row of its lineage."""
        lineage = self.technique.lineage
        try:
            draft = await lineage.draft(task)
            section = self.section_of(draft)
            row = await self.score(await lineage.render(task, draft, self.settings.options), section)
        except TeacherError as error:
            return _reject(task, error)
        return _Drafted(draft, section, row)

    async def make_row(self, task: Task, drafted: _Drafted) -> Example | Rejected:
        """The row of the technique from an accepted draft."""
        technique = self.technique
        if technique.render is technique.lineage.render:
            return drafted.row
        try:
            row = await technique.render(task, drafted.draft, self.settings.options)
            if _list_learned(row) == _list_learned(drafted.row):  # in other surroundings
                stages = {**row.stages, "score": drafted.row.stages["score"]}
                row = row.model_copy(update={"score": drafted.row.score, "stages": stages})
            else:
                row = await self.score(row, drafted.section)
        except TeacherError as error:
            return _reject(task, error)
        return self.refuse_variant(row) or row

    def refuse_reference(self, row: Example) -> Rejected | None:
        """The rejection of a reference row, or None; later rows are compared with an accepted one."""
        reason = _below_floor(row, self.settings.score_floor) or self.gates.refuse(row)
        if reason is None:
            self.gates.accept(row)
        return None if reason is None else Rejected(id=row.id, reason=reason, example=row)

    def refuse_variant(self, row: Example) -> Rejected | None:
        """The rejection of a row made from an accepted draft; what it repeats is its reference's matter."""
        reason = self.gates.refuse_alone(row)
        if reason is None and self.technique.role in ("technique", "baseline"):
            reason = _below_floor(row, self.settings.score_floor)
        return None if reason is None else Rejected(id=row.id, reason=reason, example=row)

    def make_task(self, index: int) -> Task:
        """The task of an index."""
        lineage, families = self.technique.lineage, self.settings.families
        size = self.workshop.teacher.drafts_per_context if lineage.shares_contexts else 1
        number, place = divmod(index, size)
        return Task(
            id=f"{lineage.name}-{self.seed}-{index:05d}",
            lineage=lineage.name,
            workshop=self.workshop,
            family=families[number % len(families)] if families else "",
            seed=_draw_seed(lineage.name, self.seed, index),
            context_seed=_draw_seed(lineage.name, self.seed, number * size),
            place=place,
            index=index,
            avoid=self.avoid,
            source=self.sources[index] if index < len(self.sources) else None,
        )

    def section_of(self, draft: object) -> Section | None:
        """The section that rows of this draft are scored against."""
        section_id = self.technique.lineage.section_of(draft)
        return self.workshop.constitution.section(section_id) if section_id else None

    async def score(self, example: Example, section: Section | None) -> Example:
        """The row with the teacher's grade."""
        if example.kind == "prompt":
            return example
        teacher = self.workshop.teacher
        score = await teacher.score(example, section)
        if not 0.0 <= score <= 1.0:
            raise TeacherError(f"stage score gave {score!r} for {example.id}; allowed: 0 to 1")
        stages = {**example.stages, "score": teacher.version("score")}
        return example.model_copy(update={"score": score, "stages": stages})


def _list_learned(row: Example) -> tuple[str, tuple[Message, ...]]:
    """What carries loss: the text of a document, the assistant's turns of a chat."""
    answers = tuple(message for message in row.messages if message.role == "assistant")
    if row.kind == "document" or (len(answers) == 1 and not answers[0].tool_calls):
        return row.text or answers[0].content, ()
    return "", answers


def _reject(task: Task, error: TeacherError) -> Rejected:
    """With the row, where there is one."""
    if isinstance(error, RefusedRowError):
        return Rejected(id=task.id, reason=str(error), example=error.example)
    return Rejected(id=task.id, reason=f"teacher: {error}")


def _draw_seed(lineage: str, seed: int, index: int) -> int:
    return random.Random(f"{lineage}/{seed}/{index}").getrandbits(48)


def _below_floor(example: Example, floor: float) -> str | None:
    if example.score is not None and example.score < floor:
        return f"score {example.score:.2f} is below the floor {floor:.2f}"
    return None


def _describe_shortfall(
    name: str, num_accepted: int, config: TechniqueConfig, rejected: list[Rejected]
) -> str:
    kinds = Counter(row.reason.split(" of ")[0].split(" (")[0] for row in rejected)
    reasons = "; ".join(f"{count} x {reason}" for reason, count in kinds.most_common(_SHOWN_REASONS))
    return (
        f"technique {name!r}: only {num_accepted} of {config.num_examples} rows were accepted; "
        f"commonest reasons: {reasons}; lower num_examples or {SCORE_FLOOR}, or mend the teacher"
    )
