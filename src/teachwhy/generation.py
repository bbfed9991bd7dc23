"""What an experiment's [techniques] say, made: one teacher and one ledger, a folder of files for each.

Writes the folder that data/folder.py describes; the ledger stands beside the folders and is never replaced.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import anyio

from teachwhy.config import GRAMMAR, ExperimentConfig
from teachwhy.constitution import load_constitution
from teachwhy.data.folder import (
    AUDIT,
    CARD,
    EXAMPLES,
    FILES,
    LEDGER,
    RECIPE,
    REJECTED,
    Recipe,
    describe_recipe,
)
from teachwhy.errors import DataError, InputError, TeacherError
from teachwhy.run_dir import atomic_folder, atomic_write_text, storage_errors
from teachwhy.techniques import Generated, ShortfallError, Workshop, make_rows, write_examples
from teachwhy.techniques.patterns import FindPatterns

if TYPE_CHECKING:
    from teachwhy.service.ledger import CallLedger

MANY_UNITS = 1_000_000
"""Drafts under way where calls go in batches: all of them, so that each stage is one batch."""
MOST_PATTERNS = 12
"""Patterns that a writer is told to avoid, the commonest first; more would be a text of its own."""
RowProgress = Callable[[int, int, int], None]
"""Told how many rows are accepted, rejected and wanted."""


class Made(NamedTuple):
    """What became of one section of [techniques]."""

    num_examples: int
    num_rejected: int


class Watcher:
    """What is told how far the datasets are; this one is told and says nothing."""

    def begin(self, key: str, ledger: CallLedger) -> RowProgress:
        """A dataset is begun; its rows are told to what this gives."""
        return lambda accepted, rejected, wanted: None

    def end(self, key: str, made: Made, failures: Sequence[str]) -> None:
        """A dataset is whole; `failures` are what its audit found against it."""


@asynccontextmanager
async def open_teacher(config: ExperimentConfig, ledger: CallLedger) -> AsyncIterator[Workshop]:
    """The teacher of an experiment with all that it writes from, for as long as the block lasts.

    Raises ConfigError for a constitution that cannot be read, and for a
    budget that cannot be kept.
    """
    constitution = load_constitution(config.constitution, config.rows_dialect())
    if config.teacher == GRAMMAR:
        from teachwhy.teachers.sprig import SprigTeacher

        yield Workshop(
            SprigTeacher(),
            constitution,
            drafts=ledger,
            gates=config.generation.gates,
            find_patterns=watch_patterns(config),
        )
        return
    from teachwhy.service.service import TeacherService
    from teachwhy.teachers.language.teacher import LanguageTeacher
    from teachwhy.teachers.language.writer import Writer

    async with TeacherService(config.teacher, config.generation, ledger) as service:
        teacher = LanguageTeacher(Writer(service, config.generation))
        generation = config.generation
        yield Workshop(
            teacher,
            constitution,
            MANY_UNITS if generation.batch else generation.connections,
            ledger,
            generation.gates,
            watch_patterns(config),
        )


def watch_patterns(config: ExperimentConfig) -> FindPatterns | None:
    """The tics of the rows so far, as sentences that ask a writer to avoid them.

    None where calls go in batches: blocks that wait for one another would wait for a batch at every stage.
    """
    if config.generation.batch:
        return None
    from teachwhy.checks.tics import describe_patterns, find_tics

    share = config.generation.gates.tic_share
    return lambda rows: describe_patterns(find_tics(rows, share))[:MOST_PATTERNS]


async def make_folder(
    config: ExperimentConfig, key: str, workshop: Workshop, folder: Path, ledger: CallLedger
) -> tuple[Made, tuple[str, ...]]:
    """The files of one section of [techniques], in a folder that is there; also what the audit found.

    Raises ShortfallError, with the rows that there are written, but no audit and no card.
    """
    section = config.techniques[key]
    recipe = describe_recipe(config, key, workshop.constitution)
    try:
        generated = await make_rows(section.technique_name(key), workshop, section, config.data_seed)
    except ShortfallError as error:
        _write_rows(folder, error.generated, recipe)
        raise
    _write_rows(folder, generated, recipe)
    made = Made(len(generated.examples), len(generated.rejected))
    from teachwhy.checks.audit import audit_rows, write_audit
    from teachwhy.data.card import CardSource, write_card
    from teachwhy.data.folder import Dataset

    injections = workshop.teacher.injections
    audit = audit_rows(generated.examples, config.generation.gates, workshop.constitution, injections)
    write_audit(audit, folder / AUDIT)
    dataset = Dataset(folder, generated.examples, generated.rejected, recipe)
    write_card(folder / CARD, CardSource(dataset, key, audit, ledger))
    return made, audit.failures


def _write_rows(folder: Path, generated: Generated, recipe: Recipe) -> None:
    write_examples(folder / EXAMPLES, generated.examples)
    write_examples(folder / REJECTED, generated.rejected)
    atomic_write_text(folder / RECIPE, recipe.model_dump_json(indent=1) + "\n")


def make_stage(config: ExperimentConfig, key: str, folder: Path, progress: RowProgress) -> Made:
    """The files of one section of [techniques] as the data stage of a run, with the ledger beside it.

    Raises DataError when the audit finds what must be in no training row.
    """

    async def make() -> tuple[Made, tuple[str, ...]]:
        from teachwhy.service.ledger import CallLedger

        with CallLedger(folder.parent / LEDGER, pays=config.teacher != GRAMMAR) as ledger:
            async with open_teacher(config, ledger) as workshop:
                told = replace(workshop, progress=progress)
                return await make_folder(config, key, told, folder, ledger)

    made, failures = anyio.run(make)
    if failures:
        raise DataError(
            f"the rows of {key} hold what no training row may: {'; '.join(failures)}. Mend the teacher's "
            "prompts or the constitution, or switch the gate on that refuses such rows (generation.gates)."
        )
    return made


def make_datasets(config: ExperimentConfig, keys: Sequence[str], output: Path, watcher: Watcher) -> None:
    """A folder below `output` for each of these sections, one after another, with one teacher and one ledger.

    What a teacher was paid for is in the ledger whatever happens: the same call goes on from there. Raises
    BudgetSpentError, TeacherError, ConfigError and StorageError.
    """
    anyio.run(_make_datasets, config, keys, output, watcher)


async def _make_datasets(
    config: ExperimentConfig, keys: Sequence[str], output: Path, watcher: Watcher
) -> None:
    from teachwhy.service.ledger import CallLedger

    load_constitution(config.constitution, config.rows_dialect())  # before anything is written
    with CallLedger(output / LEDGER) as ledger:
        async with open_teacher(config, ledger) as workshop:
            for key in keys:
                told = replace(workshop, progress=watcher.begin(key, ledger))
                shortfall: ShortfallError | None = None
                with atomic_folder(output / key) as folder:
                    try:
                        made, failures = await make_folder(config, key, told, folder, ledger)
                    except ShortfallError as error:
                        shortfall = error
                if shortfall is not None:
                    num_rows = len(shortfall.generated.examples)
                    raise TeacherError(
                        f"{shortfall}. {output / key} has the {num_rows} rows, and those refused."
                    )
                watcher.end(key, made, failures)


def find_injections() -> tuple[str, ...]:
    """The prompts that answers are sampled under, of every teacher: no row may hold one, whoever wrote it."""
    from teachwhy.teachers.language.answers import INJECTION_FRAMES
    from teachwhy.teachers.language.demonstrations import injection_texts
    from teachwhy.teachers.sprig import SprigTeacher

    return tuple(dict.fromkeys((*SprigTeacher().injections, *INJECTION_FRAMES, *injection_texts())))


def find_old_rows(folder: Path) -> bool:
    """Whether rows of an earlier call are in the folder that `make_folder` is to fill.

    Raises InputError where anything else is: it would be lost.
    """
    with storage_errors(folder):
        is_other = os.path.lexists(folder) and not folder.is_dir()
        found = list(folder.iterdir()) if folder.is_dir() else []
    other = sorted(path.name for path in found if path.name not in FILES or not path.is_file())
    if is_other or other:
        what = f"holds {other[0]!r}, which is no file of generated rows" if other else "is no folder"
        raise InputError(
            f"{folder}: {what}, and the rows would replace it as a whole. Nothing was written. Move it away, "
            "or choose another folder with --output."
        )
    return bool(found)
