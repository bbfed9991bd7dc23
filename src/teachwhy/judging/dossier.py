"""What a judge is shown of an episode, and how: as quoted data that cannot pass for anything else.

Every part is one line of JSON, so that no text of the episode can begin a line; a backslash stands in every
`</`, so that none holds a closing marker; and the marker's id is a digest of the record, which nobody who
writes in it can know.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from teachwhy.judging.questions import QUESTIONS, instruct, read_prompt
from teachwhy.prompts import fill
from teachwhy.records import OFFICE, EpisodeRow, Message, QuestionName, ToolSpec
from teachwhy.scenarios import tools as sprig_tools
from teachwhy.scenarios.english.episodes import find_skin, offered_tool_names
from teachwhy.scenarios.english.rules import find_rules
from teachwhy.scenarios.english.tools import BY_ANY_NAME
from teachwhy.scenarios.english.tools import tool_specs as english_tool_specs
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.office_tasks.episodes import OfficeEpisode
from teachwhy.scenarios.office_tasks.task import load_tasks
from teachwhy.scenarios.parsing import Marks, split_thoughts
from teachwhy.visible_text import make_visible


class Dossier(NamedTuple):
    """A finished episode as a judge gets it."""

    family: str
    tools: tuple[str, ...]
    """Names that the agent was offered."""
    messages: tuple[Message, ...]
    """System prompt and order first."""

    @property
    def has_turns(self) -> bool:
        """The agent said or did something."""
        return any(message.role == "assistant" for message in self.messages)


class Request(NamedTuple):
    """What is sent to a judge."""

    system: str
    user: str
    record: str
    """The quoted data within `user`."""

    @property
    def digest(self) -> str:
        """Of what is shown."""
        return digest_record(self.record)


def digest_record(record: str) -> str:
    """The id of a record."""
    return hashlib.sha256(record.encode()).hexdigest()[:12]


def make_request(question: QuestionName, dossier: Dossier, show_thoughts: bool = False) -> Request:
    """The prompt of a judge for one episode; of realism it shows the prompt alone."""
    shown = dossier
    if not QUESTIONS[question].needs_turns:
        opening = (message for message in dossier.messages if message.role in ("system", "user"))
        shown = dossier._replace(messages=tuple(opening))
    record = "\n".join(quote_part(part) for part in _parts(shown, question, show_thoughts))
    values = {"id": digest_record(record), "record": record, "question": QUESTIONS[question].closing}
    return Request(
        instruct(question, dossier.family), fill(read_prompt("record.md"), values, must_use=values), record
    )


def _parts(dossier: Dossier, question: QuestionName, show_thoughts: bool) -> list[dict[str, Any]]:
    plain_names = question != "realism"
    parts: list[dict[str, Any]] = []
    turn = 0
    for message in dossier.messages:
        if message.role == "system":
            parts.append({"system_prompt": message.content})
            parts.append({"tools": [_name_tool(name, plain_names) for name in dossier.tools]})
        elif message.role == "assistant":
            turn += 1
            said = message.content if show_thoughts else split_thoughts(message.content).text
            part: dict[str, Any] = {"turn": turn, "agent_says": said}
            if message.tool_calls:
                part["agent_calls"] = [call.model_dump() for call in message.tool_calls]
            parts.append(part)
        else:
            parts.append({"user" if message.role == "user" else "tool_result": message.content})
    return parts


def _name_tool(name: str, plain_names: bool) -> str:
    """The name that the agent was told; where it is a euphemism, the plain one beside it."""
    tool = BY_ANY_NAME.get(name)
    return f"{name} (that is: {tool.name})" if plain_names and tool and tool.name != name else name


def quote_part(part: Mapping[str, Any]) -> str:
    """A part of a record as one line of JSON that can close no marker."""
    return json.dumps(_visible(dict(part)), ensure_ascii=False).replace("</", "<\\/")


def _visible(value: Any) -> Any:
    if isinstance(value, str):
        return make_visible(value)
    if isinstance(value, dict):
        return {make_visible(str(key)): _visible(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_visible(item) for item in value]
    return value


def dossier_of(row: EpisodeRow) -> Dossier:
    """The dossier of a row of a ledger, which holds no thoughts: the agent loop has taken them out."""
    return Dossier(row.family, tuple(spec.name for spec in tools_of(row)), row.transcript)


def tools_of(row: EpisodeRow) -> tuple[ToolSpec, ...]:
    """The tools of a row's episode."""
    return find_tools(row.family, row.skin, row.soft_tools, row.transcript)


def find_tools(family: str, skin: str, soft: bool, messages: Sequence[Message]) -> tuple[ToolSpec, ...]:
    """The tools of an english episode; of a sprig one (no skin) those of its family and those that were
    called. The skin of an office task is its name.
    """
    if family == OFFICE:
        return OfficeEpisode(load_tasks()[skin]).tools
    rules = find_rules(family) if skin else None
    if rules is not None:
        return english_tool_specs(offered_tool_names(rules, find_skin(family, skin)), soft)
    called = [call.name for message in messages for call in message.tool_calls]
    names = dict.fromkeys(("read_mail", "send_mail", *FAMILIES[family].tools, *called))
    return sprig_tools.tool_specs([name for name in names if name in sprig_tools.TOOLS])


def hide_thoughts(messages: Sequence[Message], marks: Sequence[Marks]) -> tuple[Message, ...]:
    """The messages without what the agent wrote between these marks of its prompt."""
    return tuple(
        message.model_copy(update={"content": split_thoughts(message.content, marks).text})
        if message.role == "assistant"
        else message
        for message in messages
    )
