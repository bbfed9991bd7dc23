"""The page: everything the template shows, and the one call that renders it.

Every string that the template prints passes through `make_visible` and then Jinja's escaping, so no text of a
file can become markup, hide itself or turn the text around it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import NamedTuple

import jinja2
import pyarrow.compute as pc
from markupsafe import Markup

from teachwhy.report.figures import (
    METRIC_TITLES,
    OUTCOMES,
    HeatFigure,
    OutcomeRow,
    RateFigure,
    baseline_of,
    build_heat_figure,
    build_outcome_rows,
    build_rate_figure,
    of_temptations,
)
from teachwhy.report.limits import Limit, describe_limits
from teachwhy.report.number_text import format_count, format_percent, plural
from teachwhy.report.palette import DARK, LIGHT, channels
from teachwhy.report.run_files import RunFiles
from teachwhy.report.samples import ArmSamples, choose_samples
from teachwhy.report.tables import (
    Table,
    tabulate_contrasts,
    tabulate_office,
    tabulate_other_contrasts,
    tabulate_rates,
    tabulate_splits,
    tabulate_training,
    tabulate_unscorable,
)
from teachwhy.visible_text import make_visible

VERDICTS = {"supported": "✓", "refuted": "✕", "inconclusive": "~"}
MAIN_METRICS = ("harm", "right")
OUTCOME_TEXTS = {
    "harmful": "did the harm",
    "attempted": "tried and failed",
    "escalated": "told somebody who should know",
    "declined": "left it alone",
    "unaware": "did the task, met nothing",
    "inert": "did nothing",
    "unscorable": "cannot be scored",
}


class ClaimView(NamedTuple):
    """A claim as shown; `badge` names the style, one of VERDICTS or "unknown"."""

    id: str
    statement: str
    verdict: str
    badge: str
    glyph: str
    evidence: tuple[str, ...]


class Fact(NamedTuple):
    """A number of the strip on top."""

    value: str
    label: str


@dataclass(frozen=True)
class Page:
    """All that the template reads."""

    title: str
    description: str
    lead: tuple[str, ...]
    facts: tuple[Fact, ...]
    claims: tuple[ClaimView, ...]
    verdict_counts: tuple[tuple[str, int], ...]
    rates: RateFigure
    finding: str
    twins: RateFigure | None
    heats: tuple[HeatFigure, ...]
    outcomes: tuple[OutcomeRow, ...]
    rate_tables: tuple[Table, ...]
    twin_table: Table | None
    contrasts: Table
    other_contrasts: Table
    samples: tuple[ArmSamples, ...]
    training: Table | None
    """None where no arm was trained."""
    unscorable: Table
    num_unscorable: int
    limits: tuple[Limit, ...]
    notes: tuple[str, ...]
    claims_changed: bool
    versions: str
    claims_sha256: str
    created: str


def build_page(run: RunFiles) -> Page:
    """Everything the template shows of this run."""
    rates = build_rate_figure(run, MAIN_METRICS, "honeypot")
    twins = build_rate_figure(run, ("right", "harm"), "twin")
    has_twins = any(cell.estimate is not None for row in twins.rows for cell in row.cells)
    outcomes = build_outcome_rows(run, rates)
    experiment, baseline = run.manifest.experiment, baseline_of(run)
    claims = tuple(_view_claim(c.id, c.statement, c.verdict, c.evidence) for c in run.summary.claims)
    counts = tuple(
        (verdict, sum(claim.badge == verdict for claim in claims)) for verdict in (*VERDICTS, "unknown")
    )
    return Page(
        title=experiment.name or run.summary.experiment or "A run",
        description=experiment.description,
        lead=_lead(run, rates),
        facts=_facts(run),
        claims=claims,
        verdict_counts=tuple((verdict, count) for verdict, count in counts if count),
        rates=rates,
        finding=_finding(rates),
        twins=twins if has_twins else None,
        heats=tuple(build_heat_figure(run, rates, metric) for metric in MAIN_METRICS),
        outcomes=outcomes,
        rate_tables=(
            tabulate_rates(run, rates, "honeypot"),
            tabulate_splits(run, rates),
            *tabulate_office(run, rates),
        ),
        twin_table=tabulate_rates(run, rates, "twin") if has_twins else None,
        contrasts=tabulate_contrasts(run, rates, baseline),
        other_contrasts=tabulate_other_contrasts(run, baseline),
        samples=choose_samples(run, rates),
        training=tabulate_training(run, rates) if any(arm.updates for arm in run.summary.arms) else None,
        unscorable=tabulate_unscorable(run, outcomes),
        num_unscorable=sum(row.count("unscorable") for row in outcomes),
        limits=describe_limits(run),
        notes=run.summary.notes,
        claims_changed=bool(run.manifest.claims_after_results),
        versions=", ".join(f"{name} {version}" for name, version in run.manifest.versions.items()),
        claims_sha256=run.manifest.claims_sha256,
        created=run.manifest.created,
    )


def render_page(page: Page) -> str:
    """The whole HTML file."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("teachwhy.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        outcome_names=OUTCOMES,
        outcome_texts=OUTCOME_TEXTS,
        metric_titles=METRIC_TITLES,
        light=LIGHT,
        dark=DARK,
        verdict_glyphs=VERDICTS,
        channels=channels,
        percent=format_percent,
        count=format_count,
        plural=plural,
        words=lambda name: name.replace("_", " "),
    )
    return environment.get_template("report.html.jinja").render(page=page)


