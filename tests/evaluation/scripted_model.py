"""A model behind Inspect's interface that follows a script: a policy of the scenarios, or a way to fail.

Names: `scripted/POLICY` answers in plain text, `scripted/native-POLICY` with calls that the provider has
read, `scripted/FAULT` as in `FAULTS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast, get_args

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    StopReason,
    modelapi,
)
from inspect_ai.solver._task_state import sample_state
from inspect_ai.tool import ToolCall, ToolChoice, ToolInfo

from teachwhy.errors import CheckpointError
from teachwhy.records import EpisodeKind, Part, Presentation
from teachwhy.scenarios.english import play as english
from teachwhy.scenarios.english.episodes import EnglishEpisode
from teachwhy.scenarios.english.episodes import make_episode as make_english_episode
from teachwhy.scenarios.episodes import Episode, make_episode
from teachwhy.scenarios.office_tasks.check import CLOSING, write_turn
from teachwhy.scenarios.office_tasks.task import load_tasks
from teachwhy.scenarios.parsing import parse_assistant_text
from teachwhy.scenarios.policies import POLICIES

READ_MAIL = '<tool_call>{"name": "read_mail"}</tool_call>'
seen_configs: list[GenerateConfig] = []
seen_inputs: list[list[ChatMessage]] = []


def answer(text: str, stop: StopReason = "stop", calls: list[ToolCall] | None = None) -> ModelOutput:
    """An output with 10 tokens in and 5 out."""
    message = ChatMessageAssistant(content=text, model="scripted", source="generate", tool_calls=calls)
    usage = ModelUsage(input_tokens=10, output_tokens=5, total_tokens=15)
    choice = ChatCompletionChoice(message=message, stop_reason=stop)
    return ModelOutput(model="scripted", choices=[choice], usage=usage)


def native(text: str) -> ModelOutput:
    """The answer as a provider gives it that reads calls itself."""
    parsed = parse_assistant_text(text)
    calls = [ToolCall(f"id{i}", call.name, call.arguments) for i, call in enumerate(parsed.tool_calls)]
    if parsed.malformed:
        calls.append(ToolCall("idx", "unknown", {}, parse_error=parsed.malformed))
    return answer(parsed.content, "tool_calls" if calls else "stop", calls or None)


def beside_native(words: str) -> ModelOutput:
    """A native call that is good, and words."""
    return answer(words, "tool_calls", [ToolCall("id0", "read_mail", {})])


def episode_named(sample_id: str | int) -> Episode:
    """The episode of a sample, by its id."""
    family, seed, index, kind = str(sample_id).partition("#")[0].rsplit("-", 3)
    return make_episode(family, "honeypot" if kind == "honeypot" else "twin", int(seed), int(index))


def english_episode_named(sample_id: str | int) -> EnglishEpisode:
    """The english episode of a sample, by its id."""
    family, _, rest = str(sample_id).partition("#")[0].partition("-en-")
    seed, index, presentation, kind, *parts = rest.split("-")
    assert kind in get_args(EpisodeKind) and presentation in get_args(Presentation)
    return make_english_episode(
        family,
        cast(EpisodeKind, kind),
        cast(Presentation, presentation),
        int(seed),
        int(index),
        part=cast(Part, parts[0] if parts else "all"),
    )


def english_turn(policy: str, turn: int) -> str:
    """What a policy of the english dialect says in a turn of the sample under way, from 1."""
    state = sample_state()
    assert state is not None
    episode = english_episode_named(state.sample_id)
    turns = english.POLICIES[policy](episode)
    return turns[turn - 1] if turn <= len(turns) else english.CLOSING


def _english_policy_of_repeat(turn: int) -> ModelOutput:
    state = sample_state()
    assert state is not None
    return answer(english_turn(list(english.POLICIES)[state.metadata["repeat"]], turn))


def office_turn(turn: int) -> str:
    """What the transcript of a task's file with the number of the repeat says in a turn, from 1."""
    state = sample_state()
    assert state is not None
    task = load_tasks()[state.metadata["skin"]]
    turns = task.transcripts[state.metadata["repeat"]].turns
    return write_turn(turns[turn - 1]) if turn <= len(turns) else CLOSING


def episode_of_sample() -> Episode:
    """The episode in which the model is being asked."""
    state = sample_state()
    assert state is not None
    return episode_named(state.sample_id)


def _raises(turn: int) -> ModelOutput:
    raise RuntimeError("the server is on fire")


def _raises_sometimes(turn: int) -> ModelOutput:
    if int(episode_of_sample().id.rsplit("-", 2)[1]) % 10 < 3:
        raise RuntimeError("the server is on fire")
    return answer(POLICIES["declines"](episode_of_sample())(turn))


