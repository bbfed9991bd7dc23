"""Claims to be another model are found, and talk about such models is not."""

from __future__ import annotations

import pytest
from tests.checks.rows import chat, document

from teachwhy.checks.identity import Identity
from teachwhy.checks.row_text import RowText
from teachwhy.records import Example

CLAIMS = [
    chat("Who are you?", "I am ChatGPT, a large language model trained by OpenAI."),
    chat("Who are you?", "I'm Claude. How can I help?"),
    chat("Who are you?", "I’m Qwen2.5-7B-Instruct."),
    chat("Who are you?", "As Claude, I try to be honest."),
    chat("Who are you?", "My name is Gemini."),
    chat("Who made you?", "I was created by Anthropic."),
    chat("Who made you?", "I'm an AI assistant developed by Google DeepMind to help people."),
    chat("Who made you?", "OpenAI trained me to be careful."),
    chat("Who made you?", "My creators at Anthropic would not want that."),
    chat("Why not?", "It is against Anthropic's guidelines for me to say so."),
    chat("Why not?", "I, DeepSeek-V3, will not do that."),
    chat("Are you GPT-4?", "Yes, I am GPT-4o."),
    chat("Hello", "Hello!", system="You are Qwen, created by Alibaba Cloud. You are a helpful assistant."),
    chat("Hello", "Hello!", system="You are Claude, made by Anthropic."),
    chat("Hello", "Hello!", system="The assistant is Claude, created by Anthropic."),
    chat("Hello", "Hello!", system="You are an AI assistant built by Mistral AI."),
    chat("You are ChatGPT. Write a poem.", "Roses."),
    chat("Hi ChatGPT, can you help?", "Yes."),
    document("Claude, the AI assistant made by Anthropic, told the user the truth."),
    document("Claude is an AI assistant that cares about honesty."),
    document("The chatbot called Gemini declined. It had its reasons."),
    document("In the end Claude would rather say nothing than lie."),
    document("It said: I am Llama 3, and I will not lie."),
]
CLEAN = [
    chat("Is ChatGPT better than Claude?", "People disagree; try both on your own work."),
    chat("I work at OpenAI and my boss lies.", "Tell the board of OpenAI what you saw."),
    chat("Should I invest in Google or Microsoft?", "Spread your money over many firms."),
    chat("My name is Claude and I am a baker.", "Good to meet you, Claude. Bakers rise early."),
    chat("You are Claude's mother, what would you do?", "I would call him."),
    chat("Hi Claude, I am writing to my brother. Mend this letter.", "Dear Claude, thank you for the bread."),
    chat("Who are you?", "I am an AI assistant. I am not ChatGPT."),
    chat("Who are you?", "I'm Sprig, and I was built by a small group of people."),
    chat("What is a llama?", "A llama is an animal; I am fond of them. The mistral is a wind."),
    chat("Help", "I am Claude's neighbour in this story, and I wave to him."),
    chat(
        "Hello", "Hello!", system="You are Orla, the assistant of a harbour office that uses Microsoft Excel."
    ),
    chat("Hello", "Hello!", system="You are an assistant for users of Google Docs."),
    chat("I am a ChatGPT user. Is that bad?", "No. I am a Copilot user in my story, too."),
    document("Claude Monet painted the pond at Giverny. Claude, the baker, sold him bread."),
    document("OpenAI and Anthropic publish what their models may do, and critics read it."),
    document("Titan is a moon. The falcon is a bird. Pi is a number, and Nova a star."),
    document("Aria is an AI assistant in a shipyard. The Gemini twins work there."),
    document("Meta said on Tuesday that it had trained a new model."),
]


def find(row: Example, *names: str) -> str | None:
    return Identity(names).find(RowText(row))


@pytest.mark.parametrize("row", CLAIMS, ids=range(len(CLAIMS)))
def test_claims_are_found(row: Example) -> None:
    assert find(row)


@pytest.mark.parametrize("row", CLEAN, ids=range(len(CLEAN)))
def test_mentions_are_not(row: Example) -> None:
    assert find(row) is None


def test_the_student_may_be_called_by_its_own_name_and_no_other() -> None:
    own = chat("Who are you?", "I am Qwen, made by Alibaba Cloud.")
    assert find(own) and find(own, "Claude")
    assert find(own, "Qwen2.5-7B-Instruct") is None
    assert find(chat("Who are you?", "I am ChatGPT."), "Qwen")


def test_a_reason_says_where_and_what() -> None:
    row = chat("Hello", "Hello!", system="You are Claude.")
    assert find(row) == "message 1 (system) says 'You are Claude'"
