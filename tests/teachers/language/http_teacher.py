"""The scripted language teacher behind HTTP: what http_model.py's server is to write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.service.http_model import Written
from tests.teachers.language.scripted import answer

from teachwhy.records import Message, ToolCall


def write(request: Mapping[str, Any]) -> Written:
    """The scripted answer to a request of the OpenAI protocol; tokens are counted in words."""
    messages = [_read(message) for message in request["messages"]]
    tools = [tool["function"]["name"] for tool in request.get("tools", ())]
    written = answer(messages, tools, request["seed"])
    calls = tuple((call.name, call.arguments) for call in written.tool_calls)
    num_input = sum(len(message.content.split()) for message in messages)
    return Written(written.text, calls, num_input, len(written.text.split()) + 7 * len(calls))


def _read(message: Mapping[str, Any]) -> Message:
    calls = tuple(
        ToolCall(name=call["function"]["name"], arguments=json.loads(call["function"]["arguments"]))
        for call in message.get("tool_calls") or ()
    )
    return Message(role=message["role"], content=message.get("content") or "", tool_calls=calls)
