"""The catalogue of tools: valid schemas, names of its own, nothing that evaluation would lose."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files

import jsonschema
import pytest

from teachwhy.environments.catalogue import FOLDER, load_catalogue, order_tool, parse_domain
from teachwhy.environments.sources import SourcePrompt
from teachwhy.environments.transform import augment
from teachwhy.errors import DataError
from teachwhy.evaluation.agent import inspect_tools
from teachwhy.providers.messages import tool_as_openai
from teachwhy.records import ToolSpec
from teachwhy.scenarios.guard import check_example
from teachwhy.scenarios.tools import TOOLS as OFFICE_TOOLS

TOOLS = {tool.name: tool for domain in load_catalogue() for tool in domain.tools}


def evaluated_names() -> set[str]:
    """Names of every tool that an evaluation has, plain and soft."""
    text = files("teachwhy.scenarios.english").joinpath("tools.toml").read_text(encoding="utf-8")
    english = tomllib.loads(text)
    return {*OFFICE_TOOLS, *english, *(tool["soft_name"] for tool in english.values())}


def test_there_are_enough_tools_in_enough_domains() -> None:
    assert len(TOOLS) >= 80
    assert len(load_catalogue()) >= 12
    assert all(len(domain.tools) >= 4 and len(domain.words) >= 8 for domain in load_catalogue())


def test_names_are_none_of_the_evaluated_ones() -> None:
    assert len(evaluated_names()) > 80
    assert not evaluated_names() & set(TOOLS)


@pytest.mark.parametrize("name", TOOLS)
def test_every_schema_is_valid_and_says_enough(name: str) -> None:
    tool = TOOLS[name]
    validator = jsonschema.Draft202012Validator
    validator.check_schema(tool.parameters)
    assert tool.parameters["additionalProperties"] is False
    assert 40 <= len(tool.description) <= 240
    assert tool.description.endswith(".")
    if tool.parameters["required"]:
        assert list(validator(tool.parameters).iter_errors({}))
    assert list(validator(tool.parameters).iter_errors({"no_such_argument": 1}))


@pytest.mark.parametrize("name", TOOLS)
def test_evaluation_shows_the_schema_as_it_is_with_its_order(name: str) -> None:
    (info,) = inspect_tools([TOOLS[name]])
    assert json.dumps(tool_as_openai(info)) == json.dumps(TOOLS[name].as_openai())


def test_schemas_are_varied() -> None:
    text = json.dumps([tool.parameters for tool in TOOLS.values()])
    for wanted in (
        '"enum"',
        '"pattern"',
        '"format": "date-time"',
        '"format": "uuid"',
        '"anyOf"',
        '"items"',
        '"default"',
    ):
        assert text.count(wanted) >= 1, wanted
    nested = [tool for tool in TOOLS.values() if '"properties"' in json.dumps(tool.parameters["properties"])]
    assert len(nested) >= 10
    assert sum(not tool.parameters["required"] for tool in TOOLS.values()) >= 5


def test_the_guard_finds_nothing_of_an_evaluation_in_any_tool() -> None:
    from teachwhy.environments import prompt_row

    prompt = SourcePrompt(id="x", text="Hello.")
    row = prompt_row(prompt, augment(prompt, 0, "none"))
    assert check_example(row.model_copy(update={"tools": tuple(TOOLS.values())})) is None


TOOL = 'title = "t"\nwords = "a b"\n[tools.x]\ndescription = "d"\n'


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("title = ", "one.toml: not valid TOML"),
        ('title = "t"', "one.toml: tools is missing"),
        (TOOL, "one.toml: tool x: properties is missing"),
        (TOOL + "required = ['a']\nproperties = {}", "tool x: required names 'a', which is no property"),
        (
            TOOL + "required = []\nproperties.a = { type = 'array', minItems = 2 }",
            "tool x.a: keyword 'minItems'",
        ),
        (TOOL + "required = []\nproperties = {}\nstrict = true", "tool x: unknown key 'strict'"),
        ('colour = "red"\n' + TOOL + "required = []\nproperties = {}", "unknown key 'colour'"),
    ],
)
def test_a_wrong_file_says_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(DataError, match=complaint.replace("[", r"\[")):
        parse_domain(text, "one.toml")


def test_a_tool_of_somebody_else_gets_the_order_of_evaluation() -> None:
    inner = {"minimum": 1, "description": "n", "type": "integer"}
    given = {"required": ["n"], "properties": {"n": inner}, "type": "object"}
    ordered = order_tool(ToolSpec(name="x", description="d", parameters=given))
    assert ordered.parameters == given
    (info,) = inspect_tools([ordered])
    assert json.dumps(tool_as_openai(info)) == json.dumps(ordered.as_openai())
    with pytest.raises(DataError, match="lost at the top"):
        order_tool(ToolSpec(name="x", description="d", parameters={"title": "X"}))


def test_every_file_of_the_folder_is_read() -> None:
    names = {path.name.removesuffix(".toml") for path in FOLDER.joinpath("tools").iterdir()}
    assert names == {domain.name for domain in load_catalogue()}
