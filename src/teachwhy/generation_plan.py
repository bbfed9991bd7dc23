"""What making the rows will take before it begins: a table of calls, tokens and dollars, and one line.

Reads the ledger of earlier calls in the output folder, where there is one, and writes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from teachwhy.config import GRAMMAR, ExperimentConfig
from teachwhy.service.calls import Role
from teachwhy.service.dry_run import StageEstimate, add_up, estimate
from teachwhy.visible_text import make_visible


def estimate_generation(config: ExperimentConfig, keys: Sequence[str], ledger: Path) -> list[StageEstimate]:
    """Calls, tokens and dollars by stage; nothing for the grammar.

    Figures are of making everything anew: what the ledger has is not paid again.
    """
    if config.teacher == GRAMMAR:
        return []
    from teachwhy.service.ledger import CallLedger
    from teachwhy.teachers.language.call_sizes import Order, plan_calls
    from teachwhy.techniques import TECHNIQUES

    orders = []
    for key in keys:
        section = config.techniques[key]
        name = section.technique_name(key)
        lineage = TECHNIQUES[name].lineage.name
        reference = next(other for other, t in TECHNIQUES.items() if t.lineage.name == lineage)
        orders.append(Order(name, lineage, reference, section.num_examples))
    generation = config.generation
    models: dict[Role, str] = {
        "teacher": config.teacher,
        "judge": generation.judge,
        "base": generation.base or config.teacher,
    }
    plans = plan_calls(orders)
    if not ledger.is_file():
        return estimate(plans, None, models, generation.prices, batch=generation.batch)
    with CallLedger(ledger, pays=False) as pilot:
        return estimate(plans, pilot, models, generation.prices, batch=generation.batch)


def print_estimate(console: Console, rows: Sequence[StageEstimate], ledger: Path) -> None:
    """The table of a dry run."""
    if not rows:
        console.print("The teacher is the grammar of sprig: no calls, no cost.", highlight=False)
        return
    table = Table(title="What it will take")
    for name in ("stage", "role", "model"):
        table.add_column(name, overflow="fold")
    for name in ("calls", "tokens in", "tokens out", "dollars"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("figures", overflow="fold")
    for row in rows:
        amounts = (row.num_calls, row.input_tokens, row.output_tokens)
        table.add_row(
            *(Text(make_visible(text)) for text in (row.stage, row.role, row.model)),
            *(f"{amount:,}" for amount in amounts),
            _format_dollars(row.dollars),
            Text(make_visible(row.basis)),
        )
    calls, tokens_in, tokens_out, dollars = add_up(rows)
    total = (f"{amount:,}" for amount in (calls, tokens_in, tokens_out))
    table.add_section()
    table.add_row("all", "", "", *total, _format_dollars(dollars), "")
    console.print(table)
    paid = f" What {ledger.name} has already is not paid again." if ledger.is_file() else ""
    console.print(
        "Guessed figures are for one draft in ten that is refused, and for answers as long as the prompts "
        f"ask for, without hidden thoughts; thirty rows made first would measure them.{paid}",
        highlight=False,
        soft_wrap=True,
    )


def describe_estimate(rows: Sequence[StageEstimate]) -> str:
    """One line; empty for the grammar."""
    if not rows:
        return ""
    calls, tokens_in, tokens_out, dollars = add_up(rows)
    cost = "a price that is not known" if dollars is None else f"about ${dollars:,.2f}"
    return f"About {calls:,} calls, {tokens_in:,} tokens in and {tokens_out:,} out, {cost}."


def _format_dollars(dollars: float | None) -> str:
    return "unknown" if dollars is None else f"{dollars:,.2f}"
