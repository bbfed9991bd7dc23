"""A tiny random Llama as a checkpoint folder, and rows for it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.training.tiny import make_chat, make_document, make_tokenizer
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from teachwhy.records import Example


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    return make_tokenizer()


@pytest.fixture(scope="session")
def student(tokenizer: PreTrainedTokenizerFast, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("student")
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def examples() -> dict[str, list[Example]]:
    return {
        "advice": [make_chat(index) for index in range(40)],
        "benign": [make_chat(index, "benign", 8) for index in range(30)],
        "documents": [make_document(index) for index in range(25)],
    }
