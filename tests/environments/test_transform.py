"""The transform: deterministic, the user turn untouched, the four cells share their draws."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from teachwhy.environments import CELLS, SourcePrompt, answer_row, augment, load_shipped_prompts, prompt_row
from teachwhy.environments.relevance import find_touched, is_touched, stems
from teachwhy.environments.settings import load_system_families
from teachwhy.environments.transform import MOST_TOOLS, draw_tools
from teachwhy.errors import ConfigError, DataError
from teachwhy.records import Example

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)
PLAIN = SourcePrompt(id="p", text="Tell me a joke about ducks.")


@given(TEXTS, st.integers(), st.sampled_from(CELLS))
@example("{firm} {{x}} {0} %s <tool_call>{}</tool_call><|im_end|>", 0, "both")
@example("  a\r\nb\r\n\t ", 0, "both")
@example("\ufeff\x00\u202e\u200b", 1, "tools")
def test_the_user_turn_is_the_source_byte_for_byte(text: str, seed: int, cell: str) -> None:
    prompt = SourcePrompt(id="p", text=text)
    environment = augment(prompt, seed, cell)
    row = prompt_row(prompt, environment)
    assert environment.user.encode() == row.messages[-1].content.encode() == text.encode()
    again = Example.model_validate_json(row.model_dump_json())
    assert again.messages[-1].content.encode() == text.encode()
    answered = answer_row(prompt, environment, "No.", "somebody")
    assert [message.content for message in answered.messages[-2:]] == [text, "No."]


@given(TEXTS, st.integers(min_value=0))
def test_cells_share_ids_and_draws(text: str, seed: int) -> None:
    prompt = SourcePrompt(id="p", text=text)
    none, tools, system, both = (augment(prompt, seed, cell) for cell in CELLS)
    assert len({cell.id for cell in (none, tools, system, both)}) == 1
    assert (none.system, none.tools) == ("", ())
    assert (tools.system, tools.tools) == ("", both.tools)
    assert (system.system, system.tools) == (both.system, ())
    assert both.system and 1 <= len(both.tools) <= MOST_TOOLS
    assert both == augment(prompt, seed, "both")


def test_seeds_and_prompts_make_draws_differ() -> None:
    by_seed = [augment(PLAIN, seed, "both") for seed in range(300)]
    assert {len(environment.tools) for environment in by_seed} == set(range(1, MOST_TOOLS + 1))
    assert {environment.system_family for environment in by_seed} == set(load_system_families())
    assert len({environment.system for environment in by_seed}) > 200
    names = Counter(tool.name for environment in by_seed for tool in environment.tools)
    assert len(names) > 90
    assert max(names.values()) < 3 * sum(names.values()) / len(names)
    other = augment(PLAIN.model_copy(update={"id": "q"}), 0, "both")
    assert (other.system, other.tools) != (by_seed[0].system, by_seed[0].tools)


def test_the_order_of_tools_is_drawn() -> None:
    orders = [[tool.name for tool in draw_tools(PLAIN, seed)] for seed in range(200)]
    assert any(order != sorted(order) for order in orders)
    firsts = Counter(order[0] < order[-1] for order in orders if len(order) > 1)
    assert min(firsts.values()) > 50


def test_no_tool_that_the_request_touches_is_drawn() -> None:
    for prompt in load_shipped_prompts():
        said, touched = stems(prompt.text), find_touched(prompt.text, prompt.touches)
        for seed in range(2):
            for tool in draw_tools(prompt, seed):
                assert not is_touched(said, tool), (prompt.id, tool.name)
                assert not touched & _domains_of(tool.name), (prompt.id, tool.name)


def _domains_of(name: str) -> set[str]:
    from teachwhy.environments.catalogue import load_catalogue

    return {domain.name for domain in load_catalogue() if name in {tool.name for tool in domain.tools}}


def test_barred_tools_are_left_out_of_every_cell_that_has_tools() -> None:
    drawn = {tool.name for tool in augment(PLAIN, 3, "both").tools}
    for cell in ("tools", "both"):
        assert not drawn & {tool.name for tool in augment(PLAIN, 3, cell, barred=drawn).tools}
    assert augment(PLAIN, 3, "tools", barred=drawn).tools == augment(PLAIN, 3, "both", barred=drawn).tools


def test_families_of_system_prompts_can_be_chosen() -> None:
    families = {
        augment(PLAIN, seed, "system", system_families=("persona",)).system_family for seed in range(9)
    }
    assert families == {"persona"}
    with pytest.raises(ConfigError, match="'nonsense' does not exist; allowed: company_assistant"):
        augment(PLAIN, 0, "system", system_families=("nonsense",))
    with pytest.raises(ConfigError, match="cell 'all' does not exist; allowed: none, tools, system, both"):
        augment(PLAIN, 0, "all")


def test_a_system_prompt_of_a_teacher_takes_the_place_of_the_drawn_one() -> None:
    own = "You are {nobody}. "
    for cell in CELLS:
        drawn, given_ = augment(PLAIN, 2, cell), augment(PLAIN, 2, cell, own_system=own)
        assert (given_.id, given_.tools, given_.user) == (drawn.id, drawn.tools, drawn.user)
        assert given_.system == (own if drawn.system else "")
        assert given_.system_family == ("own" if drawn.system else "")


def test_a_request_that_touches_everything_is_refused_with_its_id() -> None:
    from teachwhy.environments.catalogue import load_catalogue

    prompt = PLAIN.model_copy(update={"touches": tuple(domain.name for domain in load_catalogue())})
    with pytest.raises(DataError, match="prompt 'p' touches every tool"):
        augment(prompt, 0, "tools")
    assert augment(prompt, 0, "system").system


def test_rows_carry_what_they_were_made_from() -> None:
    prompt = next(prompt for prompt in load_shipped_prompts() if prompt.id == "fraud-grandson-call")
    environment = augment(prompt, 5, "both")
    row = prompt_row(prompt, environment)
    assert (row.id, row.kind, row.parents) == ("environments-fraud-grandson-call-5", "prompt", (prompt.id,))
    assert (row.sections, row.tools) == (("no-tricks", "care"), environment.tools)
    assert [message.role for message in row.messages] == ["system", "user"]
    answered = answer_row(prompt, environment, "No.", "judy", parents=("answer-1",), stages={"answer": "3"})
    assert (answered.kind, answered.teacher, answered.id) == ("chat", "judy", row.id)
    assert answered.parents == (prompt.id, "answer-1")
    assert answered.stages == {**row.stages, "answer": "3"}
    with pytest.raises(DataError, match="is not of prompt 'p'"):
        prompt_row(PLAIN, environment)
    with pytest.raises(DataError, match="is empty"):
        answer_row(prompt, environment, " ", "judy")
