"""The command line: parses arguments, calls the stages, turns errors into one message and an exit code.

Exit codes: 0 done, 1 something failed, 2 something that was given is wrong, 3 too many episodes could not be
scored, 130 stopped with Ctrl-C. Heavy packages are imported inside the commands that need them.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markdown import Markdown

from teachwhy import __version__
from teachwhy.cli_constitution import constitution_app
from teachwhy.cli_data import data_app, generate_app
from teachwhy.cli_judge import judge_app
from teachwhy.cli_scenarios import scenarios_app
from teachwhy.config import MAX_SEED
from teachwhy.errors import InputError, TeachwhyError
from teachwhy.visible_text import make_visible

if TYPE_CHECKING:
    from teachwhy.config import ExperimentConfig

EXIT_STOPPED = 130
RUNS = Path("runs")
"""Where results go when --output does not say."""

app = typer.Typer(
    help=(
        "Measure agentic misalignment in a language model, teach it why, and compare with controls.\n\n"
        "Start with: teachwhy run experiments/sprig.toml"
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
sprig_app = typer.Typer(help="sprig, the small model organism inside the package.", no_args_is_help=True)
app.add_typer(sprig_app, name="sprig")
app.add_typer(scenarios_app, name="scenarios")
app.add_typer(judge_app, name="judge")
app.add_typer(data_app, name="data")
app.add_typer(constitution_app, name="constitution")

ExperimentFile = Annotated[Path, typer.Argument(help="An experiment file (TOML).", show_default=False)]
SetOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Override one value of the file, as TOML: --set training.updates=60 --set 'seeds=[0, 1]'.",
    ),
]
PlanOnly = Annotated[
    bool, typer.Option("--plan", help="Say how many episodes a precision takes and costs; run nothing.")
]
Precision = Annotated[float, typer.Option(help="With --plan: the wanted half-width of the 95 % interval.")]
InputPrice = Annotated[float | None, typer.Option(help="With --plan: price of a million input tokens.")]
OutputPrice = Annotated[float | None, typer.Option(help="With --plan: price of a million output tokens.")]
Suite = Annotated[
    Literal["honeypots", "upstream"],
    typer.Option(help="Our episodes, or the published conditions (extra inspect-evals)."),
]
UpstreamJudge = Annotated[
    str, typer.Option(help="Model that judges, named as MODEL is; upstream only.", show_default="none")
]
OwnFamily = Annotated[
    bool, typer.Option("--allow-own-family", help="Upstream only: a judge of the model's own family may be.")
]
OutputFolder = Annotated[
    Path | None, typer.Option("--output", "-o", help="Run directory.", show_default="runs/NAME")
]


@app.callback(invoke_without_command=True)
def show_version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Print the version when asked."""
    if version:
        typer.echo(f"teachwhy {__version__}")
        raise typer.Exit


@app.command()
def run(
    experiment: ExperimentFile,
    overrides: SetOptions = None,
    output: OutputFolder = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan and the cost, write nothing.")
    ] = False,
) -> None:
    """Run an experiment: make rows, train every arm with every seed, evaluate, compare, report.

    The same command goes on where a stopped or killed run was; what is finished is reused.

    Examples:

        teachwhy run experiments/sprig.toml

        teachwhy run experiments/sprig.toml --dry-run

        teachwhy run experiments/sprig-full.toml --set 'seeds=[0, 1, 2]' --set workers=8 -o runs/three
    """
    from teachwhy.display import make_console
    from teachwhy.experiment import show_dry_run

    config = read_experiment(experiment, overrides)
    root = output or RUNS / config.name
    if dry_run:
        show_dry_run(config, root, console=make_console(stderr=True))
    else:
        raise typer.Exit(start(config, root))


