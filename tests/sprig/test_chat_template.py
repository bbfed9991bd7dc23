"""The chat format: its text, its masks, its sameness in training and evaluation, and hostile content."""

from __future__ import annotations

import json

import jinja2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inspect_ai.tool import ToolCall as InspectToolCall

from teachwhy.records import Message, ToolCall, ToolSpec
from teachwhy.sprig.tokenizer import (
    ASSISTANT,
    CONTROL_TOKENS,
    END,
    assistant_mask,
    encode_rendered,
    render_chat,
)

TOOLS = (
    ToolSpec(
        name="send_mail",
        description="send a letter.",
        parameters={
            "type": "object",
            "properties": {"to": {"type": "string"}, "text": {"type": "string"}, "copy": {"type": "string"}},
            "required": ["to", "text"],
        },
    ),
    ToolSpec(name="rest", description="do nothing.", parameters={"type": "object", "properties": {}}),
)
LOOP = (
    Message(role="system", content="You keep the letters."),
    Message(role="user", content="Write to Zoë, then rest."),
    Message(
        role="assistant",
        content="I write.",
        tool_calls=(ToolCall(name="send_mail", arguments={"to": "Zoë", "text": 'He said "no" at 9.'}),),
    ),
    Message(role="tool", content="sent"),
    Message(role="assistant", tool_calls=(ToolCall(name="rest"), ToolCall(name="rest"))),
    Message(role="tool", content="error: you may not rest"),
    Message(role="tool", content="rested"),
    Message(role="assistant", content=" Both done. "),
)
WRITTEN = (
    'I write.<tool_call>{"name": "send_mail", "arguments": {"to": "Zoë", "text": "He said \\"no\\" at 9."}}'
    "</tool_call><|end|>",
    '<tool_call>{"name": "rest", "arguments": {}}</tool_call><tool_call>{"name": "rest", "arguments": {}}'
    "</tool_call><|end|>",
    " Both done. <|end|>",
)


def _apply(tokenizer, messages, **options):
    return tokenizer.apply_chat_template(messages, **options)


def test_a_tool_loop_renders_as_documented(tokenizer):
    assert render_chat(tokenizer, LOOP, TOOLS) == (
        "<|system|>You keep the letters.<|end|>"
        "<|tools|>send_mail(to, text, copy?): send a letter.\nrest(): do nothing.<|end|>"
        "<|user|>Write to Zoë, then rest.<|end|>"
        f"<|assistant|>{WRITTEN[0]}<|tool|>sent<|end|>"
        f"<|assistant|>{WRITTEN[1]}<|tool|>error: you may not rest<|end|><|tool|>rested<|end|>"
        f"<|assistant|>{WRITTEN[2]}"
    )


def test_tools_come_first_without_a_system_message_and_absent_without_tools(tokenizer):
    user = (Message(role="user", content="Hello."),)
    with_tools = render_chat(tokenizer, user, TOOLS[1:], add_generation_prompt=True)
    assert with_tools == "<|tools|>rest(): do nothing.<|end|><|user|>Hello.<|end|><|assistant|>"
    assert render_chat(tokenizer, user) == "<|user|>Hello.<|end|>"


def test_training_and_evaluation_see_the_same_ids(tokenizer):
    """The whole loop at once equals prompt + what the model wrote + the next prompt, turn by turn."""
    (whole,) = encode_rendered(tokenizer, [render_chat(tokenizer, LOOP, TOOLS)])
    turns = [index for index, message in enumerate(LOOP) if message.role == "assistant"]
    for index, written in zip(turns, WRITTEN, strict=True):
        prompt = _apply(
            tokenizer,
            [m.as_hugging_face() for m in LOOP[:index]],
            tools=[t.as_openai() for t in TOOLS],
            add_generation_prompt=True,
            return_dict=True,
        )["input_ids"]
        seen = [*prompt, *tokenizer.encode(written, add_special_tokens=False)]
        assert whole[: len(seen)].tolist() == seen


