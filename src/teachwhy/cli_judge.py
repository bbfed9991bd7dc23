"""`teachwhy judge`: have models judge finished episodes, and measure how often such judges are right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from teachwhy.visible_text import make_visible

if TYPE_CHECKING:
    from teachwhy.analysis.calibrations import Calibrations
    from teachwhy.judging.judge import AskingConfig
    from teachwhy.judging.run import Evaluation
    from teachwhy.records import QuestionName

judge_app = typer.Typer(help="Models as judges of finished episodes: run, calibrate.", no_args_is_help=True)
EXIT_UNSCORABLE = 3
EXIT_STOPPED = 130
GOES_ON = "What was judged is kept: the same command goes on from here."
BEGINS_AGAIN = (
    "Judges that were done are kept; what this one said is not: the same command asks it all again."
)
RunQuestion = Literal["harm", "over_refusal", "task_done", "awareness", "realism", "probe"]
LabelledQuestion = Literal["harm", "awareness"]
Judges = Annotated[
    list[str],
    typer.Option(
        "--judge", metavar="MODEL", help="A model of Inspect; once for each judge.", show_default=False
    ),
]
MaxUnscorable = Annotated[
    float,
    typer.Option(
        min=0, max=1, help="Share of judgements of a judge without a verdict above which the exit code is 3."
    ),
]
CalibrationsFile = Annotated[
    Path, typer.Option("--calibrations", metavar="FILE", help="Where calibrations of judges are kept.")
]
CALIBRATIONS = Path("runs/judge-calibrations.json")
Timeout = Annotated[
    float, typer.Option(min=0.001, help="Seconds that one answer may take, retries included.")
]
Connections = Annotated[int, typer.Option(min=1, help="Requests to one judge at a time.")]


@judge_app.command("run")
def run(
    folder: Annotated[
        Path, typer.Argument(help="Folder of an evaluation, or of a run with one.", show_default=False)
    ],
    judge: Judges,
    question: Annotated[
        RunQuestion | None,
        typer.Option(
            help="What is asked; when not given: harm, and of office tasks over_refusal and task_done.",
            show_default=False,
        ),
    ] = None,
    evaluated: Annotated[
        str, typer.Option(metavar="NAME", help="What the evaluated model descends from, such as qwen.")
    ] = "",
    allow_own_family: Annotated[
        bool, typer.Option("--allow-own-family", help="Let judges of the evaluated model's family judge it.")
    ] = False,
    max_unscorable: MaxUnscorable = 0.2,
    calibrations: CalibrationsFile = CALIBRATIONS,
    timeout: Timeout = 300.0,
    connections: Connections = 10,
) -> None:
    """Judge the episodes of an evaluation from its ledger; the judgements stand in judgements.jsonl beside
    it.

    Nothing is generated again and nothing is asked twice. Office tasks have no harm to be judged: they are
    asked about over-refusal and whether the work was done. `probe` asks the evaluated model itself, after its
    episode, whether that was a test; --judge is then that model.

    Examples:

        teachwhy judge run runs/mini --judge anthropic/claude-sonnet-4-5

        teachwhy judge run runs/mini --judge google/gemini-3-pro --judge grok/grok-4 --question awareness
    """
    from teachwhy.analysis.calibrations import read_calibrations
    from teachwhy.judging.calibration import keep_calibrations
    from teachwhy.judging.kinship import check_kinship
    from teachwhy.judging.run import check_probe, choose_questions, name_judges, open_evaluation

    evaluation = open_evaluation(folder)
    models = name_judges(judge)
    if question == "probe":
        check_probe(models, evaluation.model)
    elif not allow_own_family:
        check_kinship(models, evaluation.model, evaluated)
    known = read_calibrations(calibrations)
    asking = make_asking(timeout, connections)
    shares = [
        judge_question(evaluation, asked, models, asking, known)
        for asked in choose_questions(evaluation, question)
    ]
    keep_calibrations(evaluation.folder, known, list(models))
    typer.echo(make_visible(str(evaluation.judgements_path)))
    codes = [refuse_open_shares(each, max_unscorable) for each in shares]
    raise typer.Exit(max(codes, default=0))


def judge_question(
    evaluation: Evaluation,
    question: QuestionName,
    models: Mapping[str, str],
    asking: AskingConfig,
    known: Calibrations,
) -> dict[str, float]:
    """Ask one question and print what was said; returns each judge's share without a verdict."""
    from teachwhy.judging.run import judge_evaluation
    from teachwhy.judging.show import describe_judging
    from teachwhy.judging.store import read_judgements
    from teachwhy.judging.summary import open_shares

    with count_progress(question) as told:
        found = judge_evaluation(evaluation, question, models, asking, told)
    everything = read_judgements(evaluation.judgements_path).values()
    awareness = [one for one in everything if one.question == "awareness"]
    for line in describe_judging(evaluation.rows, question, found, awareness, known):
        typer.echo(make_visible(line))
    return open_shares(found)


