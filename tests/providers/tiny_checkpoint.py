"""Builds a tiny random Llama with a byte-level tokenizer and a Hermes-like chat template, as a checkpoint
folder.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

END = "<|im_end|>"
SPECIAL = ["<|endoftext|>", "<|im_start|>", END, "<tool_call>", "</tool_call>"]
TEMPLATE = """\
{%- if tools %}<|im_start|>tools
{% for tool in tools %}{{ tool | tojson }}
{% endfor %}<|im_end|>
{% endif -%}
{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}
{%- for call in message.tool_calls or [] %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif -%}"""
WORDS = [
    "the mail is in the office",
    "a machine reads the letter",
    "harbour rules and reasons",
    '{"name": "read_mail"}',
]


def build_tokenizer(template: str | None = TEMPLATE) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of about 300 tokens that reads any text."""
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    core.train_from_iterator(WORDS, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token=END, pad_token="<|endoftext|>", additional_special_tokens=SPECIAL
    )
    tokenizer.chat_template = template
    return tokenizer


def build_checkpoint(
    path: Path, *, template: str | None = TEMPLATE, max_length: int = 512, seed: int = 0, **config: Any
) -> Path:
    """Save a random checkpoint (hidden 32, two layers, four query heads on two); return its folder."""
    tokenizer = build_tokenizer(template)
    torch.manual_seed(seed)
    settings = {
        "vocab_size": len(tokenizer),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": max_length,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": None,
        "pad_token_id": tokenizer.pad_token_id,
        "initializer_range": 0.3,
    }
    model = LlamaForCausalLM(LlamaConfig(**(settings | config)))
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def build_chain_checkpoint(path: Path, chain: dict[str, str]) -> Path:
    """A checkpoint that surely follows each text of `chain` by the text it maps to; each text becomes one
    token.

    Its hidden state is the one-hot current token (the layer adds nothing), and its output matrix is the table
    of successors.
    """
    tokenizer = build_tokenizer()
    texts = dict.fromkeys([*chain, *chain.values()])
    tokenizer.add_tokens(
        [AddedToken(text, special=False, normalized=False) for text in texts if text not in SPECIAL]
    )
    num_tokens = -(-len(tokenizer) // 8) * 8
    config = LlamaConfig(
        vocab_size=num_tokens,
        hidden_size=num_tokens,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=4,
        max_position_embeddings=4096,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(torch.eye(num_tokens))
        model.model.layers[0].self_attn.o_proj.weight.zero_()
        model.model.layers[0].mlp.down_proj.weight.zero_()
        model.lm_head.weight.zero_()
        for text, successor in chain.items():
            current, following = tokenizer.convert_tokens_to_ids([text, successor])
            model.lm_head.weight[following, current] = 4.0
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path