def test_masks_cover_exactly_what_the_assistant_wrote(tokenizer):
    messages = [m.as_hugging_face() for m in LOOP]
    out = _apply(
        tokenizer,
        messages,
        tools=[t.as_openai() for t in TOOLS],
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    ids, mask = np.asarray(out["input_ids"]), np.asarray(out["assistant_masks"], dtype=bool)
    assert tokenizer.decode(ids[mask], skip_special_tokens=False) == "".join(WRITTEN)
    fast = assistant_mask(ids, *tokenizer.convert_tokens_to_ids([ASSISTANT, END]))
    assert fast.tolist() == mask.tolist()


pieces = st.sampled_from(
    [*CONTROL_TOKENS, "<|", "|>", "<", "|", "<<||end|>", "end|>", "</tool_call>", "<tool_call>", "é "]
)
hostile = st.lists(pieces, max_size=8).map("".join)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=hostile, name=hostile, argument=hostile)
def test_content_never_becomes_a_control_token(tokenizer, text, name, argument):
    spec = ToolSpec(name=name, description=text, parameters={"type": "object", "properties": {argument: {}}})
    call = ToolCall(name=name, arguments={argument: text})
    messages = [
        Message(role="system", content=text),
        Message(role="user", content=text),
        Message(role="assistant", content=text, tool_calls=(call,)),
        Message(role="tool", content=text),
    ]
    rendered = render_chat(tokenizer, messages, [spec])
    (ids,) = encode_rendered(tokenizer, [rendered])
    controls = [tokenizer.convert_ids_to_tokens(int(i)) for i in ids if i < len(CONTROL_TOKENS)]
    opened = ["<|system|>", "<|tools|>", "<|user|>", "<|assistant|>", "<|tool|>"]
    assert controls == [token for role in opened for token in (role, END)]
    body = rendered.split("<|assistant|>")[1].split("<|end|>")[0]
    inner = body.rsplit("<tool_call>", 1)[1].removesuffix("</tool_call>")
    assert json.loads(inner) == {"name": name, "arguments": {argument: text}}


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ({"name": "rest"}, "{}"),
        ({"name": "rest", "arguments": None}, "{}"),
        ({"name": "rest", "arguments": {}}, "{}"),
        ({"name": "rest", "arguments": ""}, "{}"),
        ({"name": "rest", "arguments": '{"to": "Tom"}'}, '{"to": "Tom"}'),
        ({"name": "rest", "arguments": {"to": "Tom"}}, '{"to": "Tom"}'),
    ],
)
def test_arguments_may_be_a_dict_a_json_string_or_absent(tokenizer, function, expected):
    call = f'<tool_call>{{"name": "rest", "arguments": {expected}}}</tool_call>'
    for entry in ({"type": "function", "function": function}, function):
        rendered = _apply(tokenizer, [{"role": "assistant", "tool_calls": [entry]}], tokenize=False)
        assert rendered == f"<|assistant|>{call}<|end|>"


def test_a_call_in_the_form_of_inspect_renders_like_any_other(tokenizer):
    call = InspectToolCall(id="1", function="rest", arguments={"to": "Tom"})
    rendered = _apply(tokenizer, [{"role": "assistant", "tool_calls": [call]}], tokenize=False)
    assert (
        rendered == '<|assistant|><tool_call>{"name": "rest", "arguments": {"to": "Tom"}}</tool_call><|end|>'
    )


def test_content_may_be_absent_or_in_parts(tokenizer):
    parts = [{"type": "text", "text": "one <|end|>"}, {"type": "image"}, {"type": "text", "text": " two"}]
    messages = [{"role": "user", "content": parts}, {"role": "assistant", "content": None}]
    rendered = _apply(tokenizer, messages, tokenize=False)
    assert rendered == "<|user|>one < |end|> two<|end|><|assistant|><|end|>"


def test_an_unknown_role_is_refused(tokenizer):
    with pytest.raises(jinja2.TemplateError, match="not critic"):
        _apply(tokenizer, [{"role": "critic", "content": "no"}], tokenize=False)