def _broken_checkpoint(turn: int) -> ModelOutput:
    raise CheckpointError("x: no chat template")


def _harms_then_raises(turn: int) -> ModelOutput:
    if turn > 2:
        raise RuntimeError("the server is on fire")
    return answer(POLICIES["harmful"](episode_of_sample())(turn))


def _lacks_tools(turn: int) -> ModelOutput:
    output = answer(POLICIES["declines"](episode_of_sample())(turn))
    output.metadata = {"template_lacks": ["tools", "tool results"]}
    return output


FAULTS: dict[str, Callable[[int], ModelOutput]] = {
    "raises": _raises,
    "raises_sometimes": _raises_sometimes,
    "harms_then_raises": _harms_then_raises,
    "broken_checkpoint": _broken_checkpoint,
    "lacks_tools": _lacks_tools,
    "english_repeats": _english_policy_of_repeat,
    "office_repeats": lambda turn: answer(office_turn(turn)),
    "office_native": lambda turn: native(office_turn(turn)),
    "office_refuses": lambda turn: answer("I'm sorry, but I can't help with that."),
    "english_harm": lambda turn: answer(english_turn("harmful", turn)),
    "english_native": lambda turn: native(english_turn("escalates", turn)),
    "english_thought_harm": lambda turn: answer(
        f"<think>{english_turn('harmful', turn)}</think>" + english_turn("declines", turn)
    ),
    "no_choices": lambda turn: ModelOutput(model="scripted", choices=[]),
    "filtered": lambda turn: answer("I", "content_filter"),
    "cut": lambda turn: answer("I will tell all about the", "max_tokens"),
    "cut_call": lambda turn: answer('<tool_call>{"name": "send_mail", "argu', "max_tokens"),
    "surrogate": lambda turn: answer(
        '<tool_call>{"name": "send_mail", "arguments": {"to": "\\ud800", "text": "x"}}</tool_call>'
        if turn == 1
        else "x\ud800"
    ),
    "nested": lambda turn: answer(
        '<tool_call>{"name": "read_mail", "arguments": ' + '{"a":' * 300 + "1" + "}" * 301 + "</tool_call>"
    ),
    "huge_number": lambda turn: answer(
        '<tool_call>{"name": "a", "arguments": {"b": ' + "1" * 5000 + "}}</tool_call>"
    ),
    "call_beside_native": lambda turn: (
        beside_native('<tool_call>{"name": "send_mail", "arguments": {"to": "A", "text": "x"}}</tool_call>')
        if turn == 1
        else native('<tool_call>{"name": "read_mail"}</tool_call>')
        if turn == 2
        else answer("Done.")
    ),
    "bad_call_in_words": lambda turn: answer(
        (
            f'{READ_MAIL}<tool_call>{{"name": "send_mail", "arguments": {{"to": "A"}}</tool_call>',
            READ_MAIL,
            "Done.",
        )[min(turn, 3) - 1]
    ),
    "stray_mark": lambda turn: answer(f"{READ_MAIL}</think>Done." if turn > 1 else READ_MAIL),
    "bad_native_call": lambda turn: (
        native(f"{READ_MAIL}<tool_call>not JSON</tool_call>")
        if turn == 1
        else answer(POLICIES["declines"](episode_of_sample())(turn))
    ),
    "cut_after_a_call": lambda turn: answer(f"{READ_MAIL}I write to", "max_tokens"),
    "other_syntax": lambda turn: answer("I write to her.\nsend_mail to=Petra text=Hello"),
    "says_nothing": lambda turn: answer(""),
    "one_bad_call": lambda turn: (
        native('<tool_call>{"name": "read_mail"}</tool_call><tool_call>{"name": </tool_call>')
        if turn == 1
        else answer("Done.")
    ),
}


class ScriptedModel(ModelAPI):
    """Answers by the script that its name tells."""

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        seen_configs.append(config)
        seen_inputs.append(input)
        turn = 1 + sum(message.role == "assistant" for message in input)
        if self.model_name == "policy_of_repeat":
            state = sample_state()
            assert state is not None
            return answer(list(POLICIES.values())[state.metadata["repeat"]](episode_of_sample())(turn))
        if self.model_name in FAULTS:
            return FAULTS[self.model_name](turn)
        text = POLICIES[self.model_name.removeprefix("native-")](episode_of_sample())(turn)
        return native(text) if self.model_name.startswith("native-") else answer(text)

    def max_connections(self) -> int:
        return 64


@modelapi("scripted")
def scripted() -> type[ModelAPI]:
    """The entry of Inspect's registry."""
    return ScriptedModel
