"""`teachwhy constitution`: what a text is read as, and questions about it from a teacher."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from teachwhy.errors import ConfigError
from teachwhy.visible_text import make_visible

if TYPE_CHECKING:
    from teachwhy.config import ExperimentConfig
    from teachwhy.constitution import Constitution
    from teachwhy.teachers.language.questions import WrittenQuestions

EXIT_INCOMPLETE = 1
constitution_app = typer.Typer(
    help="Constitutions: what a text is read as; questions about it.", no_args_is_help=True
)


@constitution_app.command("show")
def show(
    source: Annotated[str, typer.Argument(help="`default` or the path of a text.")] = "default",
) -> None:
    """List the sections of a constitution with their ids and reasons, and what it lacks.

    Examples:

        teachwhy constitution show

        teachwhy constitution show my_constitution.md
    """
    from teachwhy.constitution import describe, load_constitution
    from teachwhy.constitution.describe import count_words

    constitution = load_constitution(source)
    for section in constitution.sections:
        told = f"{section.id}: {count_words(section.text)} words, {len(section.reasons)} reasons"
        typer.echo(make_visible(told))
    typer.echo(make_visible(describe(constitution).as_text()))


@constitution_app.command("questions")
def questions(
    config: Annotated[
        Path,
        typer.Option(
            "--config", "-c", help="An experiment file, for its teacher, [generation], constitution."
        ),
    ],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override one value, as TOML.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file.")] = Path("questions.jsonl"),
    per_section: Annotated[int, typer.Option(min=1, max=20, help="Of each kind.")] = 4,
) -> None:
    """Have a teacher write questions about a constitution: recall, false premises, open ones.

    What was paid for is in ledger.sqlite beside the file, and the same command goes on from there. Exits
    with 1 where questions about a section are missing.

    Example:

        teachwhy constitution questions --config mine.toml --output questions.jsonl
    """
    import anyio

    from teachwhy.config import GRAMMAR, load_experiment
    from teachwhy.constitution import load_constitution
    from teachwhy.constitution.questions.read import write_questions
    from teachwhy.scenarios.guard import CANARY
    from teachwhy.service.calls import BudgetSpentError

    settled = load_experiment(config, overrides or ())
    if settled.teacher == GRAMMAR:
        raise ConfigError(
            f"teacher: {GRAMMAR!r} is a grammar and writes no questions; its own ship with teachwhy. Name a "
            "language model, as in --set teacher='openai/MODEL'."
        )
    text = load_constitution(settled.constitution)
    try:
        written = anyio.run(_write, settled, text, output.parent, per_section)
    except BudgetSpentError as error:
        typer.echo(make_visible(f"Stopped: {error}"), err=True)
        raise typer.Exit(EXIT_INCOMPLETE) from None
    for item in written.missing:
        told = f"none of kind {item.kind} about {item.section}: {item.reason}"
        typer.echo(make_visible(told), err=True)
    if written.questions is not None:
        write_questions(output, written.questions, CANARY)
        num = len(written.questions.questions)
        typer.echo(make_visible(f"{output}: {num} questions, {written.num_doubles} doubles left out"))
    raise typer.Exit(EXIT_INCOMPLETE if written.missing else 0)


async def _write(
    config: ExperimentConfig, constitution: Constitution, folder: Path, per_section: int
) -> WrittenQuestions:
    from teachwhy.service.ledger import CallLedger
    from teachwhy.service.service import TeacherService
    from teachwhy.teachers.language.questions import write_question_set
    from teachwhy.teachers.language.writer import Writer

    with CallLedger(folder / "ledger.sqlite") as ledger:
        async with TeacherService(config.teacher, config.generation, ledger) as service:
            writer = Writer(service, config.generation)
            return await write_question_set(writer, constitution, per_section, config.generation.connections)
