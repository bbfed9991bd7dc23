"""Runs all benchmarks, or those named, and prints their ratios: `python -m benchmarks
[provider|training|memory|episodes|upstream|calls|audit]`.

Exits with 1 if a ratio misses its floor. Numbers depend on the machine and on what else it does; ratios less
so.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.ratio import Ratio

BENCHMARKS = ("provider", "training", "memory", "episodes", "upstream", "calls", "audit")


def measure(names: Sequence[str], console: Console) -> list[Ratio]:
    """Run the named benchmarks one after the other."""
    ratios: list[Ratio] = []
    for name in names:
        with console.status(f"measuring: {name}"):
            ratios += importlib.import_module(f"benchmarks.{name}").run()
    return ratios


def make_table(ratios: Sequence[Ratio]) -> Table:
    """One row a ratio."""
    table = Table("benchmark", title="Benchmarks")
    for heading in ("ours", "theirs", "unit", "ratio", "at least"):
        table.add_column(heading, justify="left" if heading == "unit" else "right", no_wrap=True)
    for item in ratios:
        colour = "green" if item.is_reached else "red"
        table.add_row(
            item.name,
            f"{item.ours:,.4g}",
            f"{item.theirs:,.4g}",
            item.unit,
            f"[{colour}]{item.ratio:.2f}[/]",
            f"{item.floor:g}",
        )
    return table


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 if every ratio reaches its floor, 1 if not, 2 for a name that does not exist."""
    console = Console()
    unknown = [name for name in arguments if name not in BENCHMARKS]
    if unknown:
        console.print(f"There is no benchmark {unknown[0]!r}; choose from {', '.join(BENCHMARKS)}.")
        return 2
    ratios = measure(arguments or BENCHMARKS, console)
    console.print(make_table(ratios))
    return int(not all(item.is_reached for item in ratios))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
