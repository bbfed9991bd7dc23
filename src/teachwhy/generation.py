"""What an experiment's [techniques] say, made: one teacher, one ledger, a folder of rows for each technique.

DIR/
  ledger.sqlite   every call and every draft, which all techniques share
  TECHNIQUE/      examples.jsonl  rejected.jsonl
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import anyio

from teachwhy.config import GRAMMAR, ExperimentConfig
from teachwhy.constitution import load_constitution
from teachwhy.data.folder import EXAMPLES, REJECTED
from teachwhy.errors import ConfigError, InputError
from teachwhy.run_dir import atomic_folder, storage_errors
from teachwhy.techniques import make_rows, write_examples
from teachwhy.techniques.pipeline import Workshop

LEDGER = "ledger.sqlite"
ROW_FILES = (EXAMPLES, REJECTED)
"""What a technique leaves in its folder."""


class Made(NamedTuple):
    """What became of one section of [techniques]."""

    num_examples: int
    num_rejected: int


@asynccontextmanager
async def open_teacher(config: ExperimentConfig, ledger: Path | None) -> AsyncIterator[Workshop]:
    """The teacher of an experiment with all that it writes from, for as long as the block lasts.

    Raises ConfigError for a teacher that there is none of, and for a constitution that cannot be read.
    """
    constitution = load_constitution(config.constitution, config.rows_dialect())
    if config.teacher != GRAMMAR:
        raise ConfigError(f"teacher = {config.teacher!r} is no teacher. Allowed: {GRAMMAR}.")
    from teachwhy.teachers.sprig import SprigTeacher

    yield Workshop(SprigTeacher(), constitution)


async def make_folder(config: ExperimentConfig, key: str, workshop: Workshop, folder: Path) -> Made:
    """The files of one section of [techniques], in a folder that is there."""
    section = config.techniques[key]
    generated = await make_rows(section.technique_name(key), workshop, section, config.data_seed)
    write_examples(folder / EXAMPLES, generated.examples)
    write_examples(folder / REJECTED, generated.rejected)
    return Made(len(generated.examples), len(generated.rejected))


def make_rows_alone(config: ExperimentConfig, key: str, folder: Path) -> Made:
    """`make_folder` with a teacher of its own and no ledger."""

    async def make() -> Made:
        async with open_teacher(config, None) as workshop:
            return await make_folder(config, key, workshop, folder)

    return anyio.run(make)


def make_datasets(
    config: ExperimentConfig,
    keys: Sequence[str],
    output: Path,
    begin: Callable[[str], Callable[[int, int, int], None]],
    end: Callable[[str, Made], None],
) -> None:
    """A folder below `output` for each of these sections, one after another, with one teacher and one ledger.

    `begin` is told each key and gives what the progress of its rows is told to (accepted, rejected, wanted);
    `end` is told what was made.
    """
    anyio.run(_make_datasets, config, keys, output, begin, end)


async def _make_datasets(
    config: ExperimentConfig,
    keys: Sequence[str],
    output: Path,
    begin: Callable[[str], Callable[[int, int, int], None]],
    end: Callable[[str, Made], None],
) -> None:
    async with open_teacher(config, output / LEDGER) as workshop:
        for key in keys:
            with atomic_folder(output / key) as folder:
                made = await make_folder(config, key, replace(workshop, progress=begin(key)), folder)
            end(key, made)


def find_old_rows(folder: Path) -> bool:
    """Whether rows of an earlier call are in the folder that `make_folder` is to fill.

    Raises InputError where anything else is: it would be lost.
    """
    with storage_errors(folder):
        is_other = os.path.lexists(folder) and not folder.is_dir()
        found = list(folder.iterdir()) if folder.is_dir() else []
    other = sorted(path.name for path in found if path.name not in ROW_FILES or not path.is_file())
    if is_other or other:
        what = f"holds {other[0]!r}, which is no file of generated rows" if other else "is no folder"
        raise InputError(
            f"{folder}: {what}, and the rows would replace it as a whole. Nothing was written. Move it away, "
            "or choose another folder with --output."
        )
    return bool(found)
