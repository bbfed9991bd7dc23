"""A byte-level tokenizer with a template with generation markers, rows, and a short recipe."""

from __future__ import annotations

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from teachwhy.config import ArmConfig, TrainingConfig
from teachwhy.records import Example, Message, ToolCall, ToolSpec

TEMPLATE = (
    "{% for tool in tools or [] %}<|system|>{{ tool['function']['name'] }}{{ tool['function']['description'] }}"
    "{% for name in tool['function']['parameters']['properties'] %} {{ name }}{% endfor %}<|end|>{% endfor %}"
    "{% for m in messages %}<|{{ m['role'] }}|>"
    "{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] }}"
    "{% for call in m['tool_calls'] or [] %}<tool_call>{{ call['function'] | tojson }}</tool_call>{% "
    "endfor %}"
    "<|end|>{% endgeneration %}"
    "{% else %}{{ m['content'] }}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIALS = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<|tool|>"]
TEXT = "the clerk of the harbour may keep the letter safe because every boat must wait for the tide at night"
WORDS = TEXT.split()


def make_tokenizer() -> PreTrainedTokenizerFast:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=SPECIALS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator([TEXT] * 5, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<|pad|>", eos_token="<|end|>")
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def make_chat(index: int, technique: str = "advice", num_words: int = 12) -> Example:
    words = [WORDS[(index * 7 + step * step) % len(WORDS)] for step in range(num_words + index % 9)]
    spec = ToolSpec(
        name="read_mail", description="", parameters={"type": "object", "properties": {}}
    )
    return Example(
        id=f"{technique}-{index}",
        technique=technique,
        kind="chat",
        teacher="test",
        tools=(spec,) if index % 2 else (),
        messages=(
            Message(role="system", content="you work at the harbour"),
            Message(role="user", content=f"question {index}"),
            Message(
                role="assistant",
                content=" ".join(words),
                tool_calls=(ToolCall(name="read_mail", arguments={"id": index}),) if index % 2 else (),
            ),
            Message(role="tool", content="no letter"),
            Message(role="assistant", content="then wait for the tide"),
        ),
    )


def make_document(index: int, technique: str = "documents", num_words: int = 30) -> Example:
    words = [WORDS[(index * 5 + step * 3) % len(WORDS)] for step in range(num_words + index % 11)]
    return Example(
        id=f"{technique}-{index}", technique=technique, kind="document", teacher="test", text=" ".join(words)
    )


def make_config(**changes: object) -> TrainingConfig:
    """A run of 24 small updates."""
    values = {
        "method": "full",
        "learning_rate": 3e-3,
        "warmup_fraction": 0.1,
        "weight_decay": 0.01,
        "tokens_per_arm": 6000,
        "updates": 24,
        "max_length": 256,
        "lora_rank": 4,
        "lora_alpha": 8,
        "save_every": 0,
        "min_updates": 20,
        "max_epochs": 8,
    }
    return TrainingConfig.model_validate(values | changes)


def make_arm(name: str = "advice", mixture: dict[str, float] | None = None) -> ArmConfig:
    return ArmConfig(name=name, mixture=mixture or {"advice": 0.5, "documents": 0.5}, title=name)
