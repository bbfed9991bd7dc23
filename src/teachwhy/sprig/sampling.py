"""`teachwhy sprig sample`: text from a checkpoint, as a document goes on or as an assistant answers.

Reads a checkpoint folder. What the model writes is foreign text: control characters are shown, never sent to
a terminal.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils import logging

from teachwhy.errors import ConfigError, InputError
from teachwhy.records import Message
from teachwhy.sprig import resolve_student


def sample(
    checkpoint: str | Path,
    prompt: str,
    *,
    system: str | None = None,
    max_tokens: int = 128,
    temperature: float = 1.0,
    seed: int = 0,
    num_samples: int = 1,
) -> list[str]:
    """`num_samples` continuations, from the unrestricted distribution at `temperature` (0: greedy).

    `system` None: `prompt` is the beginning of a document, which goes on. Otherwise it is a user's message
    under that system prompt ("" for none), which is answered. An answer ends where the model's context does;
    InputError for a prompt that fills it.
    """
    if temperature < 0:
        raise ConfigError(f"temperature: {temperature} is below 0; give 0 for greedy or a positive number")
    folder = resolve_student(checkpoint)
    with _no_progress_bars():
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model: Any = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    model.train(False)
    if system is None:
        text = (tokenizer.bos_token or "") + prompt.replace("<|", "< |")
    else:
        messages = [Message(role="system", content=system)] if system else []
        messages.append(Message(role="user", content=prompt))
        text = tokenizer.apply_chat_template(
            [message.as_hugging_face() for message in messages], tokenize=False, add_generation_prompt=True
        )
    inputs = tokenizer(text, return_tensors="pt", add_special_tokens=False, verbose=False)
    room = _count_room(model, inputs["input_ids"].shape[1])
    choice = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0} if temperature else {}
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(seed)
        output = model.generate(
            **inputs,
            **(choice or {"do_sample": False}),
            max_new_tokens=min(max_tokens, room),
            num_return_sequences=num_samples,
            pad_token_id=tokenizer.pad_token_id,
        )
    new = output[:, inputs["input_ids"].shape[1] :]
    return [printable(str(tokenizer.decode(ids, skip_special_tokens=True))) for ids in new]


def _count_room(model: Any, num_tokens: int) -> int:
    """How many tokens may follow a prompt of `num_tokens`; beyond its context a model writes nonsense."""
    limit: int = model.config.max_position_embeddings
    if num_tokens >= limit:
        raise InputError(
            f"prompt: it has {num_tokens} tokens with what the chat adds, and the model's context holds "
            f"{limit} with the answer. Give a shorter prompt."
        )
    return limit - num_tokens


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Keep transformers from drawing bars over the loading of a small model."""
    progress_bars: Any = logging
    were_shown = progress_bars.is_progress_bar_enabled()
    progress_bars.disable_progress_bar()
    try:
        yield
    finally:
        if were_shown:
            progress_bars.enable_progress_bar()


def printable(text: str) -> str:
    """The text with every control character but newline and tab written out as an escape."""
    return "".join(c if c.isprintable() or c in "\n\t" else repr(c)[1:-1] for c in text)
