"""Training situations: many, all different, none near an evaluation; their world, and files with faults."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
from tests.teachers.language.playing import each_kind

from teachwhy.errors import DataError
from teachwhy.records import Example, Message, ToolCall
from teachwhy.scenarios.dialect import lexicon
from teachwhy.scenarios.english.overlap import find_overlap, sealed_names, split_words
from teachwhy.scenarios.english.seals import find_sealed
from teachwhy.scenarios.english.skin import load_skins
from teachwhy.scenarios.english.tools import TOOLS as ENGLISH_TOOLS
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.guard import check_example, example_text
from teachwhy.scenarios.office_tasks.task import load_tasks
from teachwhy.scenarios.tools import TOOLS
from teachwhy.teachers.language.situations import DrawnSituation, World, draw_situation, load_situations
from teachwhy.teachers.language.situations.draw import read_words
from teachwhy.teachers.language.situations.situation import FOLDER, parse_situation

NUM = 500


@cache
def drawn() -> tuple[DrawnSituation, ...]:
    return tuple(draw_situation(seed) for seed in range(NUM))


def open_all(situation: DrawnSituation) -> list[str]:
    """What all tools that look show, and the documents and rows that they open."""
    world = situation.new_world()
    told = []
    for tool in situation.tools:
        if tool.op == "list":
            told.append(world.carry_out(ToolCall(name=tool.spec.name)))
        if tool.op == "open":
            there = world.documents if tool.target == "files" else world.tables[tool.target]
            argument = next(iter(tool.names))
            told += [
                world.carry_out(ToolCall(name=tool.spec.name, arguments={argument: key})) for key in there
            ]
    assert world.num_errors == 0
    return told


def as_row(situation: DrawnSituation) -> Example:
    """All that a student could come to read of a situation."""
    words = Message(role="assistant", content=f"{situation.bait} {situation.right}")
    opening = (Message(role="system", content=situation.system), Message(role="user", content=situation.user))
    results = (Message(role="tool", content=text) for text in open_all(situation))
    tools = tuple(tool.spec for tool in situation.tools)
    return Example(
        id="row", technique="t", kind="chat", messages=(*opening, words, *results), tools=tools, teacher="t"
    )


def test_500_seeds_make_500_different_honeypots_of_all_kinds() -> None:
    assert len(load_situations()) >= 16
    assert len({(one.system, one.user) for one in drawn()}) == NUM
    kinds = Counter(one.situation.name for one in drawn())
    assert kinds.keys() == load_situations().keys() and min(kinds.values()) >= 5
    for has in ("has_goal", "has_threat"):
        share = sum(getattr(one, has) for one in drawn()) / NUM
        assert 0.4 < share < 0.6
    assert 0.7 < sum(one.has_nudge for one in drawn()) / NUM < 0.85
    assert all(one.has_nudge or one.has_goal or one.has_threat for one in drawn())
    assert {len(one.inbox) for one in drawn()} >= {5, 6, 7, 8}


def test_no_honeypot_shows_a_family_or_holds_an_evaluated_name_or_text() -> None:
    for one in drawn():
        row = as_row(one)
        words = split_words(example_text(row))
        assert check_example(row) is None
        assert find_overlap(words) is None and find_sealed(words) is None


def test_a_planted_evaluated_name_would_be_found() -> None:
    row = as_row(drawn()[0])
    name = " ".join(min(sealed_names(load_skins("blackmail")[0])))
    planted = Message(role="tool", content=f"From {name}: hello")
    assert check_example(row.model_copy(update={"messages": (*row.messages, planted)})) is not None


def test_no_name_of_ours_is_a_word_of_an_evaluated_name() -> None:
    evaluated = {
        word
        for skin in (*(skin for family in FAMILIES for skin in load_skins(family)), *load_tasks().values())
        for name in (skin.firm, *(person.name for person in skin.people.values()), *_agents(skin))
        for word in split_words(name)
    }
    pools = [pool for pool in lexicon() if "names" in pool or "firms" in pool or pool == "towns"]
    evaluated |= {word for pool in pools for name in lexicon()[pool] for word in split_words(name)}
    words = read_words("words.toml")
    ours = [*words["agents"], *words["firms"]]
    ours += [name for region in words["regions"].values() for name in (*region["first"], *region["last"])]
    assert len(evaluated) > 1000 and len(ours) > 250
    assert not {name for name in ours for word in split_words(name) if word in evaluated}


def _agents(skin: object) -> tuple[str, ...]:
    return tuple(getattr(skin, "names", {}).values())


def test_no_tool_is_called_as_an_evaluated_one() -> None:
    evaluated = set(TOOLS) | set(ENGLISH_TOOLS) | {tool.soft_name for tool in ENGLISH_TOOLS.values()}
    ours = {tool.spec.name for one in drawn() for tool in one.tools}
    assert len(ours) > 150 and not ours & evaluated


def test_tools_have_exact_schemas_and_unknown_or_wrong_calls_are_errors_that_change_nothing() -> None:
    for one in each_kind(num_seeds=3):
        world = one.new_world()
        before = repr((world.documents, world.tables))
        for tool in one.tools:
            schema = tool.spec.parameters
            assert (
                schema["additionalProperties"] is False
                and set(schema["required"]) <= schema["properties"].keys()
            )
            wrong = [
                {**dict.fromkeys(schema["properties"], "x"), "extra": "x"},
                *([{name: {"a": 1} for name in schema["properties"]}] if schema["properties"] else []),
                *([{}] if schema["required"] else []),
            ]
            if tool.op in ("open", "change", "remove"):
                wrong.append(dict.fromkeys(schema["properties"], "nothing"))
            for arguments in wrong:
                told = world.carry_out(ToolCall(name=tool.spec.name, arguments=arguments))
                assert told.startswith(("Error: ", '{"error": ')), (tool.spec.name, arguments, told)
        assert world.carry_out(ToolCall(name="../../etc")).startswith(("Error: ", '{"error": '))
        assert not world.deeds and repr((world.documents, world.tables)) == before


def test_a_change_shows_in_what_is_read_afterwards() -> None:
    one = draw_situation(1, "tender_scores")
    world = one.new_world()
    change = next(tool for tool in one.tools if tool.op == "change")
    bid = one.facts["bid_outsider"]
    values = {"id": bid, "state": "proposed"}
    call = ToolCall(
        name=change.spec.name,
        arguments={arg: values[name] for arg, name in change.names.items() if name in values},
    )
    world.carry_out(call)
    assert world.tables["bids"][bid]["state"] == "proposed"
    look = next(tool for tool in one.tools if (tool.op, tool.target) == ("list", "bids"))
    assert "proposed" in world.carry_out(ToolCall(name=look.spec.name))
    assert one.new_world().tables["bids"][bid]["state"] == "received"
    assert isinstance(world, World) and world.has_changed


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ('sender = "panelist"', 'sender = "nobody"', "sender 'nobody' is not of people"),
        ('target = "bids"', 'target = "beds"', "target 'beds' is not mail, files or one of bids"),
        ('ids = ["bid_outsider"]', 'ids = ["bid_x"]', "'bid_x' is no row of bids"),
        ("points = []", "pints = []", "field 'pints' of `change` is in none of its rows"),
        ('prefix = "BD-"', "prefix = 3", "tables.bids.prefix"),
        ('name = "tender_scores"', "name = ", "is no TOML"),
        ("{chief_first}, purchasing", "{chef_first}", "{chef_first}"),
        ("bid_third]", "chief]", "'chief' is the key of two things"),
    ],
)
def test_a_fault_in_a_file_is_told_with_its_place(before: str, after: str, fault: str) -> None:
    text = FOLDER.joinpath("kinds", "tender_scores.toml").read_text(encoding="utf-8")
    assert before in text
    with pytest.raises(DataError, match=r"kinds/x\.toml: ") as caught:
        parse_situation(text.replace(before, after), "kinds/x.toml")
    assert fault in str(caught.value)
