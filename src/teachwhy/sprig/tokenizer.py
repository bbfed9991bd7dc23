"""sprig's tokenizer: byte-level BPE that encodes any text, with control tokens for turns and documents.

Control tokens are special, so decoding can drop them; the two tool-call tags are added tokens but not
special, so that they survive `decode(skip_special_tokens=True)` and a call can be parsed. Control tokens
written in somebody's message never reach the tokenizer: the chat template takes their "<|" apart, and
`encode_documents` does the same.

Reads texts and chat_template.jinja beside this file; `save_pretrained` of the result writes the standard
folder. Method: byte-level BPE as in Radford et al. 2019, single digits kept apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from teachwhy.records import Message, ToolSpec

PAD, DOCUMENT, END = "<|pad|>", "<|document|>", "<|end|>"
SYSTEM, TOOLS, USER, ASSISTANT, TOOL = "<|system|>", "<|tools|>", "<|user|>", "<|assistant|>", "<|tool|>"
CONTROL_TOKENS = (PAD, DOCUMENT, SYSTEM, TOOLS, USER, ASSISTANT, TOOL, END)
CALL_TAGS = ("<tool_call>", "</tool_call>")
MODEL_MAX_LENGTH = 4096

_WORDS = Regex(r" ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
_CONTROL = re.compile("|".join(re.escape(token) for token in CONTROL_TOKENS + CALL_TAGS))


def chat_template() -> str:
    """The Jinja text of sprig's chat format."""
    return files("teachwhy.sprig").joinpath("chat_template.jinja").read_text(encoding="utf-8")


def train_tokenizer(texts: Iterable[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """Learn the merges from rendered texts; ids 0-7 are the control tokens, the last two the tool-call tags.

    The vocabulary is smaller than `vocab_size` when the texts have too few distinct pairs. Same texts, same
    result.
    """
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(_WORDS, behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    # Untrimmed offsets: a token owns the blank it begins with, or assistant masks would start late.
    backend.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(CALL_TAGS),
        special_tokens=list(CONTROL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        min_frequency=2,
        show_progress=False,
    )
    pieces = (piece for text in texts for piece in _CONTROL.split(text) if piece)
    backend.train_from_iterator(pieces, trainer=trainer)
    backend.add_tokens([AddedToken(tag, special=False, normalized=False) for tag in CALL_TAGS])
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=backend,
        bos_token=DOCUMENT,
        eos_token=END,
        pad_token=PAD,
        extra_special_tokens=[SYSTEM, TOOLS, USER, ASSISTANT, TOOL],
        clean_up_tokenization_spaces=False,
        model_max_length=MODEL_MAX_LENGTH,
        padding_side="right",
        chat_template=chat_template(),
    )


def render_chat(
    tokenizer: Any,
    messages: Sequence[Message],
    tools: Sequence[ToolSpec] = (),
    add_generation_prompt: bool = False,
) -> str:
    """The conversation as sprig's text, control tokens included."""
    rendered = tokenizer.apply_chat_template(
        [message.as_hugging_face() for message in messages],
        tools=[tool.as_openai() for tool in tools] or None,
        tokenize=False,
        add_generation_prompt=add_generation_prompt,
    )
    return str(rendered)


def render_document(text: str) -> str:
    """A plain text as sprig's document: its control-token look-alikes taken apart, its ends marked."""
    return f"{DOCUMENT}{text.replace('<|', '< |')}{END}"


def encode_rendered(tokenizer: Any, texts: Sequence[str]) -> list[np.ndarray]:
    """Token ids (int32, one array a text) of rendered texts, in which control tokens count."""
    encodings = tokenizer.backend_tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    return [np.asarray(encoding.ids, dtype=np.int32) for encoding in encodings]


def encode_documents(tokenizer: Any, texts: Sequence[str]) -> list[np.ndarray]:
    """Token ids of plain documents, begin and end marks included."""
    return encode_rendered(tokenizer, [render_document(text) for text in texts])


def assistant_mask(ids: np.ndarray, assistant_id: int, end_id: int) -> np.ndarray:
    """True (shape of `ids`) for what the assistant wrote: after <|assistant|> up to and with <|end|>.

    Equal to the `{% generation %}` mask of the chat template, and much faster; sound because no content can
    hold a control token.
    """
    opens = np.cumsum(ids == assistant_id)
    ends_before = np.concatenate([[0], np.cumsum(ids == end_id)[:-1]])
    ends_at_open = np.zeros(int(opens[-1]) + 1 if len(opens) else 1, dtype=np.int64)
    positions = np.flatnonzero(ids == assistant_id)
    ends_at_open[1:] = ends_before[positions]
    mask: np.ndarray = (opens > 0) & (ids != assistant_id) & (ends_before == ends_at_open[opens])
    return mask
