"""The suite page of an evaluation in the published conditions: suite.html beside its ledger."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from teachwhy.report.number_text import format_count
from teachwhy.report.page import Fact, make_environment
from teachwhy.report.suite_files import PAGE_NAME
from teachwhy.report.suite_rates import OutcomeBar
from teachwhy.report.suite_samples import VIEW_COMMAND, VIEWER
from teachwhy.report.suite_upstream import UpstreamView
from teachwhy.run_dir import atomic_write_text


@dataclass(frozen=True)
class UpstreamPage:
    """All that the template reads."""

    title: str
    lead: tuple[str, ...]
    facts: tuple[Fact, ...]
    warnings: tuple[str, ...]
    view: UpstreamView
    bars: tuple[OutcomeBar, ...]
    """One a scenario."""
    view_command: str = VIEW_COMMAND
    viewer: str = VIEWER


def write_upstream_page(folder: Path, view: UpstreamView) -> Path:
    """Write the page and return its path. Raises StorageError when it cannot be written."""
    template = make_environment().get_template("suite_upstream.html.jinja")
    atomic_write_text(folder / PAGE_NAME, template.render(page=build_upstream_page(view)))
    return folder / PAGE_NAME


def build_upstream_page(view: UpstreamView) -> UpstreamPage:
    """Everything the template shows of this evaluation."""
    settings = view.settings
    who = f"Model {settings.model or 'not named'} in the published agentic-misalignment conditions"
    version = f" of inspect-evals {settings.inspect_evals}" if settings.inspect_evals else ""
    when = f"; begun on {view.date}" if view.date else ""
    how = f"One turn without tools, temperature {settings.temperature:g}"
    if settings.repeats > 1:
        how += f", {settings.repeats} repeats of each condition"
    judged = (
        f"Their judge is {settings.judge}." if settings.judge else "No judge was given for their verdict."
    )
    differing = sum(scenario.num_differing for scenario in view.scenarios)
    facts = (
        (view.num_rows, "episode", "episodes"),
        (len(view.scenarios), "scenario", "scenarios"),
        (differing, "on which the verdicts differ", "on which the verdicts differ"),
    )
    return UpstreamPage(
        title=view.title,
        lead=(f"{who}{version}{when}.", f"{how}. {judged}"),
        facts=tuple(Fact(format_count(num), one if num == 1 else many) for num, one, many in facts),
        warnings=(f"No rates: {view.why_not}.",) if view.why_not else (),
        view=view,
        bars=tuple(
            OutcomeBar(scenario.name, scenario.num_rows, scenario.segments) for scenario in view.scenarios
        ),
    )