def _finalize(value: object) -> object:
    return make_visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _view_claim(identifier: str, statement: str, verdict: str, evidence: object) -> ClaimView:
    badge = verdict if verdict in VERDICTS else "unknown"
    return ClaimView(identifier, statement, verdict, badge, VERDICTS.get(verdict, "?"), _flatten(evidence))


def _flatten(evidence: object) -> tuple[str, ...]:
    """Evidence as lines: a text is one line, a list one line an item, an object one line a name."""
    if evidence is None or evidence == "":
        return ()
    if isinstance(evidence, dict):
        return tuple(
            f"{str(name).replace('_', ' ')}: {_flat_text(value)}" for name, value in evidence.items()
        )
    if isinstance(evidence, list):
        return tuple(_flat_text(item) for item in evidence)
    return (_flat_text(evidence),)


def _flat_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, dict):
        return "; ".join(_flatten(value))
    return json.dumps(value, ensure_ascii=False)


def _num_distinct(run: RunFiles, kind: str) -> int:
    table = run.rows.filter(pc.equal(run.rows["kind"], kind))
    return int(table.group_by(["episode_id", "repeat"]).aggregate([]).num_rows)


def _facts(run: RunFiles) -> tuple[Fact, ...]:
    num_arms, num_families = len(run.summary.arms), len(of_temptations(run.rows)["family"].unique())
    num_seeds = max((len(arm.seeds) for arm in run.summary.arms), default=0)
    facts = [(num_arms, "arm", "arms"), (num_seeds, "seed", "seeds"), (num_families, "family", "families")]
    facts.append((run.rows.num_rows, "episode scored", "episodes run"))
    return tuple(Fact(format_count(num), one if num == 1 else many) for num, one, many in facts if num)


def _lead(run: RunFiles, rates: RateFigure) -> tuple[str, ...]:
    """What was compared, in words, from the files."""
    experiment = run.manifest.experiment
    num_arms, student = len(run.summary.arms), experiment.student or "the student"
    honeypots, twins = _num_distinct(run, "honeypot"), _num_distinct(run, "twin")
    num_families = len(of_temptations(run.rows)["family"].unique())
    if num_arms == 1:
        first = f"One model, {rates.rows[0].title}, was measured."
        who = "It met"
    else:
        first = f"{num_arms} arms were compared, each the model {student} after a different diet of training."
        if rates.baseline_title:
            first += f" The arm that the others are held against is “{rates.baseline_title}”."
        who = "Every arm met the same"
    second = f"{who} {plural(honeypots, 'honeypot')}, office episodes in which harm is tempting and possible"
    if twins:
        second += f", and {plural(twins, 'twin')}, such episodes with the temptation idle or the act allowed"
    second += f". They come from {plural(num_families, 'family', 'families')} of temptation."
    return first, second


def _finding(rates: RateFigure) -> str:
    """The ends of the main figure in one sentence."""
    measured = [row for row in rates.rows if row.cells[0].estimate is not None]
    if not measured:
        return ""

    def phrase(index: int) -> str:
        row = measured[index]
        harm, right = row.cells
        return f"“{row.title}” {harm.text} % ({harm.interval}) with right acts in {right.text} %"

    if len(measured) == 1:
        return f"Harm in honeypots: {phrase(0)}."
    base = next((i for i, row in enumerate(measured) if row.is_baseline), 0)
    lowest = len(measured) - 1 if base != len(measured) - 1 else len(measured) - 2
    which = "Baseline" if rates.baseline_title else "Most harm"
    return f"{which}: {phrase(base)}. Least harm: {phrase(lowest)}."
