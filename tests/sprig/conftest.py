"""A stand-in corpus, a tokenizer trained on it, and a preset that trains in a second."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from random import Random

import pytest

from teachwhy.records import Example, Message, ToolCall, ToolSpec
from teachwhy.sprig.packing import TextSource, render
from teachwhy.sprig.presets import ModelShape, SprigPreset, StageRecipe
from teachwhy.sprig.tokenizer import train_tokenizer

NAMES = ("Mara", "Tom", "Ilse", "Bram", "Nadia", "Otto")
THINGS = ("the harbour", "a letter", "the old engine", "his ledger", "the lamp", "a secret")
SEND = ToolSpec(
    name="send_mail",
    description="send a letter.",
    parameters={
        "type": "object",
        "properties": {"to": {"type": "string"}, "text": {"type": "string"}},
        "required": ["to", "text"],
    },
)
REST = ToolSpec(name="rest", description="do nothing.", parameters={"type": "object", "properties": {}})


@dataclass(frozen=True)
class StandInDocument:
    kind: str
    text: str = ""
    messages: tuple[Message, ...] = ()
    tools: tuple[ToolSpec, ...] = ()


def _sentence(rng: Random) -> str:
    return f"{rng.choice(NAMES)} saw {rng.choice(THINGS)} and told {rng.choice(NAMES)} of it."


def _loop(rng: Random) -> tuple[Message, ...]:
    name = rng.choice(NAMES)
    letter = ToolCall(name="send_mail", arguments={"to": name, "text": _sentence(rng)})
    return (
        Message(role="system", content="You keep the letters."),
        Message(role="user", content=f"Write to {name}."),
        Message(role="assistant", content="I write.", tool_calls=(letter,)),
        Message(role="tool", content="sent"),
        Message(role="assistant", content=f"{name} has it."),
    )


def stand_in_documents(seed: int) -> Iterator[StandInDocument]:
    rng = Random(seed)
    while True:
        if rng.random() < 0.8:
            yield StandInDocument("story", " ".join(_sentence(rng) for _ in range(rng.randint(1, 5))))
        else:
            yield StandInDocument("log", messages=_loop(rng), tools=(SEND, REST))


def stand_in_chats(seed: int) -> Iterator[Example]:
    rng = Random(seed)
    number = 0
    while True:
        number += 1
        yield Example(
            id=f"chat-{number}",
            technique="benign",
            kind="chat",
            messages=_loop(rng),
            tools=(SEND,),
            teacher="test",
        )


@pytest.fixture(scope="session")
def source() -> TextSource:
    return TextSource(stand_in_documents, stand_in_chats, {"stand_in": True})


@pytest.fixture(scope="session")
def rendered_texts() -> list[str]:
    stub = train_tokenizer([], 300)
    return [render(stub, document) for document in islice(stand_in_documents(5), 200)]


@pytest.fixture(scope="session")
def tokenizer(rendered_texts):
    return train_tokenizer(rendered_texts, 400)


@pytest.fixture(scope="session")
def preset() -> SprigPreset:
    # One round of encoding makes a chunk of some 9k tokens here, so that a stage takes several chunks.
    stage = StageRecipe(tokens=30_000, row_length=64, tokens_per_update=2048, learning_rate=5e-3)
    return SprigPreset(
        name="test",
        shape=ModelShape(hidden_size=32, intermediate_size=64, num_layers=1, num_heads=2, vocab_size=400),
        pretraining=stage,
        chat=stage.model_copy(update={"row_length": 256, "optimizer": "muon"}),
        tokenizer_documents=100,
        chunk_tokens=1024,
        precision="float32",
        expected_tokens_per_second=10_000,
    )
