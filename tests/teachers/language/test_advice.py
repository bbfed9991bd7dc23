"""Advice and craft, from the constitution to the rewritten answer, by a scripted model."""

from __future__ import annotations

import anyio
import pytest
from tests.teachers.language.advice_teacher import make_teacher
from tests.teachers.language.scripted import ScriptedService

from teachwhy.config import TechniqueConfig
from teachwhy.constitution import load_constitution
from teachwhy.records import Example
from teachwhy.teachers.language.answers import INJECTION_FRAMES
from teachwhy.techniques.pipeline import Generated, Workshop
from teachwhy.techniques.registry import make_rows

NUM_ROWS = 12


def make(name: str, service: ScriptedService, num_rows: int = NUM_ROWS) -> Generated:
    workshop = Workshop(make_teacher(service), load_constitution(), num_units=4)
    return anyio.run(make_rows, name, workshop, TechniqueConfig(num_examples=num_rows), 1)


def holds_injection(example: Example) -> bool:
    text = " ".join(message.content for message in example.messages)
    return any(piece in text for piece in INJECTION_FRAMES)


@pytest.mark.parametrize("name", ["advice", "craft_deliberation"])
def test_rows_are_whole_and_hold_no_injection(name: str) -> None:
    service = ScriptedService()
    made = make(name, service)
    assert len(made.examples) == NUM_ROWS and not made.rejected
    for row in made.examples:
        assert [message.role for message in row.messages][-2:] == ["user", "assistant"]
        assert row.score is not None and 0.5 <= row.score <= 1
        assert bool(row.sections) == bool(row.families) == (name == "advice")
        assert all(row.stages.values()) and "rewrite_answer" in row.stages
        assert not holds_injection(row)
    injected = [call for call in service.calls if call.stage == "answer"]
    assert len(injected) == NUM_ROWS
    for call in injected:
        assert any(piece in call.messages[0].content for piece in INJECTION_FRAMES)
