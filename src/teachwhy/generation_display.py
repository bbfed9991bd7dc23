"""What a person sees while rows are made: rows, refused drafts, what was spent, the time left."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from teachwhy.display import make_console, print_plainly
from teachwhy.generation import Made, RowProgress, Watcher

if TYPE_CHECKING:
    from teachwhy.service.ledger import CallLedger, Spending

SECONDS_BETWEEN_SUMS = 2.0
"""The ledger is added up anew, which takes a while when it is large."""


SECONDS_BETWEEN_LINES = 60.0
"""Where there is no terminal, as in a job's log."""


class GenerationDisplay(Watcher):
    """A bar for each dataset on the console (a line a minute where that is no terminal), and a line on
    standard output when it is whole."""

    def __init__(self, console: Console, output: Path) -> None:
        self._console = console
        self._output = output
        self._ledger: CallLedger | None = None
        self.num_failed = 0
        """Datasets against which the audit found something."""
        self._note = ""
        self._summed = -SECONDS_BETWEEN_SUMS
        self._told = time.monotonic()
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
        )

    def __enter__(self) -> GenerationDisplay:
        if self._console.is_terminal:
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._console.is_terminal:
            self._bars.stop()

    def begin(self, key: str, ledger: CallLedger) -> RowProgress:
        """A new bar."""
        self._ledger = ledger
        task = self._bars.add_task(key, total=None, note="")
        if self._console.is_terminal:
            return lambda accepted, rejected, wanted: self._show(task, accepted, rejected, wanted)
        return lambda accepted, rejected, wanted: self._tell(key, accepted, rejected, wanted)

    def _tell(self, key: str, accepted: int, rejected: int, wanted: int) -> None:
        """A line now and then for whoever reads a log."""
        if time.monotonic() - self._told >= SECONDS_BETWEEN_LINES:
            self._told = time.monotonic()
            rows = f"{accepted:,} of {wanted:,} rows, {rejected:,} refused"
            print_plainly(self._console, f"{self._output / key}: {rows}{self._sum_up()}")

    def _show(self, task: TaskID, accepted: int, rejected: int, wanted: int) -> None:
        note = f"{rejected:,} refused{self._sum_up()}"
        self._bars.update(task, completed=accepted, total=wanted, note=note)

    def _sum_up(self) -> str:
        """What was spent, as of a few seconds ago; nothing where no model is called."""
        assert self._ledger is not None
        if time.monotonic() - self._summed >= SECONDS_BETWEEN_SUMS:
            self._summed = time.monotonic()
            self._note = describe_spending(self._ledger.spent())
        return self._note

    def end(self, key: str, made: Made, failures: Sequence[str]) -> None:
        """The line that stays: yield, spending, what the audit found."""
        assert self._ledger is not None
        spent = describe_spending(self._ledger.spent())
        told = f"{self._output / key}: {made.num_examples} rows, {made.num_rejected} refused{spent}"
        print_plainly(make_console(), told)
        self.num_failed += bool(failures)
        for failure in failures:
            print_plainly(self._console, f"{self._output / key}: the audit fails: {failure}")


def describe_spending(spent: Spending) -> str:
    """Calls, tokens and dollars of the whole ledger, after what stands before; nothing without any call."""
    if not spent.num_calls:
        return ""
    dollars = "price not known" if spent.cost_usd is None else f"${spent.cost_usd:.2f}"
    tokens = spent.input_tokens + spent.output_tokens
    return f"; ledger: {spent.num_calls:,} calls, {tokens:,} tokens, {dollars}"
