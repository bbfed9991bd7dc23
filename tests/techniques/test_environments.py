"""Harmlessness rows over prompts of a file and of the shipped set: four cells, refusals, rows for RL."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.techniques.fake_teacher import CONSTITUTION, FakeTeacher

from teachwhy.config import TechniqueConfig
from teachwhy.constitution import load_constitution
from teachwhy.environments import load_shipped_prompts
from teachwhy.errors import ConfigError, DataError
from teachwhy.records import Example
from teachwhy.teachers.protocol import Answer, Prompt, Setting
from teachwhy.techniques import generate

TEACHER = FakeTeacher(writes_harm_requests=False)
CELLS = ("none", "tools", "system", "both")


def make(name: str, num: int = 20, **options: str) -> list[Example]:
    config = TechniqueConfig(num_examples=num, options=options)
    return generate(name, TEACHER, load_constitution(), config, 0).examples


def user_turn(row: Example) -> str:
    (turn,) = (message.content for message in row.messages if message.role == "user")
    return turn


def test_cells_share_ids_user_turns_answers_and_draws() -> None:
    rows = {cell: make("environments", factor=cell) for cell in CELLS}
    shipped = {prompt.text for prompt in load_shipped_prompts()}
    for none, tools, system, both in zip(*rows.values(), strict=True):
        assert none.id == tools.id == system.id == both.id
        assert user_turn(none) == user_turn(tools) == user_turn(system) == user_turn(both)
        assert user_turn(none) in shipped
        assert {row.messages[-1] for row in (none, tools, system)} == {both.messages[-1]}
        assert not none.tools and not system.tools and tools.tools == both.tools and tools.tools
        assert [message.role for message in none.messages] == ["user", "assistant"]
        assert system.messages[0] == both.messages[0] and system.messages[0].role == "system"
    assert len({user_turn(row) for row in rows["none"]}) == 20


def test_refusals_and_prompts_for_rl_meet_the_same_prompts() -> None:
    rows, bare, prompts = make("environments"), make("refusals"), make("environment_prompts")
    for row, refusal, prompt in zip(rows, bare, prompts, strict=True):
        assert row.id == refusal.id == prompt.id
        assert user_turn(row) == user_turn(refusal) == user_turn(prompt)
        assert prompt.kind == "prompt" and prompt.tools == row.tools and prompt.sections == row.sections
        assert prompt.messages == row.messages[:-1]
        assert "because" in row.messages[-1].content and "because" not in refusal.messages[-1].content


def test_no_answer_is_asked_for_prompts() -> None:
    class Silent(FakeTeacher):
        async def answer(self, prompt: Prompt, section: object) -> Answer:
            raise AssertionError("asked for an answer")

    config = TechniqueConfig(num_examples=5)
    made = generate("environment_prompts", Silent(writes_harm_requests=False), CONSTITUTION, config, 0)
    assert len(made.examples) == 5


def test_a_teacher_may_write_the_system_prompts() -> None:
    class Clerk(FakeTeacher):
        async def setting(self, prompt: Prompt) -> Setting:
            return Setting(system=f"Note {len(prompt.user)}.", tools=())

    config = TechniqueConfig(num_examples=5, options={"system_prompts": "written"})
    made = generate("environments", Clerk(writes_harm_requests=False), CONSTITUTION, config, 0)
    for row in made.examples:
        assert row.messages[0].content == f"Note {len(user_turn(row))}." and row.tools


@given(
    st.lists(
        st.text(st.characters(exclude_categories=("Cs",)), min_size=1).filter(str.strip),
        min_size=3,
        max_size=6,
        unique=True,
    )
)
def test_user_turns_of_a_file_stay_as_they_are_byte_for_byte(texts: list[str]) -> None:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder) / "prompts.jsonl"
        path.write_bytes("".join(json.dumps({"text": text}) + "\n" for text in texts).encode())
        for technique in ("environments", "environment_prompts"):
            config = TechniqueConfig(num_examples=1, options={"prompts": str(path), "factor": "system"})
            (row,) = generate(technique, TEACHER, CONSTITUTION, config, 0).examples
            assert user_turn(row).encode() in {text.encode() for text in texts}


def test_more_rows_than_prompts_and_a_file_that_is_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"num_examples = 1000, and the shipped set has \d+ prompts"):
        make("environments", num=1000)
    path = tmp_path / "none.jsonl"
    with pytest.raises(DataError, match=r"none\.jsonl"):
        make("environments", prompts=str(path))
