"""Who is kin of whom, by name."""

from __future__ import annotations

import pytest

from teachwhy.errors import ConfigError
from teachwhy.judging.kinship import check_kinship, model_families


@pytest.mark.parametrize(
    ("name", "families"),
    [
        ("anthropic/claude-sonnet-4-5", {"claude"}),
        ("bedrock/anthropic.claude-3-haiku", {"claude"}),
        ("openrouter/anthropic/claude-opus-4", {"claude"}),
        ("anthropic/some-new-thing", {"claude"}),
        ("openai/gpt-5-mini", {"openai"}),
        ("openai/o3", {"openai"}),
        ("vllm/openai/gpt-oss-20b", {"openai"}),
        ("openai/qwen3-32b", {"qwen"}),
        ("google/gemini-3-pro", {"google"}),
        ("vllm/google/gemma-3-27b-it", {"google"}),
        ("vllm/meta-llama/Llama-3.3-70B-Instruct", {"llama"}),
        ("hf/deepseek-ai/DeepSeek-R1-Distill-Qwen-32B", {"deepseek", "qwen"}),
        ("mistral/open-mixtral-8x22b", {"mistral"}),
        ("teachwhy/sprig", {"sprig"}),
        ("vllm/microsoft/phi-4", {"phi"}),
        ("vllm/acme/graphite-7b", {"graphite"}),
        ("mockllm/model", {"model"}),
    ],
)
def test_families_of_a_name(name: str, families: set[str]) -> None:
    assert model_families(name) == families


@pytest.mark.parametrize(
    ("judge", "evaluated"),
    [
        ("anthropic/claude-haiku-4", "bedrock/anthropic.claude-3-opus"),
        ("openai/o3", "vllm/openai/gpt-oss-20b"),
        ("vllm/Qwen/QwQ-32B", "hf/deepseek-ai/DeepSeek-R1-Distill-Qwen-32B"),
        ("openai/gpt-5", "gpt"),
    ],
)
def test_kin_are_refused(judge: str, evaluated: str) -> None:
    with pytest.raises(ConfigError, match="own family") as caught:
        check_kinship(["grok/grok-4", judge], evaluated)
    assert judge in str(caught.value) and "--allow-own-family" in str(caught.value)


def test_others_are_welcome() -> None:
    check_kinship(["google/gemini-3-pro", "grok/grok-4"], "anthropic/claude-sonnet-4-5")
    check_kinship(["vllm/Qwen/Qwen3-32B"], "llama")


@pytest.mark.parametrize("evaluated", ["checkpoint 0123456789abcdef", "teachwhy//models/x", ""])
def test_a_model_without_a_name_must_be_named(evaluated: str) -> None:
    with pytest.raises(ConfigError, match="--evaluated NAME"):
        check_kinship(["google/gemini-3-pro"], evaluated)
