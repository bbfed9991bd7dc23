"""`teachwhy generate` makes training rows; `teachwhy data` looks at them and hands them on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from teachwhy.config import MAX_SEED
from teachwhy.errors import ConfigError
from teachwhy.visible_text import make_visible

if TYPE_CHECKING:
    from teachwhy.config import ExperimentConfig

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
) -> None:
    """Make training rows with techniques, as JSONL; refused drafts stand beside them with the reason.

    A technique's folder that holds earlier rows is replaced; one that holds anything else is left alone.
    The same command goes on where a stopped one was: nothing is paid twice.

    Examples:

        teachwhy generate advice

        teachwhy generate advice advice_without_reasons refusals --num-examples 200 --output data

        teachwhy generate advice --config experiments/sprig.toml --set techniques.advice.num_examples=50
    """
    from teachwhy.display import make_console, print_plainly
    from teachwhy.generation import find_old_rows, make_datasets
    from teachwhy.run_dir import storage_errors

    given = {
        "num_examples": num_examples,
        "teacher": teacher,
        "constitution": constitution,
        "data_seed": seed,
    }
    keys = tuple(dict.fromkeys(techniques))
    settled = settle_generation(keys, config, overrides, given)
    console = make_console(stderr=True)
    for folder in [output / key for key in keys if find_old_rows(output / key)]:
        print_plainly(console, f"{folder}: the rows that are there will be replaced.")
    with storage_errors(output):
        output.mkdir(parents=True, exist_ok=True)
    with console.status("rows"):
        make_datasets(
            settled,
            keys,
            output,
            lambda key: lambda accepted, rejected, wanted: None,
            lambda key, made: typer.echo(
                f"{output / key}: {made.num_examples} rows, {made.num_rejected} refused"
            ),
        )


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
    values.setdefault("arms", [{"name": "none"}])
    written = values.setdefault("techniques", {})
    if isinstance(written, dict):
        for key in keys:
            written.setdefault(key, section)
    config = resolve_experiment(values, overrides or (), source)
    check_names(config, source)
    return config


OPTIONS = {
    "num_examples": "num-examples",
    "teacher": "teacher",
    "constitution": "constitution",
    "data_seed": "seed",
}
"""Key of an experiment file -> the option of `generate` that sets it where there is no file."""


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
