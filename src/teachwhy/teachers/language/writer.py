"""How every stage of the language teacher asks: a prompt file, its values, a reader of the answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from teachwhy.config import GenerationConfig
from teachwhy.records import Message, ToolSpec
from teachwhy.scenarios.english.overlap import list_texts
from teachwhy.service.calls import Call, Reply, Role, Service, UnreadableReplyError
from teachwhy.teachers.language.prompt_files import load_prompt
from teachwhy.teachers.language.reading import strip_thoughts
from teachwhy.teachers.protocol import Stage

Value = TypeVar("Value")
_CONTROL = re.compile(
    r"<[|｜][^<>|｜\s]{1,40}[|｜]>|<(?:start|end)_of_turn>|\[/?INST\]|<</?SYS>>", re.IGNORECASE
)
"""Tokens with which chat templates part turns; in a row they would begin a turn of their own."""
_HIDDEN = re.compile("[\\x00-\\x08\\x0b\\x0e-\\x1f\\x7f\\U000e0000-\\U000e007f]")
"""Controls, and letters that nobody sees and a tokenizer reads; marks of direction are text."""


@dataclass(frozen=True)
class Asking:
    """What one stage asks with; `sample` makes draws differ (seed of a draft, 0 for what is asked once)."""

    stage: Stage
    role: Role = "teacher"
    sample: int = 0
    parents: tuple[str, ...] = ()
    temperature: float | None = None
    """None: as configured."""
    max_tokens: int | None = None
    """Where fewer are enough than are configured."""


@dataclass(frozen=True)
class Writer:
    """The service with the settings of the experiment."""

    service: Service
    config: GenerationConfig

    async def write(
        self, asking: Asking, prompt: str, values: Mapping[str, str], read: Callable[[str], Value]
    ) -> Value:
        """What `read` makes of the answer to a prompt file.

        `read` raises UnreadableReplyError for what it cannot read. Raises TeacherError as `Service.ask_until`
        does.
        """
        file = load_prompt(prompt)
        call = self._call(asking, file.render(**values), file.digest)

        def read_text(reply: Reply) -> Value:
            whole = _check_whole(reply)
            if not whole.text:
                raise UnreadableReplyError("a tool is called where a text is wanted")
            return read(whole.text)

        return await self.service.ask_until(call, read_text, self.config.attempts)

    async def sample(
        self,
        asking: Asking,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        read: Callable[[Reply], Reply] = lambda reply: reply,
    ) -> Reply:
        """A whole answer to a conversation as it is, without any prompt file and without thoughts.

        `read` may return another reply for it, and raises UnreadableReplyError for one that will not do.
        """
        call = self._call(asking, tuple(messages), "").model_copy(update={"tools": tuple(tools)})
        return await self.service.ask_until(
            call, lambda reply: read(_check_whole(reply)), self.config.attempts
        )

    def _call(self, asking: Asking, messages: tuple[Message, ...], prompts: str) -> Call:
        temperature = self.config.temperature if asking.temperature is None else asking.temperature
        return Call(
            stage=asking.stage,
            role=asking.role,
            messages=messages,
            prompts=prompts,
            sample=asking.sample,
            max_tokens=min(self.config.max_tokens, asking.max_tokens or self.config.max_tokens),
            temperature=temperature,
            parents=asking.parents,
        )


def _check_whole(reply: Reply) -> Reply:
    """The reply without thoughts; raises UnreadableReplyError for one that says nothing or is no text."""
    try:
        reply.model_dump_json()
    except ValueError as error:
        raise UnreadableReplyError("the answer holds half of a character, which is no text") from error
    text = strip_thoughts(reply.text)
    calls = (part for call in reply.tool_calls for part in (call.name, *list_texts(call.arguments)))
    told = "\n".join((text, *calls))
    if mark := _CONTROL.search(told):
        raise UnreadableReplyError(f"the answer holds {mark[0]!r}, a token that parts turns")
    if _HIDDEN.search(told):
        raise UnreadableReplyError("the answer holds characters that nobody sees")
    if not text and not reply.tool_calls:
        raise UnreadableReplyError("the answer is empty")
    return reply.model_copy(update={"text": text})