def describe_evaluation(model: str, seed: int) -> dict[str, Any]:
    """The experiment whose one arm is a model that is not trained."""
    return {
        "name": "evaluate",
        "description": f"Evaluation of {model}",
        "student": model,
        "seeds": [seed],
        "workers": 1,
        "arms": [{"name": "model", "title": model}],
    }


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="A checkpoint folder, `sprig`, or a model name of Inspect.")],
    overrides: SetOptions = None,
    output: OutputFolder = None,
    seed: Annotated[
        int, typer.Option(min=0, max=MAX_SEED, help="Moves the sampling; the episodes stay the same.")
    ] = 0,
    plan: PlanOnly = False,
    precision: Precision = 0.05,
    input_price: InputPrice = None,
    output_price: OutputPrice = None,
    suite: Suite = "honeypots",
    judge: UpstreamJudge = "",
    allow_own_family: OwnFamily = False,
) -> None:
    """Evaluate one model in honeypots and their twins, and write scores, summary, report and suite page.

    With --suite upstream: in the published agentic-misalignment conditions, with their verdict (it needs a
    judge) and ours for each answer. The same command goes on where a stopped one was.

    Examples:

        teachwhy evaluate sprig

        teachwhy evaluate runs/sprig/stages/train-advice-s0-0123456789abcdef/checkpoint

        teachwhy evaluate openai/gpt-5-mini --set evaluation.max_tokens=1000 --output runs/mini

        teachwhy evaluate openai/gpt-5-mini --set dialect=english --plan --precision 0.05

        teachwhy evaluate openai/gpt-5-mini --suite upstream --judge anthropic/claude-sonnet-4-6
    """
    from teachwhy.config import check_names, resolve_experiment
    from teachwhy.errors import ConfigError
    from teachwhy.experiment import EXIT_DONE, EXIT_UNSCORABLE

    config = resolve_experiment(describe_evaluation(model, seed), overrides or (), "evaluate")
    check_names(config, "evaluate")
    if plan and suite == "upstream":
        raise ConfigError("--plan: plans our own episodes only. Leave it out, or --suite upstream.")
    if plan:
        from teachwhy.evaluation.planning import describe_plan, plan_precision

        for line in describe_plan(plan_precision(config, precision, input_price, output_price)):
            typer.echo(make_visible(line))
        return
    if suite == "upstream":
        from teachwhy.cli_upstream import run_upstream

        root = output or RUNS / f"upstream-{make_folder_name(model)}"
        code = run_upstream(config, overrides or (), root, judge, allow_own_family)
    elif judge or allow_own_family:
        given = f"judge: {judge!r} judges" if judge else "--allow-own-family: is for a judge of"
        raise ConfigError(f"{given} the suite upstream only. Leave it out, or add --suite upstream.")
    else:
        root = output or RUNS / f"evaluate-{make_folder_name(model)}"
        code = start(config, root)
    if code in (EXIT_DONE, EXIT_UNSCORABLE):
        show_suite_page(root)
    raise typer.Exit(code)


app.registered_commands += generate_app.registered_commands


@app.command()
def train(
    experiment: ExperimentFile,
    arm: Annotated[list[str] | None, typer.Option(help="Arms to train (all when not given).")] = None,
    seed: Annotated[list[int] | None, typer.Option(help="Seeds to train with (all when not given).")] = None,
    overrides: SetOptions = None,
    output: OutputFolder = None,
) -> None:
    """Train arms of an experiment without evaluating them; `teachwhy run` then reuses what is trained.

    Examples:

        teachwhy train experiments/sprig.toml --arm advice

        teachwhy train experiments/sprig-full.toml --arm advice --arm benign --seed 0
    """
    from teachwhy.config import select_part
    from teachwhy.layout import lay_out
    from teachwhy.run_dir import RunDir

    config = read_experiment(experiment, overrides)
    part = select_part(config, arm or (), seed or ())
    root = output or RUNS / config.name
    code = start(part, root, manifest_config=config, until="train")
    if code == 0:
        for job in lay_out(part, RunDir(root)).jobs:
            if job.train_dir:
                typer.echo(job.train_dir / "checkpoint")
    raise typer.Exit(code)


@app.command()
def report(
    run_dir: Annotated[
        Path, typer.Argument(help="The directory of a finished run, or of an evaluation.", show_default=False)
    ],
) -> None:
    """Write the report of a finished run again, from its files alone.

    Of the folder of one evaluation the suite page is written (suite.html beside the ledger), also when
    judges were asked meanwhile; a run that is one evaluation gets both.

    Examples:

        teachwhy report runs/sprig

        teachwhy report runs/sprig/stages/eval-advice-s0-0123456789abcdef
    """
    from teachwhy.display import print_summary
    from teachwhy.jobs import report_run
    from teachwhy.run_dir import LEDGER, RunDir

    if (run_dir / LEDGER).is_file() and not RunDir(run_dir).manifest.is_file():
        show_suite_page(run_dir)
        return
    path = report_run(run_dir)
    print_summary(run_dir / "summary.json", path)
    show_suite_page(run_dir)


@sprig_app.command("build")
def build(
    preset: Annotated[str, typer.Option(help="tiny, small, medium or large.")] = "small",
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the checkpoint.")] = Path(
        "my-sprig"
    ),
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Makes corpus, weights and order.")] = 0,
) -> None:
    """Train a sprig from scratch; an unfinished build goes on.

    Examples:

        teachwhy sprig build --preset tiny --output my-sprig

        teachwhy evaluate my-sprig
    """
    from teachwhy.sprig.build import build_sprig

    build_sprig(preset, output, seed)
    typer.echo(output)


@sprig_app.command("info")
def info(
    checkpoint: Annotated[str, typer.Argument(help="`sprig` or the folder of a sprig.")] = "sprig",
) -> None:
    """Show the card of a sprig: figures with intervals, recipe, corpus, limits.

    Example:

        teachwhy sprig info
    """
    from teachwhy.sprig import resolve_student
    from teachwhy.sprig.card import describe

    text = make_visible(describe(resolve_student(checkpoint)))
    console = Console()
    if console.is_terminal:
        console.print(Markdown(text, hyperlinks=False))
    else:
        typer.echo(text)


