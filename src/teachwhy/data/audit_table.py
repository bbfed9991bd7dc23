"""An audit as tables on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from teachwhy.checks.audit_record import Audit
from teachwhy.visible_text import make_visible

MAX_NAMED = 3
"""Refused rows of a gate that are named."""
MAX_MISSING = 8


def print_audit(audit: Audit, console: Console) -> None:
    """Datasets, gates that refuse rows, coverage, and what fails."""
    table = Table(title=f"{audit.num_rows:,} rows")
    for title in ("dataset", "technique"):
        table.add_column(title, overflow="fold")
    for title in ("rows", "words: mean", "median", "most"):
        table.add_column(title, justify="right")
    for found in audit.datasets:
        quantiles = found.lengths.quantiles
        table.add_row(
            *map(_foreign, (found.source, found.technique)),
            f"{found.num_rows:,}",
            f"{found.lengths.mean:.0f}",
            *(str(quantiles.get(share, "-")) for share in ("0.5", "1")),
        )
    console.print(table)
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
