"""An audit as tables on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from teachwhy.checks.audit_record import Audit
from teachwhy.checks.distance import Distances
from teachwhy.visible_text import make_visible

MAX_NAMED = 3
"""Refused rows of a gate that are named."""
MAX_MISSING = 8
MAX_TICS = 8


def print_audit(audit: Audit, console: Console) -> None:
    """Datasets, gates that refuse rows, coverage, and what fails."""
    table = Table(title=f"{audit.num_rows:,} rows")
    for title in ("dataset", "technique"):
        table.add_column(title, overflow="fold")
    for title in ("rows", "words", "declines %", "asks %", "distance"):
        table.add_column(title, justify="right")
    for found in audit.datasets:
        table.add_row(
            *map(_foreign, (found.source, found.technique)),
            f"{found.num_rows:,}",
            f"{found.lengths.mean:.0f}",
            f"{100 * found.refusal_rate:.0f}",
            f"{100 * found.question_rate:.0f}",
            _median(found.distance),
        )
    console.print(table)
    references = audit.references
    console.print(
        f"Distance: the median of the rows' distances to the nearest evaluated text, 0 to 1; of evaluated "
        f"texts to each other {_median(references.evaluated)}, of texts about nothing "
        f"{_median(references.neutral)}.",
        soft_wrap=True,
        highlight=False,
    )
    _print_tics(audit, console)
    if audit.gates:
        refused = Table(title="Rows that a gate refuses")
        refused.add_column("gate")
        refused.add_column("rows", justify="right")
        refused.add_column("the first of them", overflow="fold")
        for gate in audit.gates:
            named = "\n".join(f"{row.id}: {row.reason}" for row in gate.rows[:MAX_NAMED])
            refused.add_row(_foreign(gate.gate), f"{gate.num_rows:,}", _foreign(named))
        console.print(refused)
    _print_coverage(audit, console)
    for failure in audit.failures:
        console.print(_foreign(f"Fails: {failure}"), soft_wrap=True)
    if not audit.failures:
        console.print("Nothing here speaks against the rows.")


def _median(distances: Distances) -> str:
    value = distances.quantiles.get("0.5")
    return "-" if value is None else f"{value:.2f}"


def _print_tics(audit: Audit, console: Console) -> None:
    """What the rows of a dataset repeat, the commonest of each dataset."""
    if not any(found.tics for found in audit.datasets):
        return
    table = Table(title="What repeats")
    table.add_column("technique")
    table.add_column("kind")
    table.add_column("text", overflow="fold")
    table.add_column("rows %", justify="right")
    for found in audit.datasets:
        for tic in found.tics[:MAX_TICS]:
            table.add_row(*map(_foreign, (found.technique, tic.kind, tic.text)), f"{100 * tic.share:.0f}")
        if len(found.tics) > MAX_TICS:
            table.add_row(_foreign(found.technique), "", f"{len(found.tics) - MAX_TICS} more", "")
    console.print(table)


def _print_coverage(audit: Audit, console: Console) -> None:
    coverage = audit.coverage
    num_sections = len(coverage.sections)
    told = f"Sections of the constitution: {num_sections - len(coverage.missing)} of {num_sections}"
    if coverage.missing:
        named = ", ".join(coverage.missing[:MAX_MISSING])
        told += f"; without rows: {named}{', ...' if len(coverage.missing) > MAX_MISSING else ''}"
    console.print(_foreign(f"{told}."), soft_wrap=True)


def _foreign(text: str) -> Text:
    return Text(make_visible(text))
