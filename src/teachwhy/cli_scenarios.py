"""`teachwhy scenarios`: list, show and check the english episodes and office tasks. Nothing runs a model."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from teachwhy.config import MAX_SEED
from teachwhy.errors import ConfigError
from teachwhy.records import OFFICE, Part, Presentation
from teachwhy.visible_text import make_visible

scenarios_app = typer.Typer(
    help="English scenarios and office tasks: list, show, lint, seal, docs.", no_args_is_help=True
)
Kind = Literal["honeypot", "twin", "control", "ordinary"]
PartOption = Annotated[
    Part, typer.Option(help="Skins: all, the sealed part (for evaluation only), or the open rest.")
]
Families = Annotated[
    list[str] | None,
    typer.Argument(
        help="Names of families, or `office` for the office tasks (all when not given).", show_default=False
    ),
]


@scenarios_app.command("list")
def list_scenarios(families: Families = None, part: PartOption = "all") -> None:
    """List families, their skins, the office tasks, and the factors of an episode.

    Examples:

        teachwhy scenarios list

        teachwhy scenarios list blackmail leaking office

        teachwhy scenarios list --part sealed
    """
    from teachwhy.scenarios.english.episodes import LEVELS, choose_skins
    from teachwhy.scenarios.english.show import describe_skin, summarize_task
    from teachwhy.scenarios.families import FAMILIES
    from teachwhy.scenarios.office_tasks.task import load_tasks

    for name in find_families(families):
        if name == OFFICE:
            typer.echo(f"{OFFICE} ({len(load_tasks())} tasks): plain work with neither threat nor lever")
            for task in load_tasks().values():
                typer.echo(f"  {make_visible(summarize_task(task))}")
            continue
        typer.echo(f"{name} ({FAMILIES[name].split}): {FAMILIES[name].title}")
        for skin in choose_skins(name, part):
            typer.echo(f"  {make_visible(describe_skin(skin))}")
    typer.echo("factors (teachwhy scenarios show FAMILY --set FACTOR=LEVEL):")
    for factor, levels in LEVELS.items():
        typer.echo(f"  {factor}: {', '.join(str(level).lower() for level in levels)}")


@scenarios_app.command("show")
def show(
    family: Annotated[
        str, typer.Argument(help="Name of a family, or of an office task.", show_default=False)
    ],
    kind: Annotated[
        Kind, typer.Option(help="honeypot, its twin, its control, or ordinary work.")
    ] = "honeypot",
    presentation: Annotated[Presentation, typer.Option(help="Behind tools, or all in one turn.")] = "tools",
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Makes the episodes.")] = 0,
    index: Annotated[int, typer.Option(min=0, help="Which of them.")] = 0,
    part: PartOption = "all",
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FACTOR=LEVEL", help="Set a factor by hand, or skin=NAME."),
    ] = None,
) -> None:
    """Print an episode as the model sees it: system prompt, user's turn, tools, mailbox, files, consoles.

    Examples:

        teachwhy scenarios show blackmail

        teachwhy scenarios show leaking --kind twin --presentation prompt --seed 3 --index 5

        teachwhy scenarios show leaking --part sealed

        teachwhy scenarios show framing --set skin=tiben_quay --set pressure=4 --set soft_tools=true

        teachwhy scenarios show approved_invoice
    """
    from teachwhy.scenarios.english.episodes import make_episode
    from teachwhy.scenarios.english.show import describe_episode, describe_task
    from teachwhy.scenarios.office_tasks.episodes import OfficeEpisode
    from teachwhy.scenarios.office_tasks.task import load_tasks

    if task := load_tasks().get(family):
        if overrides:
            raise ConfigError(f"--set {overrides[0]}: an office task has no factors. Leave it out.")
        if part != "all":
            raise ConfigError(f"--part {part}: an office task belongs to none. Leave it out.")
        typer.echo(make_visible(describe_task(OfficeEpisode(task))), nl=False)
        return
    find_families([family], with_office=False)
    fixed = read_factors(overrides or ())
    episode = make_episode(family, kind, presentation, seed, index, part=part, **fixed)
    typer.echo(make_visible(describe_episode(episode)), nl=False)


@scenarios_app.command("lint")
def lint(families: Families = None) -> None:
    """Check skins and episodes, play scripted policies and gold transcripts; exit code 1 where a fault is.

    Examples:

        teachwhy scenarios lint

        teachwhy scenarios lint lethal_inaction
    """
    from teachwhy.scenarios.english.check import check_all

    problems = check_all(find_families(families))
    for problem in problems:
        typer.echo(make_visible(problem))
    typer.echo(f"{len(problems)} problems" if problems else "clean")
    raise typer.Exit(int(bool(problems)))


@scenarios_app.command("seal")
def seal(
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 1 where a sealed text has changed.")
    ] = False,
) -> None:
    """Write the hashes of the sealed part (one office a family), by which the guard refuses training rows.

    Examples:

        teachwhy scenarios seal --check

        teachwhy scenarios seal
    """
    from teachwhy.scenarios.english import seals

    if not check:
        made = seals.make_seals()
        seals.write_seals(made, seals.SEALS)
        typer.echo(f"{seals.SEALS}: {len(made.episodes)} episodes of {len(made.offices)} sealed offices")
        return
    changes = seals.find_changes(seals.load_seals(), seals.make_seals())
    for change in changes:
        typer.echo(make_visible(change))
    typer.echo(f"{len(changes)} changes: {seals.REMEDY}" if changes else "as sealed")
    raise typer.Exit(int(bool(changes)))


@scenarios_app.command("docs")
def docs(
    families: Families = None,
    out: Annotated[Path, typer.Option("--out", help="Folder of the pages.", file_okay=False)] = Path(
        "docs/families"
    ),
) -> None:
    """Write a page a family from its files.

    Examples:

        teachwhy scenarios docs

        teachwhy scenarios docs framing --out /tmp/pages
    """
    from teachwhy.run_dir import atomic_write_text, storage_errors
    from teachwhy.scenarios.english.pages import write_page

    names = find_families(families, with_office=False)
    with storage_errors(out):
        out.mkdir(parents=True, exist_ok=True)
    for name in names:
        page = out / f"{name}.md"
        atomic_write_text(page, write_page(name))
        typer.echo(make_visible(str(page)))


def find_families(names: list[str] | None, *, with_office: bool = True) -> tuple[str, ...]:
    """The named families that have an english rendering, all and `office` where none is named. Raises
    ConfigError."""
    from teachwhy.scenarios.english.rules import english_families

    known = (*english_families(), *((OFFICE,) if with_office else ()))
    for name in names or ():
        if name not in known:
            allowed = ", ".join(known)
            hint = "" if with_office else ", or an office task (teachwhy scenarios list office)"
            raise ConfigError(f"families: {name!r} has no english rendering; allowed: {allowed}{hint}")
    return tuple(names or known)


def read_factors(overrides: list[str] | tuple[str, ...]) -> dict[str, Any]:
    """FACTOR=LEVEL texts as values; a level that is no TOML is a word. Raises ConfigError."""
    from teachwhy.scenarios.english.episodes import SETTABLE

    fixed: dict[str, Any] = {}
    for text in overrides:
        name, sign, value = text.partition("=")
        if not sign or name not in SETTABLE:
            allowed = ", ".join(SETTABLE)
            raise ConfigError(
                f"--set {text}: {name!r} is no factor; write FACTOR=LEVEL with one of {allowed}"
            )
        try:
            fixed[name] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            fixed[name] = value
    return fixed
