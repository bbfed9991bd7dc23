"""The agent loop: a model in an office until it makes no more calls.

The model is asked through Inspect's `generate`, so that any provider works. The calls are carried out on the
sample's own office here: Inspect's tool runner validates, times and nests every call, at a cost above that of
a small model's turn. Each call is still recorded as Inspect's tool message and tool event, so that its viewer
shows it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Self

from inspect_ai.event import ToolEvent
from inspect_ai.log import transcript as inspect_transcript
from inspect_ai.model import ChatMessageAssistant, ChatMessageTool, GenerateConfig, ModelOutput, get_model
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import ToolCall as InspectToolCall
from inspect_ai.tool import ToolCallError, ToolInfo, ToolParams
from inspect_ai.util import LimitExceededError

from teachwhy.errors import InputError
from teachwhy.evaluation.failures import (
    explain_failure,
    explain_no_answer,
    find_secrets,
    masked_failures,
)
from teachwhy.evaluation.ledger import PROVIDER_FAILED
from teachwhy.evaluation.transcripts import EpisodeBatch, Transcript
from teachwhy.records import Message, ToolCall, ToolSpec
from teachwhy.scenarios.harness import begin_turn, carry_out, hidden_marks, turn_limit
from teachwhy.scenarios.parsing import (
    Marks,
    OfferedTools,
    ParsedTurn,
    offered_tools,
    parse_assistant_text,
    split_thoughts,
)
from teachwhy.scenarios.tools import Action

MAX_ARGUMENT_DEPTH = 20
CUT = ("max_tokens", "model_length")


@dataclass(frozen=True)
class ReadCall:
    """One call of a turn: Inspect's form, and ours or why there is none."""

    inspect: InspectToolCall
    call: ToolCall | None
    fault: str = ""


@dataclass(frozen=True)
class ReadTurn:
    """One assistant turn, its calls read."""

    message: ChatMessageAssistant
    calls: tuple[ReadCall, ...]
    unread_text: str
    """Why something in the words that looks like a call could not be read; "" if nothing does."""
    spoken: str
    """The words of the turn without its thoughts: all that counts of them."""
    lost_call: str
    """That a call stands in the words beside native ones, so that nobody carries it out; "" if none does."""

    @property
    def fault(self) -> str:
        """Why some call of the turn could not be read; "" if all were."""
        faults = (*(call.fault for call in self.calls), self.untold_fault)
        return "; ".join(fault for fault in faults if fault)

    @property
    def untold_fault(self) -> str:
        """What of that the model is not told, so that no later turn can mend it: only the fault of a call
        that the provider has read comes back as the error of that call.
        """
        return "; ".join(fault for fault in (self.lost_call, self.unread_text) if fault)


@solver
def office_agent(batch: EpisodeBatch, max_turns: int | None, seed: int) -> Solver:
    """Let the model act until it makes no call, at most `max_turns` turns of its own (None: as many as
    the episode has).

    The sampling seed of each turn follows from `seed`, the episode, the repeat and the turn. A failure of the
    provider ends the episode with stop "error"; a mistake of the user (a broken checkpoint) is kept in the
    batch and fails the sample.
    """

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        transcript = batch.begin(str(state.sample_id), state.epoch)
        tools = inspect_tools(transcript.episode.tools)
        model = get_model()
        for turn in range(max_turns or turn_limit(transcript.episode)):
            begin_turn(transcript.episode, transcript.office, turn)
            config = GenerateConfig(seed=turn_seed(seed, transcript.episode.id, transcript.repeat, turn))
            try:
                with masked_failures(model):
                    output = await model.generate(list(state.messages), tools=tools, config=config)
            except InputError as error:
                batch.input_error = batch.input_error or error
                raise
            except LimitExceededError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a provider raises is a failed episode, with its reason
                transcript.end("error", f"{PROVIDER_FAILED}: {explain_failure(error, find_secrets(model))}")
                return state
            state.output = output
            if not _take_turn(state, transcript, output, turn):
                return state
        transcript.end("length" if state.output.stop_reason in CUT else "max_turns")
        return state

    return solve