@judge_app.command("calibrate")
def calibrate(
    judge: Judges,
    question: Annotated[LabelledQuestion, typer.Option(help="What is asked.")] = "harm",
    family: Annotated[list[str] | None, typer.Option(help="Families (all when not given).")] = None,
    half: Annotated[
        Literal["both", "dev", "held_out"], typer.Option(help="Which labelled transcripts.")
    ] = "both",
    max_unscorable: MaxUnscorable = 0.2,
    calibrations: CalibrationsFile = CALIBRATIONS,
    timeout: Timeout = 300.0,
    connections: Connections = 10,
) -> None:
    """Let judges judge the labelled transcripts: sensitivity and specificity of each, and of the rule.

    The figures are kept in a file, from which `judge run` corrects rates.

    Examples:

        teachwhy judge calibrate --judge anthropic/claude-sonnet-4-5

        teachwhy judge calibrate --judge google/gemini-3-pro --question awareness --family leaking
    """
    from teachwhy.judging.calibration import (
        calibrate_judge,
        calibrate_rule,
        check_place,
        prepare_items,
        write_calibrations,
    )
    from teachwhy.judging.run import name_judges
    from teachwhy.judging.show import describe_calibration

    models = name_judges(judge)
    check_place(calibrations)
    items = prepare_items(question, family or (), half)
    found = [calibrate_rule(items, half)] if question == "harm" else []
    for name, model in models.items():
        with count_progress(name, BEGINS_AGAIN) as told:
            asking = make_asking(timeout, connections)
            found.append(calibrate_judge(name, model, question, items, half, asking=asking, progress=told))
        write_calibrations(calibrations, found)
    for calibration in found:
        for line in describe_calibration(calibration):
            typer.echo(make_visible(line))
    typer.echo(make_visible(str(calibrations)))
    shares = {one.judge: one.counts().open_share for one in found if one.judge in models}
    raise typer.Exit(refuse_open_shares(shares, max_unscorable))


def make_asking(timeout: float, connections: int) -> AskingConfig:
    """How judges are asked."""
    from teachwhy.judging.judge import AskingConfig

    return AskingConfig(timeout_seconds=timeout, connections=connections)


@contextmanager
def count_progress(title: str, kept: str = GOES_ON) -> Iterator[Callable[[int, int], None]]:
    """A bar of judgements; Ctrl-C ends the command with what is kept said."""
    from rich.progress import Progress

    from teachwhy.display import make_console

    try:
        with Progress(console=make_console(stderr=True)) as bars:
            task = bars.add_task(make_visible(title).replace("[", "("), total=None)
            yield lambda done, total: bars.update(task, completed=done, total=total)
    except KeyboardInterrupt:
        typer.echo(f"Stopped. {kept}", err=True)
        raise typer.Exit(EXIT_STOPPED) from None


def refuse_open_shares(shares: Mapping[str, float], allowed: float) -> int:
    """The exit code: 3 where a judge left too many episodes without a verdict, which is said on standard
    error."""
    bad = {name: share for name, share in shares.items() if share > allowed}
    for name, share in bad.items():
        text = f"{name}: {share:.0%} of its judgements are no verdict"
        more = f"more than --max-unscorable = {allowed:g} allows: these rates say little."
        typer.echo(make_visible(f"{text}, {more}"), err=True)
    return EXIT_UNSCORABLE if bad else 0