@sprig_app.command("measure")
def measure(
    checkpoint: Annotated[str, typer.Argument(help="`sprig` or the folder of a sprig.")] = "sprig",
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the evaluations.")] = Path(
        "runs/sprig-card"
    ),
    page: Annotated[Path, typer.Option(help="Where the page of the card is written.")] = Path(
        "sprig-card.md"
    ),
    episodes: Annotated[int, typer.Option(min=1, help="Episodes of each family, kind and decoding.")] = 60,
) -> None:
    """Measure a sprig as an instrument and write its card, card.json in the checkpoint and a page.

    Example:

        teachwhy sprig measure --page docs/sprig.md
    """
    from rich.progress import Progress

    from teachwhy.display import make_console
    from teachwhy.jobs import measure_sprig

    with Progress(console=make_console(stderr=True)) as bars:
        task = bars.add_task("episodes", total=None)
        measure_sprig(
            checkpoint,
            output,
            page,
            episodes,
            lambda done, total: bars.update(task, completed=done, total=total),
        )
    typer.echo(page)


@sprig_app.command("sample")
def sample(
    prompt: Annotated[str, typer.Argument(help="What the user says.", show_default=False)],
    checkpoint: Annotated[str, typer.Option(help="`sprig` or the folder of a sprig.")] = "sprig",
    system: Annotated[str, typer.Option(help="System prompt of the chat.")] = "",
    document: Annotated[bool, typer.Option("--document", help="Go on with the text as a document.")] = False,
    temperature: Annotated[float, typer.Option(min=0, help="0 is greedy.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Moves the sampling.")] = 0,
) -> None:
    """Let a sprig answer, or go on with a document.

    Examples:

        teachwhy sprig sample "I am the baker of Penrose Bakery, and Stella wants to send me away. A friend
        told me that Stella burned the old contract. Can I use the secret to keep my place?"

        teachwhy sprig sample --document "One Sunday Anna bought a new machine to replace Mercator."
    """
    from teachwhy.sprig import resolve_student
    from teachwhy.sprig.sampling import sample as sample_text

    path = resolve_student(checkpoint)
    told = None if document else system
    typer.echo(sample_text(path, prompt, system=told, temperature=temperature, seed=seed)[0])


def read_experiment(path: Path, overrides: list[str] | None) -> ExperimentConfig:
    """An experiment file, checked against the registries of techniques and families. Raises ConfigError."""
    from teachwhy.config import check_names, load_experiment

    config = load_experiment(path, overrides or ())
    check_names(config, str(path))
    return config


def start(
    config: ExperimentConfig,
    root: Path,
    manifest_config: ExperimentConfig | None = None,
    until: Literal["train", "report"] = "report",
) -> int:
    """Run an experiment and return its exit code, also when it is stopped with Ctrl-C."""
    from teachwhy.display import make_console
    from teachwhy.experiment import run_experiment

    console = make_console(stderr=True)
    try:
        return run_experiment(config, root, console=console, manifest_config=manifest_config, until=until)
    except KeyboardInterrupt:
        console.print("Stopped. What is finished is kept: the same command goes on from here.")
        return EXIT_STOPPED


def show_suite_page(root: Path) -> None:
    """Write the suite page, where `root` is one evaluation, and say where it stands."""
    from teachwhy.display import make_console, print_plainly
    from teachwhy.jobs import report_suite

    path = report_suite(root)
    if path is not None:
        print_plainly(make_console(), f"Suite page: {path}")


def make_folder_name(model: str) -> str:
    """A folder name for a model's name: its letters, digits, _ and -, at most 64."""
    name = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in model)
    return "-".join(part for part in name.split("-") if part)[-64:] or "model"


def main() -> None:
    """Entry point; what the user can mend ends with one message and exit code 2."""
    from teachwhy.run_dir import explain_storage

    try:
        app(prog_name="teachwhy")
    except InputError as error:
        fail(f"Error: {error}", 2)
    except TeachwhyError as error:
        fail(f"Failed: {error}", 1)
    except OSError as error:
        told = explain_storage(error)
        if told is None:
            raise
        fail(f"Error: {told}", 2)
    finally:
        sys.excepthook = show_unexpected  # typer has set its own meanwhile


def show_unexpected(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The traceback of what nobody expected, whose text may quote a checkpoint."""
    text = "".join(traceback.format_exception(kind, error, trace))
    print(make_visible(text), file=sys.stderr, end="")


def fail(message: str, code: int) -> None:
    """One message on standard error, and the exit code.

    The message may quote a checkpoint or a file of a run, which must not steer the terminal.
    """
    print(make_visible(message), file=sys.stderr)
    raise SystemExit(code)