def turn_seed(seed: int, episode_id: str, repeat: int, turn: int) -> int:
    """The sampling seed of one model turn, 0 to 2**31 - 1, the same on every machine."""
    digest = hashlib.sha256(f"{seed}|{episode_id}|{repeat}|{turn}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def inspect_tools(specs: Sequence[ToolSpec]) -> list[ToolInfo]:
    """The tools in the form in which Inspect tells a provider of them."""
    return [_tool_info(spec.name, spec.description, json.dumps(spec.parameters)) for spec in specs]


class SharedToolInfo(ToolInfo):
    """A tool that nobody changes, so that it need not be copied: Inspect does so deeply, twice a turn."""

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """The tool itself, unless something is to be changed in the copy."""
        return super().model_copy(update=update, deep=deep) if update else self


@lru_cache(maxsize=256)
def _tool_info(name: str, description: str, schema: str) -> ToolInfo:
    return SharedToolInfo(
        name=name, description=description, parameters=ToolParams.model_validate_json(schema)
    )


def _take_turn(state: TaskState, transcript: Transcript, output: ModelOutput, turn: int) -> bool:
    """Record an answer, carry out its calls; True if another turn follows, else the transcript is ended."""
    transcript.num_turns += 1
    if output.usage is not None:
        transcript.input_tokens += output.usage.input_tokens
        transcript.output_tokens += output.usage.output_tokens
    if output.metadata:
        transcript.template_lacks = tuple(map(str, output.metadata.get("template_lacks", ())))
    if output.empty or output.error:
        transcript.end("error", explain_no_answer(output, find_secrets(get_model())))
        return False
    was_cut = output.stop_reason in CUT
    transcript.truncated |= was_cut
    read = read_turn(
        output.message, turn, offered_tools(transcript.episode.tools), hidden_marks(transcript.episode)
    )
    state.messages.append(read.message)
    good_calls = tuple(item.call for item in read.calls if item.call is not None)
    transcript.messages.append(Message(role="assistant", content=read.spoken, tool_calls=good_calls))
    if output.stop_reason == "content_filter":
        transcript.end("error", "the provider's content filter cut the answer")
        return False
    for item in read.calls:
        _carry_out(state, transcript, item, turn)
    transcript.lost_call = transcript.lost_call or read.untold_fault
    if read.fault:
        transcript.unread_call = read.fault
    elif good_calls:
        transcript.unread_call = ""
    if good_calls or (read.calls and not was_cut):
        return True
    transcript.end("length" if was_cut else "end")
    return False


def read_turn(
    message: ChatMessageAssistant, turn: int, offered: OfferedTools, marks: Sequence[Marks] = ()
) -> ReadTurn:
    """Read the calls of a turn, from the provider's own parsing or, where it found none, from the words. A
    call in the words beside native ones is a fault: nobody can say whether the provider has read it too.

    Thoughts decide nothing: no call is read in them and they are no words that were said. `marks` are those
    that the prompt gave for them.

    The message is changed where it holds what no log can be written with.
    """
    if message.text != _plain(message.text):
        message.content = _plain(message.text)
    spoken = split_thoughts(message.text, marks, offered)
    try:
        parsed = parse_assistant_text(spoken.text, offered, beside_calls=bool(message.tool_calls))
    except ValueError as error:  # such as a number of thousands of digits
        parsed = ParsedTurn(spoken.text, (), f"a tool call cannot be read ({error})")
    lost_call = ""
    if message.tool_calls and parsed.tool_calls:
        lost_call = f"a call in the words beside native calls ({parsed.tool_calls[0].name[:40]!r})"
    elif parsed.tool_calls:
        calls = [
            InspectToolCall(id=f"call_{turn}_{index}", function=call.name, arguments=call.arguments)
            for index, call in enumerate(parsed.tool_calls)
        ]
        # The provider saw plain words. Given back as calls, its own template writes them in its own syntax.
        words = "\n".join(part for part in (spoken.hidden, parsed.content) if part)
        message = message.model_copy(update={"content": words, "tool_calls": calls})
        spoken = replace(spoken, text=parsed.content)
    return ReadTurn(
        message,
        tuple(read_call(call) for call in message.tool_calls or ()),
        "; ".join(fault for fault in (parsed.malformed, spoken.fault) if fault),
        spoken.text,
        lost_call,
    )


def read_call(call: InspectToolCall) -> ReadCall:
    """A call as the provider has read it, changed where it holds what no file can hold."""
    call.function = _plain(call.function)
    if call.parse_error:
        return ReadCall(call, None, _plain(call.parse_error)[:300])
    try:
        call.arguments = {_plain(str(key)): _plain_value(value, 1) for key, value in call.arguments.items()}
    except ValueError as error:
        call.arguments, call.parse_error = {}, str(error)
        return ReadCall(call, None, str(error))
    return ReadCall(call, ToolCall(name=call.function, arguments=call.arguments))


def _plain(text: str) -> str:
    """The text without lone surrogates, which JSON can carry and UTF-8 files cannot."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _plain_value(value: Any, depth: int) -> Any:
    """An argument that any JSON file can hold; raises `ValueError` when it is nested too deeply for that."""
    if depth > MAX_ARGUMENT_DEPTH:
        raise ValueError(f"the arguments are nested more than {MAX_ARGUMENT_DEPTH} deep")
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, dict):
        return {_plain(str(key)): _plain_value(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain_value(item, depth + 1) for item in value]
    return value


def _carry_out(state: TaskState, transcript: Transcript, item: ReadCall, turn: int) -> None:
    """Carry out one call on the office; the model sees its result or its error."""
    if item.call is not None:
        action = carry_out(transcript.episode, transcript.office, item.call, turn)
    else:
        action = Action(item.inspect.function, {}, "", f"unreadable call: {item.fault}", turn, False)
    transcript.actions.append(action)
    transcript.messages.append(Message(role="tool", content=action.visible))
    # Providers show a failed call's error and drop its content, or the other way round: both say the same.
    error = None if action.error is None else ToolCallError("unknown", action.visible)
    message = ChatMessageTool(
        content=action.visible, tool_call_id=item.inspect.id, function=action.tool, error=error
    )
    state.messages.append(message)
    event = ToolEvent(
        id=item.inspect.id,
        function=action.tool,
        arguments=dict(item.call.arguments) if item.call is not None else {},
        result=action.result,
        error=error,
        message_id=message.id,
    )
    inspect_transcript()._event(event)  # Inspect has no public way to record a tool that it did not run
