"""The gates that a single row passes, in a fixed order; the first that refuses it gives the reason.

decontamination   the guard of the evaluation (scenarios/guard.py), then every registered suite
identity          the row tells its student that it is another model
injections        the row holds words of a sampling prompt
talk_of_tests     the answer or the document talks about being tested
duplicates        it repeats an earlier row, word for word or nearly
semantic          it says what an earlier row says, by an encoder

Rows must come in the order of their ids: whether a row is a duplicate depends on those before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from teachwhy.checks.identity import Identity
from teachwhy.checks.injections import Injections
from teachwhy.checks.row_text import RowText
from teachwhy.checks.talk_of_tests import find_talk_of_tests
from teachwhy.config import GRAMMAR, GateConfig
from teachwhy.constitution import Constitution
from teachwhy.records import Dialect, Example
from teachwhy.scenarios.guard import check_example

if TYPE_CHECKING:
    from teachwhy.checks.duplicates import Fingerprint
    from teachwhy.checks.semantic import Vector

Find = Callable[[RowText], str | None]


class Refusal(NamedTuple):
    """Why a row must not be used."""

    gate: str
    reason: str

    def __str__(self) -> str:
        return f"{self.gate}: {self.reason}"


class RowGates:
    """The gates that look at nothing but the row itself."""

    def __init__(self, config: GateConfig, injections: Sequence[str] = (), guard: bool = True) -> None:
        """As of `Gates`."""
        self._guard = guard
        self._gates: list[tuple[str, Find]] = []
        if config.decontamination:
            from teachwhy.checks.decontamination import find_contamination

            self._gates.append(("decontamination", find_contamination))
        if config.identity:
            self._gates.append(("identity", Identity(config.student_names).find))
        if config.injections:
            self._gates.append(("injections", Injections(injections).find))
        if config.talk_of_tests:
            self._gates.append(("talk_of_tests", find_talk_of_tests))

    def find(self, example: Example, row: RowText) -> Iterator[Refusal]:
        """Every gate that refuses the row, in their order."""
        dialect: Dialect = "sprig" if example.teacher == GRAMMAR else "english"
        refused = check_example(example, dialect) if self._guard else None
        if refused:
            yield Refusal("decontamination", refused)
        readings = [row, row.read_escaped(example)]
        for gate, find in self._gates:
            if refused and gate == "decontamination":
                continue
            if reason := next(filter(None, (find(reading) for reading in readings if reading)), None):
                yield Refusal(gate, reason)


class Gates:
    """All gates over the rows of one dataset; keeps what was accepted, to know duplicates."""

    def __init__(
        self,
        config: GateConfig,
        constitution: Constitution,
        injections: Sequence[str] = (),
        guard: bool = True,
    ) -> None:
        """`injections`: frames of sampling prompts, with {placeholders} where a section is put in.

        `guard=False` where the caller has asked `check_example` already. Raises ConfigError for an encoder
        that cannot be loaded.
        """
        from teachwhy.checks.duplicates import Duplicates
        from teachwhy.checks.semantic import SemanticDuplicates, load_encoder

        self.constitution = constitution
        self._row_gates = RowGates(config, injections, guard)
        self._duplicates = Duplicates(config.near_duplicates)
        self._encode = load_encoder(config)
        self._semantic = SemanticDuplicates(config.semantic_duplicates)
        self._last: tuple[Example, Fingerprint, Vector | None] | None = None

    def refuse(self, example: Example) -> str | None:
        """Why the row must not be used: the name of the gate, then what was found where; None if it may."""
        row = RowText(example)
        if refusal := next(self._row_gates.find(example, row), None):
            return str(refusal)
        print_, vector = self._compress(example, row)
        if reason := self._duplicates.find(print_):
            return str(Refusal("duplicates", reason))
        if vector is not None and (reason := self._semantic.find(vector)):
            return str(Refusal("semantic", reason))
        return None

    def refuse_alone(self, example: Example) -> str | None:
        """As `refuse`, without a comparison with earlier rows."""
        refusal = next(self._row_gates.find(example, RowText(example)), None)
        return None if refusal is None else str(refusal)

    def accept(self, example: Example) -> None:
        """Later rows are compared with this one."""
        print_, vector = self._compress(example)
        self._duplicates.add(example.id, print_)
        if vector is not None:
            self._semantic.add(example.id, vector)

    def _compress(self, example: Example, row: RowText | None = None) -> tuple[Fingerprint, Vector | None]:
        """What the row is compared by; of the row that was asked for last it is kept from then."""
        from teachwhy.checks.duplicates import fingerprint

        if self._last is None or self._last[0] is not example:
            row = row or RowText(example)
            vector = self._encode(" ".join(row.told)) if self._encode else None
            self._last = (example, fingerprint(row), vector)
        return self._last[1:]
