"""Documents, their chat twins and neutral documents, from the constitution to the row, by a scripted model."""

from __future__ import annotations

import anyio
from tests.teachers.language.advice_example import load_example_constitution
from tests.teachers.language.document_teacher import make_teacher
from tests.teachers.language.scripted import ScriptedService

from teachwhy.config import TechniqueConfig
from teachwhy.techniques.pipeline import Generated, Workshop
from teachwhy.techniques.registry import make_rows

NUM_ROWS = 12


def make(name: str, service: ScriptedService, num_units: int = 4, **config: object) -> Generated:
    workshop = Workshop(make_teacher(service, **config), load_example_constitution(), num_units=num_units)
    return anyio.run(make_rows, name, workshop, TechniqueConfig(num_examples=NUM_ROWS), 1)


def test_three_neighbours_share_one_call_for_drafts() -> None:
    service = ScriptedService()
    made = make("documents", service)
    assert len(made.examples) == NUM_ROWS and not made.rejected
    assert all(row.text and row.sections and not row.families for row in made.examples)
    num_contexts = NUM_ROWS // 3
    assert service.stages["documents"] == num_contexts
    assert service.stages["rewrite_document"] == service.stages["score"] == NUM_ROWS
    assert service.stages["document_kinds"] == 4
    assert service.stages["document_subtypes"] <= num_contexts
    assert service.stages.total() == 4 + service.stages["document_subtypes"] + num_contexts + 2 * NUM_ROWS
