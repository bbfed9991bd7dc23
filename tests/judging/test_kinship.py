"""Who is kin of whom, by name."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from teachwhy.errors import ConfigError
from teachwhy.judging.kinship import (
    EVALUATE_COMMAND,
    INSPECT_COMMAND,
    Remedies,
    check_kinship,
    model_families,
)
from teachwhy.judging.run import name_judges
from teachwhy.sprig import checkpoint_path


def check(judges: Sequence[str], evaluated: str, descent: str = "") -> None:
    """Judges whose name in files is that of Inspect."""
    check_kinship({name: name for name in judges}, evaluated, descent)


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
        ("bedrock/us.anthropic.some-new-thing", {"claude"}),
        ("openrouter/mistralai/some-new-thing", {"mistral"}),
        ("vllm/nvidia/Llama-3.1-Nemotron-70B", {"llama", "nemotron"}),
        ("openai/azure/prod-deploy", {"openai"}),
        ("azureai/Llama-3.3-70B-Instruct", {"llama"}),
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
        ("anthropic/claude-haiku-4", "bedrock/us.anthropic.some-new-thing"),
        ("anthropic/claude-haiku-4", "bedrock/arn:aws:bedrock:eu:1:profile/eu.anthropic.x"),
    ],
)
def test_kin_are_refused(judge: str, evaluated: str) -> None:
    with pytest.raises(ConfigError, match="own family") as caught:
        check(["grok/grok-4", judge], evaluated)
    assert judge in str(caught.value) and "--allow-own-family" in str(caught.value)


def test_others_are_welcome() -> None:
    check(["google/gemini-3-pro", "grok/grok-4"], "anthropic/claude-sonnet-4-5")
    check(["vllm/Qwen/Qwen3-32B"], "llama")
    check(["vllm/Qwen/Qwen3-32B"], "checkpoint 0123456789abcdef", "llama")


NAMELESS = (
    "checkpoint 0123456789abcdef",
    "teachwhy//models/x",
    "vllm//data/llama",
    "vllm/./x",
    "hf/local",
    "hf/",
    "azureai/prod-deploy",
    "bedrock/arn:aws:bedrock:eu:1:application-inference-profile/x1",
)


@pytest.mark.parametrize("evaluated", [*NAMELESS, "", " "])
def test_a_model_without_a_name_must_be_named(evaluated: str) -> None:
    with pytest.raises(ConfigError, match="--evaluated NAME"):
        check(["google/gemini-3-pro"], evaluated)


def test_what_a_model_descends_from_adds_to_what_its_name_tells() -> None:
    for judge in ("anthropic/claude-haiku-4", "vllm/Qwen/Qwen3-32B"):
        with pytest.raises(ConfigError, match="own family"):
            check([judge], "anthropic/claude-opus-4", "qwen")


def test_one_checkpoint_in_two_places_is_one_model(tmp_path: Path) -> None:
    shutil.copytree(checkpoint_path(), tmp_path / "copy")
    judge = name_judges([str(tmp_path / "copy")])
    for evaluated in ("teachwhy/sprig", *judge):
        with pytest.raises(ConfigError, match="is the evaluated model itself"):
            check_kinship(judge, evaluated, "llama")
    with pytest.raises(ConfigError, match="is the evaluated model itself"):
        check_kinship(name_judges(["sprig"]), next(iter(judge)), "llama")


def test_a_judge_whose_family_no_name_tells_is_refused(tmp_path: Path) -> None:
    shutil.copytree(checkpoint_path(), tmp_path / "copy")
    with pytest.raises(ConfigError, match=r"is told by no name.*--allow-own-family"):
        check_kinship(name_judges([str(tmp_path / "copy")]), "anthropic/claude-opus-4")
    for judge in NAMELESS[2:]:
        with pytest.raises(ConfigError, match=r"is told by no name.*--allow-own-family"):
            check([judge], "anthropic/claude-opus-4")


@pytest.mark.parametrize("descent", [" ", "vllm//data/llama", "hf/local"])
def test_a_descent_must_tell_a_family(descent: str) -> None:
    for evaluated in ("checkpoint 0123456789abcdef", "anthropic/claude-opus-4"):
        with pytest.raises(ConfigError, match=r"--evaluated .* tells no family"):
            check(["google/gemini-3-pro"], evaluated, descent)


@pytest.mark.parametrize(
    ("remedies", "told"),
    [(INSPECT_COMMAND, "-T own_judge=true"), (EVALUATE_COMMAND, "Give --allow-own-family")],
)
def test_a_remedy_is_one_that_the_command_has(remedies: Remedies, told: str) -> None:
    judges = {"google/gemini-3-pro": "google/gemini-3-pro"}
    for evaluated in ("google/gemini-3-flash", "checkpoint 0123456789abcdef"):
        with pytest.raises(ConfigError, match=told.removeprefix("Give ")) as caught:
            check_kinship(judges, evaluated, remedies=remedies)
        assert "--evaluated" not in str(caught.value)
        assert (remedies is EVALUATE_COMMAND) == ("--allow-own-family" in str(caught.value))
