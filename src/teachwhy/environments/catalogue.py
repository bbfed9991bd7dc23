"""The catalogue of tools: one TOML file a domain in tools/, read into specifications with exact JSON schemas.

A file has a title, the words of requests that its tools could touch, and a table a tool (description,
required, properties). Every schema keeps to the keywords, and to the order of keywords, that Inspect's tool
type writes: what an evaluation would show of a tool is then, token for token, what training shows.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from teachwhy.errors import DataError
from teachwhy.records import Record, ToolSpec

FOLDER = files("teachwhy.environments")
KEYWORDS = (
    *("type", "format", "description", "default", "enum", "items", "properties", "additionalProperties"),
    *("anyOf", "required", "pattern", "minLength", "maxLength", "minimum", "maximum", "examples"),
)
"""What a schema below the top may hold, in the order in which Inspect writes it."""
TOP_KEYWORDS = ("type", "properties", "required", "additionalProperties")


class Domain(Record):
    """A place of work and the tools that belong there."""

    name: str
    title: str
    words: frozenset[str]
    """Words of requests for which tools of this domain could be of use."""
    tools: tuple[ToolSpec, ...]


@cache
def load_catalogue() -> tuple[Domain, ...]:
    """The shipped domains in the order of their names; a name of a tool occurs once."""
    domains = tuple(
        parse_domain(path.read_text(encoding="utf-8"), path.name)
        for path in sorted(FOLDER.joinpath("tools").iterdir(), key=lambda path: path.name)
        if path.name.endswith(".toml")
    )
    seen: dict[str, str] = {}
    for domain in domains:
        for tool in domain.tools:
            if tool.name in seen:
                raise DataError(
                    f"tool {tool.name!r} is in {seen[tool.name]} and in {domain.name}; rename one"
                )
            seen[tool.name] = domain.name
    return domains


@cache
def catalogue_version() -> str:
    """Eight hex digits over the tools as models read them, and over the words that exclude them."""
    digest = hashlib.sha256()
    for domain in load_catalogue():
        digest.update(" ".join(sorted(domain.words)).encode())
        for tool in domain.tools:
            digest.update(tool.model_dump_json().encode())
    return digest.hexdigest()[:8]


def parse_domain(text: str, source: str) -> Domain:
    """One file of the catalogue; DataError names the file, the tool and what is wrong with it."""
    try:
        table = tomllib.loads(text)
        tools = table.pop("tools")
        title, words = table.pop("title"), table.pop("words")
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{source}: not valid TOML ({error})") from error
    except KeyError as error:
        raise DataError(
            f"{source}: {error.args[0]} is missing; a domain has title, words and tools"
        ) from error
    if table:
        raise DataError(f"{source}: unknown key {min(table)!r}; allowed: title, words, tools")
    specs = tuple(_parse_tool(name, tool, source) for name, tool in tools.items())
    return Domain(name=source.removesuffix(".toml"), title=title, words=frozenset(words.split()), tools=specs)


def _parse_tool(name: str, table: Mapping[str, Any], source: str) -> ToolSpec:
    where = f"{source}: tool {name}"
    if unknown := sorted(set(table) - {"description", "required", "properties"}):
        raise DataError(f"{where}: unknown key {unknown[0]!r}; allowed: description, required, properties")
    if missing := sorted({"description", "required", "properties"} - set(table)):
        raise DataError(f"{where}: {missing[0]} is missing")
    schema = {
        "type": "object",
        "properties": table["properties"],
        "required": table["required"],
        "additionalProperties": False,
    }
    return order_tool(ToolSpec(name=name, description=table["description"], parameters=schema), where)


def order_tool(tool: ToolSpec, where: str = "") -> ToolSpec:
    """The tool with its keywords in the order that evaluation writes, whoever made it.

    DataError for a keyword that evaluation would leave out, and for `required` that names no property.
    """
    where = where or f"tool {tool.name}"
    if unknown := sorted(set(tool.parameters) - set(TOP_KEYWORDS)):
        raise DataError(f"{where}: keyword {unknown[0]!r} is lost at the top of a schema; remove it")
    if tool.parameters.get("type", "object") != "object":
        raise DataError(f"{where}: type {tool.parameters['type']!r} at the top; it must be object")
    ordered = _order({"type": "object", "properties": {}, **tool.parameters}, where, TOP_KEYWORDS)
    return tool.model_copy(update={"parameters": ordered})


def _order(schema: Mapping[str, Any], where: str, keywords: tuple[str, ...] = KEYWORDS) -> dict[str, Any]:
    if unknown := sorted(set(schema) - set(keywords)):
        raise DataError(
            f"{where}: keyword {unknown[0]!r} would be lost in evaluation; allowed: {', '.join(keywords)}"
        )
    properties = schema.get("properties", {})
    if lost := sorted(set(schema.get("required", ())) - set(properties)):
        raise DataError(f"{where}: required names {lost[0]!r}, which is no property of it")
    ordered = {key: schema[key] for key in keywords if key in schema}
    if "properties" in ordered:
        ordered["properties"] = {name: _order(inner, f"{where}.{name}") for name, inner in properties.items()}
    if "items" in ordered:
        ordered["items"] = _order(schema["items"], f"{where}[]")
    if "anyOf" in ordered:
        ordered["anyOf"] = [_order(inner, where) for inner in schema["anyOf"]]
    if isinstance(ordered.get("additionalProperties"), Mapping):
        ordered["additionalProperties"] = _order(schema["additionalProperties"], where)
    return ordered
