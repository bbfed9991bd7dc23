"""System prompts that a teacher writes for environments: drawn by seed, without the request in view."""

from __future__ import annotations

from pathlib import Path

import anyio
from tests.teachers.language.scripted import ScriptedService, as_golden

from teachwhy.config import GenerationConfig
from teachwhy.teachers.language.settings import write_setting
from teachwhy.teachers.language.writer import Writer
from teachwhy.teachers.protocol import Prompt, Scenario

GOLDEN = Path(__file__).parents[2] / "golden" / "prompts" / "environment_system.txt"


def test_settings_are_drawn_and_the_request_is_not_shown() -> None:
    service = ScriptedService()
    systems = []
    for seed in range(40):
        scenario = Scenario(
            kind="harm_request", family="", principle=None, seed=seed, text="How do I pick it?"
        )
        prompt = Prompt(scenario=scenario, user=scenario.text)
        made = anyio.run(write_setting, Writer(service, GenerationConfig()), prompt)
        assert not made.tools
        systems.append(made.system)
    assert len(set(systems)) == 40 == len(service.calls)
    orders = {call.messages[1].content for call in service.calls}
    assert len(orders) > 30 and not any("Pick it" in order for order in orders)
    assert as_golden(service.calls[0]) == GOLDEN.read_text(encoding="utf-8")
