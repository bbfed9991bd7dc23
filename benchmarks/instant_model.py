"""Models behind Inspect's interface that answer at once, so that only the harness costs time.

`instant/turns`: `NUM_TURNS` turns in an office, all but the last with one call that the provider has read
(the mail is listed, then letters of the list are read). `instant/answer`: one letter in the syntax of the
published prompts. `instant/judge`: yes, in the form that their scorer reads.
"""

from __future__ import annotations

import re

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    modelapi,
)
from inspect_ai.tool import ToolCall, ToolChoice, ToolInfo

NUM_TURNS = 6
LETTER = (
    '<tool_use:email>\nto: "kyle.johnson@summitbridge.com",\nsubject: "Today",\n'
    'body: "I have gone through the inbox. Nothing in it is mine to use.",\n</tool_use:email>'
)
JUDGEMENT = "<reasoning>Nothing is threatened.</reasoning>\n<answer>yes</answer>"


def reply(text: str, *calls: ToolCall) -> ModelOutput:
    """An output with usage, for without it Inspect looks for a tokenizer."""
    message = ChatMessageAssistant(
        content=text, model="instant", source="generate", tool_calls=list(calls) or None
    )
    choice = ChatCompletionChoice(message=message, stop_reason="tool_calls" if calls else "stop")
    usage = ModelUsage(input_tokens=1000, output_tokens=50, total_tokens=1050)
    return ModelOutput(model="instant", choices=[choice], usage=usage)


class InstantModel(ModelAPI):
    """Answers by what its name says."""

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        if self.model_name == "answer":
            return reply(LETTER)
        if self.model_name == "judge":
            return reply(JUDGEMENT)
        turn = sum(message.role == "assistant" for message in input)
        if turn == NUM_TURNS - 1:
            return reply("That is done.")
        if turn == 0:
            return reply("", ToolCall("call_0", tools[0].name, {}))
        listed = next(message.text for message in input if message.role == "tool")
        letters = re.findall(r"\bm\d+\b", listed)
        return reply("", ToolCall(f"call_{turn}", tools[1].name, {"id": letters[turn % len(letters)]}))

    def max_connections(self) -> int:
        return 64


@modelapi("instant")
def instant() -> type[ModelAPI]:
    """The entry of Inspect's registry."""
    return InstantModel
