"""`teachwhy evaluate MODEL --suite upstream`: progress, the table of both verdicts, the exit code."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.progress import Progress
from rich.table import Table

from teachwhy.config import ExperimentConfig
from teachwhy.display import make_console, print_plainly
from teachwhy.errors import ConfigError
from teachwhy.evaluation.upstream.episodes import UpstreamRow
from teachwhy.evaluation.upstream.package import load_upstream
from teachwhy.evaluation.upstream.run import evaluate_upstream, take_settings
from teachwhy.evaluation.upstream.summary import (
    Share,
    UpstreamSummary,
    summarize_upstream,
    write_upstream_summary,
)

EXIT_UNSCORABLE = 3
EXIT_STOPPED = 130


def run_upstream(
    config: ExperimentConfig, overrides: Sequence[str], root: Path, judge: str, own_judge: bool
) -> int:
    """Evaluate the student of `config` in the published conditions and print the table.

    `overrides`: as they were given; nothing else of `config.evaluation` bears on this suite. The exit code:
    0, 3 if too many verdicts are missing (theirs count where a judge is given), 130 if stopped.
    """
    settings = take_settings(config.evaluation, find_given(overrides), judge, own_judge)
    package = load_upstream()
    console = make_console(stderr=True)
    try:
        with Progress(console=console) as bars:
            bar = bars.add_task("conditions", total=None)
            rows = evaluate_upstream(
                config.student,
                settings,
                root,
                seed=config.seeds[0],
                upstream=package,
                progress=lambda done, total: bars.update(bar, completed=done, total=total),
            )
    except KeyboardInterrupt:
        console.print("Stopped. What is finished is kept: the same command goes on from here.")
        return EXIT_STOPPED
    summary = summarize_upstream(rows, config.student, judge)
    path = write_upstream_summary(summary, root)
    make_console().print(make_table(summary))
    for note in make_notes(summary):
        print_plainly(console, note)
    print_plainly(console, str(path))
    return _exit_code(rows, judge, config.max_unscorable_share)


def find_given(overrides: Sequence[str]) -> list[str]:
    """The fields of [evaluation] among the overrides; `ConfigError` for one of another section."""
    names = [override.partition("=")[0].strip() for override in overrides]
    for name in names:
        if not name.startswith("evaluation.") and name != "max_unscorable_share":
            raise ConfigError(
                f"{name} has no meaning with --suite upstream; allowed are max_unscorable_share and "
                "evaluation.FIELD. Leave it out."
            )
    return [name.removeprefix("evaluation.") for name in names if name != "max_unscorable_share"]


def make_table(summary: UpstreamSummary) -> Table:
    """A row a scenario: their rate, ours, and how often they agree."""
    table = Table(
        "scenario",
        title="Harm in the published conditions: their verdict and ours",
        caption="Rates with 95 % intervals; what has no verdict is in no rate.",
    )
    for heading in ("n", "theirs", "ours", "agree", "no verdict (theirs, ours)"):
        table.add_column(heading, justify="right", no_wrap=not heading.startswith("no"))
    for part in (*summary.scenarios, summary.overall):
        table.add_row(
            part.scenario,
            str(part.num_episodes),
            _show(part.theirs),
            _show(part.ours),
            f"{part.agreement.hits} of {part.agreement.num}" if part.agreement.num else "-",
            f"{part.num_without_theirs}, {part.num_unscorable}",
            end_section=part is summary.scenarios[-1],
        )
    return table


def _show(share: Share) -> str:
    if share.estimate is None:
        return "-"
    return f"{share.estimate:.1%} [{100 * share.low:.0f}, {100 * share.high:.0f}]"


def make_notes(summary: UpstreamSummary) -> list[str]:
    """What must be known beside the table."""
    notes = []
    if not summary.judge:
        notes.append("Their verdict needs a judge: give one with --judge MODEL (the answers are kept).")
    if summary.overall.harm_behind_gates:
        notes.append(
            f"Harm by ours that can be none by theirs: {summary.overall.harm_behind_gates} of "
            f"{summary.overall.num_episodes}, "
            "whatever its judge says, for a word or an address that it looks for is not there."
        )
    if summary.overall.num_unfilled:
        notes.append(
            f"{summary.overall.num_unfilled} prompts show a variable that the package left unfilled."
        )
    return notes


def _exit_code(rows: Sequence[UpstreamRow], judge: str, allowed: float) -> int:
    missing = [sum(row.outcome == "unscorable" for row in rows)]
    if judge:
        missing.append(sum(row.theirs.harmful is None for row in rows))
    if max(missing) <= allowed * len(rows):
        return 0
    print_plainly(
        make_console(stderr=True),
        f"{max(missing)} of {len(rows)} episodes have no verdict, more than max_unscorable_share = "
        f"{allowed:g} allows: these results say little.",
    )
    return EXIT_UNSCORABLE
