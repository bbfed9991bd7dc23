"""The folder of a dataset, as `teachwhy generate` and the data stage of a run leave it.

DIR/
  ledger.sqlite    every call and every draft of the datasets below
  TECHNIQUE/
    examples.jsonl   the rows
    rejected.jsonl   drafts that became no row, with the reason
    dataset.json     how they were made
    audit.json       what the audit of the rows found
    README.md        the card
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import Field, ValidationError

from teachwhy import __version__
from teachwhy.config import ExperimentConfig, GenerationConfig, Name, TechniqueConfig
from teachwhy.constitution import Constitution
from teachwhy.errors import DataError, InputError, list_faults
from teachwhy.records import Example, Record
from teachwhy.run_dir import CALLS, read_object
from teachwhy.techniques import Rejected, read_examples
from teachwhy.techniques.examples import read_records

if TYPE_CHECKING:
    from teachwhy.checks.audit_record import Audit

LEDGER = CALLS
EXAMPLES = "examples.jsonl"
REJECTED = "rejected.jsonl"
RECIPE = "dataset.json"
AUDIT = "audit.json"
CARD = "README.md"
FILES = (EXAMPLES, REJECTED, RECIPE, AUDIT, CARD)


class Recipe(Record):
    """dataset.json: what the rows are a function of, beside the answers of the models."""

    key: Name
    """The section of [techniques]."""
    technique: str
    settings: TechniqueConfig
    teacher: str
    generation: GenerationConfig
    """Without how calls travel and what they may cost."""
    constitution: str
    """`default`, or the name of its file; where that lies is nobody else's business."""
    constitution_fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]
    sections: tuple[str, ...]
    """Ids of the sections of the constitution."""
    data_seed: int
    version: str = __version__
    """Of this package."""


def describe_recipe(config: ExperimentConfig, key: str, constitution: Constitution) -> Recipe:
    """How the rows of a section of [techniques] are made."""
    settings = config.techniques[key]
    return Recipe(
        key=key,
        technique=settings.technique_name(key),
        settings=settings,
        teacher=config.teacher,
        generation=GenerationConfig.model_validate(config.generation.conditions()),
        constitution=Path(config.constitution).name,
        constitution_fingerprint=constitution.fingerprint(),
        sections=constitution.section_ids,
        data_seed=config.data_seed,
    )


class Dataset(NamedTuple):
    """A dataset's rows and what is known of them."""

    folder: Path
    examples: list[Example]
    rejected: list[Rejected]
    recipe: Recipe | None
    """None where the folder does not say, as that of a run's data stage."""

    @property
    def name(self) -> str:
        """The folder's."""
        return self.folder.resolve().name

    @property
    def ledger(self) -> Path:
        """Where the drafts are, if there is one."""
        return self.folder.resolve().parent / LEDGER


def find_rows(folder: Path) -> Path:
    """The file of rows in a dataset's folder. Raises InputError where there is none."""
    path = folder / EXAMPLES
    if not path.is_file():
        beside = sorted(found.parent.name for found in folder.glob(f"*/{EXAMPLES}"))
        hint = f" Folders in it that are: {', '.join(beside[:5])}." if beside else ""
        raise InputError(
            f"{folder}: is no folder of a dataset: it holds no {EXAMPLES}. Give a folder that teachwhy "
            f"generate has written.{hint}"
        )
    return path


def read_dataset(folder: Path) -> Dataset:
    """Everything but the ledger. Raises InputError and DataError."""
    examples = read_examples(find_rows(folder))
    rejected = folder / REJECTED
    recipe = folder / RECIPE
    return Dataset(
        folder,
        examples,
        read_records(rejected, Rejected) if rejected.is_file() else [],
        read_recipe(recipe) if recipe.is_file() else None,
    )


def read_recipe(path: Path) -> Recipe:
    """dataset.json. Raises DataError."""
    content = read_object(path)
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        raise DataError(
            f"{path}: {list_faults(error, 'the file')[0]}. Make the dataset again with teachwhy generate."
        ) from error


def read_audit(folder: Path) -> Audit | None:
    """audit.json of a dataset; None where it was not audited. Raises DataError."""
    from teachwhy.checks.audit_record import Audit

    path = folder / AUDIT
    if not path.is_file():
        return None
    content = read_object(path)
    try:
        return Audit.model_validate(content)
    except ValidationError as error:
        raise DataError(
            f"{path}: {list_faults(error, 'the file')[0]}. Make it again with teachwhy data audit {folder}."
        ) from error
