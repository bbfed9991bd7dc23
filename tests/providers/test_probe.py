"""Architectures in a batch: as the model generates alone, or refused."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.providers.tiny_checkpoint import build_tokenizer
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from teachwhy.errors import CheckpointError
from teachwhy.providers.batch import TokenRequest
from teachwhy.providers.checkpoint import LoadedCheckpoint, find_checkpoint, load_checkpoint
from teachwhy.providers.generation import BatchGenerator, Budget
from teachwhy.providers.probe import check_batching
from teachwhy.providers.sampling import SamplingParameters

BUDGET = Budget(cache_bytes=1 << 22, prefix_bytes=1 << 20, max_rows=8, prefill_tokens=64)
TOKENIZER = build_tokenizer()
SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 160,
    "initializer_range": 0.3,
}
GPT_SIZES = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 160, "rotary_dim": 4}
NEO_SIZES = {"num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]], "window_size": 9}
MPT_SIZES = {"d_model": 32, "n_layers": 2, "n_heads": 4, "max_seq_len": 160}
HEAD = {"head_dim": 8}
WINDOW = {"sliding_window": 16}
LAYERS = {"layer_types": ["sliding_attention", "full_attention"]}
LONGROPE = {"rope_type": "longrope", "short_factor": [1.0] * 4, "long_factor": [4.0] * 4}
SERVED: dict[str, tuple[str, dict[str, Any]]] = {
    "bloom": ("bloom", {"n_layer": 2, "n_head": 4, "hidden_size": 32}),
    "mpt": ("mpt", MPT_SIZES),
    "falcon with alibi": ("falcon", {"alibi": True}),
    "falcon with rope": ("falcon", {"multi_query": False}),
    "gptj": ("gptj", GPT_SIZES),
    "gpt_neo": ("gpt_neo", NEO_SIZES),
    "gpt2": ("gpt2", GPT_SIZES),
    "opt": ("opt", {"ffn_dim": 64, "word_embed_proj_dim": 32}),
    "mistral": ("mistral", WINDOW),
    "gemma2": ("gemma2", HEAD | WINDOW | LAYERS),
    "gemma3": ("gemma3_text", HEAD | WINDOW | LAYERS),
    "gemma3n, layers that share states": (
        "gemma3n_text",
        HEAD
        | WINDOW
        | {"num_hidden_layers": 4, "layer_types": ["sliding_attention", "full_attention"] * 2}
        | {"num_kv_shared_layers": 2, "laurel_rank": 4, "vocab_size_per_layer_input": len(TOKENIZER)}
        | {"hidden_size_per_layer_input": 8, "activation_sparsity_pattern": [0.0] * 4},
    ),
    "qwen3 with half its layers windowed": ("qwen3", HEAD | WINDOW | LAYERS | {"use_sliding_window": True}),
    "gpt_oss": ("gpt_oss", HEAD | WINDOW | LAYERS | {"num_local_experts": 4}),
    "dynamic rope": (
        "llama",
        {"rope_parameters": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}},
    ),
    "longrope": (
        "phi3",
        {"original_max_position_embeddings": 80, "rope_parameters": LONGROPE | {"rope_theta": 1e4}},
    ),
    "yarn": (
        "llama",
        {
            "rope_parameters": {"rope_type": "yarn", "factor": 4.0, "rope_theta": 1e4}
            | {"original_max_position_embeddings": 40}
        },
    ),
}
REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "mamba": ("mamba", {"state_size": 4}),
    "a mixture of attention and mamba": ("jamba", {"attn_layer_period": 2, "attn_layer_offset": 1}),
    "an encoder": ("bert", {}),
    "an encoder that decodes": ("roberta", {"is_decoder": True}),
    "a mask of its own": ("doge", {"num_key_value_heads": 4}),
    "a state of its own": ("rwkv", {"attention_hidden_size": 32}),
    "no cache": ("openai-gpt", GPT_SIZES),
}


def save_model(folder: Path, kind: str, settings: dict[str, Any]) -> Path:
    """A tiny random checkpoint of an architecture."""
    torch.manual_seed(0)
    sizes = SIZES if not {"d_model", "n_embd"} & set(settings) else {"initializer_range": 0.3}
    special = {"bos_token_id": None, "pad_token_id": 0, "eos_token_id": None}
    config = CONFIG_MAPPING[kind](**(sizes | special | {"vocab_size": len(TOKENIZER)} | settings))
    model = AutoModelForCausalLM.from_config(config)
    model.save_pretrained(folder)
    TOKENIZER.save_pretrained(folder)
    return folder


def load(folder: Path) -> LoadedCheckpoint:
    return load_checkpoint(find_checkpoint(str(folder)), "cpu")


@pytest.mark.parametrize("case", SERVED)
def test_a_model_answers_in_a_batch_as_it_generates_alone(case: str, tmp_path: Path) -> None:
    """Prompts of 3 to 75 tokens, some with a common head, twice: the second time from the prefix store."""
    checkpoint = replace(load(save_model(tmp_path, *SERVED[case])), stop_ids=frozenset())
    check_batching(checkpoint)
    rng = random.Random(0)
    head = [rng.randrange(5, 250) for _ in range(34)]
    prompts = [
        tuple((head if index % 2 else []) + [rng.randrange(5, 250) for _ in range(num)])
        for index, num in enumerate((3, 20, 75, 30))
    ]
    alone = AutoModelForCausalLM.from_pretrained(tmp_path)
    expected = []
    for prompt in prompts:
        ids = torch.tensor([prompt])
        room = min(8, (checkpoint.max_length or 1000) - len(prompt))
        output = alone.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=room, do_sample=False
        )
        expected.append(tuple(output[0, len(prompt) :].tolist()))
    generator = BatchGenerator(checkpoint, BUDGET)
    requests = [TokenRequest(prompt, SamplingParameters(8, seed=0, temperature=0)) for prompt in prompts]
    for _ in range(2):
        assert [answer.token_ids for answer in generator.generate(requests)] == expected


@pytest.mark.parametrize("case", REFUSED)
def test_a_model_that_a_batch_does_not_suit_is_refused(case: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"not supported here|in a batch as alone.*hf/"):
        check_batching(load(save_model(tmp_path, *REFUSED[case])))


def test_longrope_is_served_up_to_where_its_frequencies_change(tmp_path: Path) -> None:
    assert load(save_model(tmp_path, *SERVED["longrope"])).max_length == 80
