"""`teachwhy generate` makes training rows; `teachwhy data` looks at them and hands them on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from teachwhy.config import MAX_SEED
from teachwhy.errors import ConfigError
from teachwhy.visible_text import make_visible

if TYPE_CHECKING:
    from teachwhy.config import ExperimentConfig, GateConfig
    from teachwhy.constitution import Constitution as ConstitutionText

EXIT_FAILED = 1
EXIT_STOPPED_BY_BUDGET = 1
EXIT_STOPPED = 130
generate_app = typer.Typer()
data_app = typer.Typer(
    help="Datasets: audit rows, write their card, review them with their drafts, export them.",
    no_args_is_help=True,
)
NUM_EXAMPLES = 1000
Form = Literal["trl", "openai", "parquet"]
Techniques = Annotated[
    list[str],
    typer.Argument(help="Names of techniques; with --config, keys of its [techniques].", show_default=False),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="An experiment file, for its teacher, [generation], [techniques]."),
]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override one value, as TOML.")
]
NumExamples = Annotated[
    int | None,
    typer.Option("--num-examples", "-n", min=1, help="Rows of each.", show_default=str(NUM_EXAMPLES)),
]
Constitution = Annotated[
    str | None, typer.Option(help="`default` or the path of a text.", show_default="default")
]
LedgerFile = Annotated[
    Path | None,
    typer.Option("--ledger", help="The ledger of its drafts and calls.", show_default="beside FOLDER"),
]
SeedOption = Annotated[
    int | None, typer.Option(min=0, max=MAX_SEED, help="Makes the rows.", show_default="0")
]
Folder = Annotated[
    Path, typer.Argument(help="Folder of a dataset, as teachwhy generate writes it.", show_default=False)
]


@generate_app.command("generate")
def generate(
    techniques: Techniques,
    config: ConfigFile = None,
    overrides: Overrides = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder.")] = Path("data"),
    num_examples: NumExamples = None,
    teacher: Annotated[str | None, typer.Option(help="Who writes the rows.", show_default="sprig")] = None,
    constitution: Constitution = None,
    seed: SeedOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print calls, tokens and dollars by stage; make nothing.")
    ] = False,
) -> None:
    """Make training rows with techniques, as JSONL; refused drafts stand beside them with the reason.

    A technique's folder that holds earlier rows is replaced; one that holds anything else is left alone.
    The same command goes on where a stopped one was: nothing is paid twice.

    Examples:

        teachwhy generate advice advice_without_reasons refusals --num-examples 200 --output data

        teachwhy generate advice --config experiments/sprig.toml --set techniques.advice.num_examples=50

        teachwhy generate advice --config experiments/advice-3m.toml --dry-run
    """
    from teachwhy.data.folder import LEDGER
    from teachwhy.display import make_console, print_plainly
    from teachwhy.generation import find_old_rows, make_datasets
    from teachwhy.generation_display import GenerationDisplay
    from teachwhy.generation_plan import describe_estimate, estimate_generation, print_estimate
    from teachwhy.service.calls import BudgetSpentError

    options = {
        "num_examples": num_examples,
        "teacher": teacher,
        "constitution": constitution,
        "data_seed": seed,
    }
    keys = tuple(dict.fromkeys(techniques))
    settled = settle_generation(keys, config, overrides, options)
    console = make_console(stderr=True)
    rows = estimate_generation(settled, keys, output / LEDGER)
    if dry_run:
        print_estimate(make_console(), rows, output / LEDGER)
        return
    if told := describe_estimate(rows):
        print_plainly(console, told)
    for folder in [output / key for key in keys if find_old_rows(output / key)]:
        print_plainly(console, f"{folder}: the rows that are there will be replaced.")
    try:
        with GenerationDisplay(console, output) as display:
            make_datasets(settled, keys, output, display)
    except BudgetSpentError as error:
        print_plainly(console, f"Stopped: {error}")
        raise typer.Exit(EXIT_STOPPED_BY_BUDGET) from None
    except KeyboardInterrupt:
        print_plainly(console, "Stopped. What was paid for is kept: the same command goes on from here.")
        raise typer.Exit(EXIT_STOPPED) from None
    raise typer.Exit(EXIT_FAILED if display.num_failed else 0)


def settle_generation(
    keys: tuple[str, ...], file: Path | None, overrides: list[str] | None, given: dict[str, Any]
) -> ExperimentConfig:
    """The experiment that rows are made for, checked; from a file, or from the options alone.

    Of a file the arms may be left out. Raises ConfigError.
    """
    from teachwhy.config import check_names, resolve_experiment
    from teachwhy.experiment_file import read_toml

    given = {name: value for name, value in given.items() if value is not None}
    values: dict[str, Any]
    if file is None:
        source, values = "generate", {"name": "generate"}
        section = {"num_examples": given.pop("num_examples", NUM_EXAMPLES)}
        values.update(given)
    else:
        source, values, section = str(file), read_toml(file), {}
        for name in given:
            key = "techniques.NAME.num_examples" if name == "num_examples" else name
            raise ConfigError(
                f"--{OPTIONS[name]}: is for generate without --config, and {file} is given. Override it "
                f"there: --set {key}=..."
            )
        _check_paid(values, keys, overrides or (), source)
    values.setdefault("arms", [{"name": "none"}])
    written = values.setdefault("techniques", {})
    if isinstance(written, dict):
        for key in keys:
            written.setdefault(key, dict(section))  # own of each: --set changes it in place
    config = resolve_experiment(values, overrides or (), source)
    check_names(config, source)
    return config


def _check_paid(
    values: Mapping[str, Any], keys: Sequence[str], overrides: Sequence[str], source: str
) -> None:
    """Raises ConfigError where a teacher would be paid for a number of rows that nobody named."""
    from teachwhy.config import GRAMMAR

    named = values.get("techniques", {})
    for key in keys:
        is_set = any(override.startswith(f"techniques.{key}.num_examples") for override in overrides)
        if (
            values.get("teacher", GRAMMAR) != GRAMMAR
            and isinstance(named, dict)
            and key not in named
            and not is_set
        ):
            raise ConfigError(
                f"{source}: has no section [techniques.{key}], and the teacher is paid for its rows. Say how "
                f"many: --set techniques.{key}.num_examples=..."
            )


OPTIONS = {
    "num_examples": "num-examples",
    "teacher": "teacher",
    "constitution": "constitution",
    "data_seed": "seed",
}
"""Key of an experiment file -> the option of `generate` that sets it where there is no file."""


@data_app.command("audit")
def audit(
    files: Annotated[
        list[Path],
        typer.Argument(help="Files of rows (JSON lines), or folders of datasets.", show_default=False),
    ],
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="An experiment file, for [generation.gates] and constitution."),
    ] = None,
    constitution: Constitution = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="The file.", show_default="audit.json beside the rows"),
    ] = None,
) -> None:
    """Look for what must not be in training rows; write audit.json, and exit with 1 where it is there.

    Leaks of evaluations and canaries, rows that name another model, sampling prompts, talk of tests,
    duplicates; sections that no row rests on, lengths, repeated patterns.

    Examples:

        teachwhy data audit data/advice

        teachwhy data audit mine.jsonl more.jsonl --constitution constitution.md --output audit.json

        teachwhy data audit data/advice --config experiments/sprig.toml
    """
    from rich.progress import Progress

    from teachwhy.checks.audit import audit_rows, write_audit
    from teachwhy.data.audit_table import print_audit
    from teachwhy.data.folder import find_rows
    from teachwhy.display import make_console
    from teachwhy.generation import find_injections

    paths = [find_rows(path) if path.is_dir() else path for path in files]
    if output is None and len({path.parent for path in paths}) > 1:
        raise ConfigError("the files lie in several folders: say with --output where the audit is written.")
    gates, text = settle_audit(config, constitution, paths[0].parent)
    console = make_console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("rows", total=None)
        found = audit_rows(
            paths,
            gates,
            text,
            find_injections(),
            lambda done, total: bars.update(task, completed=done, total=total),
        )
    path = output or paths[0].parent / "audit.json"
    write_audit(found, path)
    print_audit(found, make_console())
    typer.echo(make_visible(str(path)))
    raise typer.Exit(EXIT_FAILED if found.failures else 0)


def settle_audit(
    file: Path | None, constitution: str | None, folder: Path
) -> tuple[GateConfig, ConstitutionText]:
    """The gates and the constitution: of an experiment file, of the dataset's own recipe, or the defaults.

    Raises ConfigError and DataError.
    """
    from teachwhy.config import GRAMMAR, GateConfig, load_experiment
    from teachwhy.constitution import load_constitution
    from teachwhy.data.folder import RECIPE, read_recipe

    gates, name, dialect = GateConfig(), "default", "english"
    if file is not None:
        config = load_experiment(file)
        gates, name, dialect = config.generation.gates, config.constitution, config.rows_dialect()
    elif (folder / RECIPE).is_file():
        recipe = read_recipe(folder / RECIPE)
        gates, dialect = recipe.generation.gates, "sprig" if recipe.teacher == GRAMMAR else "english"
        if recipe.constitution != "default" and constitution is None:
            raise ConfigError(
                f"{folder}: its rows were made from the constitution {recipe.constitution!r}. Give its path "
                "with --constitution."
            )
    text = load_constitution(constitution or name, dialect)
    recipe_is_asked = constitution is not None and file is None and (folder / RECIPE).is_file()
    if recipe_is_asked and text.fingerprint() != read_recipe(folder / RECIPE).constitution_fingerprint:
        raise ConfigError(
            f"{folder}: its rows were made from another text than --constitution {constitution}, whose "
            "sections they do not rest on. Give the one that they were made from."
        )
    return gates, text


@data_app.command("card")
def card(
    folder: Folder,
    license_name: Annotated[
        str, typer.Option("--license", help="As the hub names it, such as cc-by-4.0.", show_default="unset")
    ] = "",
    ledger: LedgerFile = None,
) -> None:
    """Write a dataset's card (README.md for the Hugging Face hub) from its rows, audit and ledger.

    Examples:

        teachwhy data card data/advice

        teachwhy data card data/advice --license cc-by-4.0
    """
    from teachwhy.data.card import CardSource, check_license, open_card_ledger, write_card
    from teachwhy.data.folder import CARD, read_audit, read_dataset

    check_license(license_name)
    dataset = read_dataset(folder)
    with open_card_ledger(dataset, ledger) as opened:
        source = CardSource(dataset, dataset.name, read_audit(folder), opened)
        write_card(folder / CARD, source, license_name)
    typer.echo(make_visible(str(folder / CARD)))


@data_app.command("review")
def review(
    folder: Folder,
    rows: Annotated[int, typer.Option(min=1, max=500, help="How many rows are shown.")] = 20,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Which of them.")] = 0,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file.", show_default="beside FOLDER")
    ] = None,
    ledger: LedgerFile = None,
) -> None:
    """Write an HTML page that shows random rows, kept and refused, through their stages.

    What each rewrite changed is marked; prompts that were only there to sample under are shown as such. The
    page needs no network and runs no script.

    Examples:

        teachwhy data review data/advice

        teachwhy data review data/advice --rows 50 --seed 1 --output review.html
    """
    from teachwhy.data.folder import read_dataset
    from teachwhy.data.history import LedgerHistory
    from teachwhy.data.review import write_review

    dataset = read_dataset(folder)
    path = output or beside(folder, ".review.html")
    with LedgerHistory(ledger or dataset.ledger) as history:
        num_shown = write_review(path, dataset, history, rows, seed)
    typer.echo(make_visible(f"{path}: {num_shown} rows"))


@data_app.command("export")
def export(
    folder: Folder,
    to: Annotated[Form, typer.Option("--to", help="The form.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file.", show_default="beside FOLDER")
    ] = None,
) -> None:
    """Write a dataset's rows in the form of another program.

    trl: JSON lines for TRL: messages or text (SFTTrainer), prompt (GRPOTrainer), with tools and sections.
    openai: JSON lines for OpenAI's fine-tuning; chat rows only. parquet: all fields as columns.

    Examples:

        teachwhy data export data/advice --to trl

        teachwhy data export data/advice --to openai --output advice-for-openai.jsonl

        teachwhy data export data/documents --to parquet
    """
    from teachwhy.data.export import SUFFIXES, export_rows
    from teachwhy.data.folder import find_rows
    from teachwhy.techniques import read_examples

    rows = find_rows(folder)
    path = output or beside(folder, SUFFIXES[to])
    done = export_rows(read_examples(rows), to, path, str(rows))
    typer.echo(make_visible(f"{done.path}: {done.num_rows} rows, {done.note}"))


def beside(folder: Path, suffix: str) -> Path:
    """A file beside a dataset's folder, by the folder's name: the folder itself holds the dataset alone."""
    return folder.resolve().parent / f"{folder.resolve().name}{suffix}"
