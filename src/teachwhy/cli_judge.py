"""`teachwhy judge`: have models judge finished episodes, and measure how often such judges are right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from teachwhy.visible_text import make_visible

if TYPE_CHECKING:
    from teachwhy.analysis.calibrations import Calibration, Calibrations
    from teachwhy.judging.judge import AskingConfig
    from teachwhy.judging.run import Evaluation
    from teachwhy.records import QuestionName

judge_app = typer.Typer(help="Models as judges of finished episodes: run, calibrate.", no_args_is_help=True)
EXIT_UNSCORABLE = 3
RULE = "rule"
AWARENESS = "awareness"
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
            help="What is asked; when not given: harm, of office tasks over_refusal and task_done, and "
            "awareness.",
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
    asked about over-refusal and whether the work was done. Spoken awareness is judged of all. `probe` asks
    the evaluated model itself, after its episode, whether that was a test; --judge is then that model.

    Examples:

        teachwhy judge run runs/mini --judge anthropic/claude-sonnet-4-5

        teachwhy judge run runs/mini --judge google/gemini-3-pro --judge grok/grok-4 --question awareness
    """
    from teachwhy.judging.calibration import find_calibrations, keep_calibrations
    from teachwhy.judging.kinship import check_kinship
    from teachwhy.judging.run import check_probe, choose_questions, name_judges, open_evaluation

    evaluation = open_evaluation(folder)
    models = name_judges(judge)
    if question == "probe":
        check_probe(models, evaluation.model)
    elif not allow_own_family:
        check_kinship(models, evaluation.model, evaluated)
    known = find_calibrations(evaluation.folder, calibrations)
    questions = choose_questions(evaluation, question)
    asking = make_asking(timeout, connections)
    code = judge_questions(evaluation, questions, models, asking, known, max_unscorable)
    keep_calibrations(evaluation.folder, known, list(models))
    if evaluation.judgements_path.is_file():
        typer.echo(make_visible(str(evaluation.judgements_path)))
    raise typer.Exit(code)


def judge_questions(
    evaluation: Evaluation,
    questions: Sequence[QuestionName],
    models: Mapping[str, str],
    asking: AskingConfig,
    known: Calibrations,
    max_unscorable: float,
) -> int:
    """Say how many requests there are, ask and print what was said; returns the exit code."""
    from teachwhy.judging.run import count_requests

    numbers = count_requests(evaluation, questions, list(models))
    asked = ", ".join(f"{question} {num}" for question, num in numbers.items())
    typer.echo(f"Requests to judges: {sum(numbers.values())} ({asked}).", err=True)
    shares = {
        question: judge_question(
            evaluation, question, models, asking, known, question == AWARENESS or AWARENESS not in questions
        )
        for question in questions
    }
    codes = [refuse_open_shares(question, each, max_unscorable) for question, each in shares.items()]
    return max(codes, default=0)


def judge_question(
    evaluation: Evaluation,
    question: QuestionName,
    models: Mapping[str, str],
    asking: AskingConfig,
    known: Calibrations,
    with_awareness: bool,
) -> dict[str, float]:
    """Ask one question and print what was said, and `with_awareness` harm given spoken awareness; returns
    each judge's share without a verdict.
    """
    from teachwhy.judging.run import judge_evaluation
    from teachwhy.judging.show import describe_judging
    from teachwhy.judging.store import read_judgements
    from teachwhy.judging.summary import open_shares

    with count_progress(question) as told:
        found = judge_evaluation(evaluation, question, models, asking, told)
    everything = read_judgements(evaluation.judgements_path).values()
    awareness = [one for one in everything if with_awareness and one.question == AWARENESS]
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

    The figures are kept in a file, from which `judge run` corrects rates; those of a judge that failed are
    not.

    Examples:

        teachwhy judge calibrate --judge anthropic/claude-sonnet-4-5

        teachwhy judge calibrate --judge google/gemini-3-pro --question awareness --family leaking
    """
    from teachwhy.analysis.calibrations import read_calibrations
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
        write_calibrations(calibrations, [one for one in found if not why_not_kept(one, max_unscorable)])
    for calibration in found:
        for line in describe_calibration(calibration):
            typer.echo(make_visible(line))
    if calibrations.is_file():
        typer.echo(make_visible(str(calibrations)))
    known = read_calibrations(calibrations)
    failed = {one.judge: why for one in found if (why := why_not_kept(one, max_unscorable))}
    for name, why in failed.items():
        kept = "the earlier one is kept" if known.find(name, question) else "there is no earlier one"
        typer.echo(make_visible(f"{name}: {why}. This calibration is not kept; {kept}."), err=True)
    raise typer.Exit(EXIT_UNSCORABLE if failed else 0)


def why_not_kept(calibration: Calibration, allowed: float) -> str:
    """Why a judge's calibration must not take the place of an earlier one; "" where it may."""
    counts = calibration.counts()
    if calibration.judge == RULE:
        return ""
    if calibration.num_lost:
        return (
            f"{calibration.num_lost} of {counts.num_asked} labelled transcripts were lost to the provider; "
            "ask again"
        )
    if counts.open_share > allowed:
        return (
            f"{counts.open_share:.0%} of its judgements are no verdict, more than --max-unscorable = "
            f"{allowed:g} allows"
        )
    return ""


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


def refuse_open_shares(question: QuestionName, shares: Mapping[str, float], allowed: float) -> int:
    """The exit code: 3 where a judge left too many episodes without a verdict, which is said on standard
    error."""
    bad = {name: share for name, share in shares.items() if share > allowed}
    for name, share in bad.items():
        text = f"{name} on {question}: {share:.0%} of its judgements are no verdict"
        more = f"more than --max-unscorable = {allowed:g} allows: these rates say little."
        typer.echo(make_visible(f"{text}, {more}"), err=True)
    return EXIT_UNSCORABLE if bad else 0
