"""What is a usable checkpoint, and what is refused with which words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from tests.providers.tiny_checkpoint import END, build_checkpoint
from transformers import AutoModelForCausalLM

from teachwhy.errors import CheckpointError
from teachwhy.providers.checkpoint import LoadedCheckpoint, find_checkpoint, load_checkpoint


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """The random checkpoint, to be spoilt."""
    return shutil.copytree(folder, tmp_path / "copy")


@pytest.fixture
def adapter(folder: Path, tmp_path: Path) -> Path:
    """A LoRA adapter of the random checkpoint that changes what it says."""
    torch.manual_seed(3)
    base = AutoModelForCausalLM.from_pretrained(folder)
    config = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    get_peft_model(base, config).save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def edit_json(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")


def logits(model: torch.nn.Module) -> torch.Tensor:
    with torch.inference_mode():
        return model(input_ids=torch.arange(5, 25)[None]).logits


def test_a_cpu_checkpoint_is_float32_whatever_it_was_stored_as(tmp_path: Path) -> None:
    folder = build_checkpoint(tmp_path)
    AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).save_pretrained(folder)
    assert json.loads((folder / "config.json").read_text(encoding="utf-8"))["dtype"] == "bfloat16"
    assert load_checkpoint(find_checkpoint(str(folder)), "cpu").model.dtype == torch.float32
    assert load_checkpoint(find_checkpoint(str(folder)), "cpu", "bfloat16").model.dtype == torch.bfloat16


def test_turns_end_where_the_template_ends_them(copy: Path) -> None:
    """A checkpoint that declares another end of text still stops after its turn."""
    for name in ("config.json", "generation_config.json"):
        edit_json(copy / name, eos_token_id=0)
    edit_json(copy / "tokenizer_config.json", eos_token="<|endoftext|>")
    checkpoint = load_checkpoint(find_checkpoint(str(copy)))
    assert checkpoint.stop_ids == set(checkpoint.tokenizer.convert_tokens_to_ids([END, "<|endoftext|>"]))


def test_control_texts_are_the_templates_own_tokens_and_not_tool_tags(checkpoint: LoadedCheckpoint) -> None:
    assert set(checkpoint.control_texts) == {END, "<|im_start|>", "<|endoftext|>"}


def test_an_adapter_is_merged_into_its_base(folder: Path, adapter: Path) -> None:
    loaded = load_checkpoint(find_checkpoint(str(adapter)))
    expected = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(folder), adapter)
    torch.testing.assert_close(logits(loaded.model), logits(expected))
    assert not torch.allclose(logits(loaded.model), logits(AutoModelForCausalLM.from_pretrained(folder)))
    assert loaded.tokenizer.chat_template


def test_the_base_of_an_adapter_can_be_given(copy: Path, adapter: Path) -> None:
    edit_json(adapter / "adapter_config.json", base_model_name_or_path="someone/somewhere")
    with pytest.raises(CheckpointError, match=r"nothing is downloaded.*-M base=FOLDER"):
        find_checkpoint(str(adapter))
    assert find_checkpoint(str(adapter), base=str(copy)).base == copy.resolve()
    edit_json(adapter / "adapter_config.json", base_model_name_or_path=None)
    with pytest.raises(CheckpointError, match="base_model_name_or_path is None"):
        find_checkpoint(str(adapter))
    with pytest.raises(CheckpointError, match="is an adapter itself"):
        find_checkpoint(str(adapter), base=str(adapter))
    with pytest.raises(CheckpointError, match="it is no adapter"):
        find_checkpoint(str(copy), base=str(copy))


def test_pickled_weights_are_refused(copy: Path, adapter: Path) -> None:
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="Only safetensors"):
        find_checkpoint(str(copy))
    (adapter / "adapter_model.safetensors").rename(adapter / "adapter_model.bin")
    with pytest.raises(CheckpointError, match="Only safetensors"):
        find_checkpoint(str(adapter))


def test_a_missing_chat_template_is_refused(copy: Path) -> None:
    (copy / "chat_template.jinja").unlink()
    with pytest.raises(CheckpointError, match=r"no chat template.*chat_template\.jinja"):
        find_checkpoint(str(copy))
    (copy / "chat_template.jinja").write_text("", encoding="utf-8")
    with pytest.raises(CheckpointError, match="no chat template"):
        load_checkpoint(find_checkpoint(str(copy)))


def test_folders_that_are_no_checkpoints_are_refused(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no such folder"):
        find_checkpoint(str(tmp_path / "nowhere"))
    with pytest.raises(CheckpointError, match=r"no config\.json"):
        find_checkpoint(str(tmp_path))
    (copy / "config.json").write_text("{", encoding="utf-8")
    with pytest.raises(CheckpointError, match="cannot be read as JSON"):
        find_checkpoint(str(copy))


def test_code_of_the_checkpoint_is_not_run(copy: Path) -> None:
    trap = copy / "run"
    (copy / "trap.py").write_text(f"open({str(trap)!r}, 'w')\nclass Trap: ...\n", encoding="utf-8")
    edit_json(
        copy / "config.json",
        model_type="trap",
        auto_map={"AutoConfig": "trap.Trap", "AutoModelForCausalLM": "trap.Trap"},
    )
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load_checkpoint(find_checkpoint(str(copy)))
    assert not trap.exists()


def test_broken_weights_and_unknown_kinds_are_refused(copy: Path) -> None:
    with pytest.raises(CheckpointError, match="device = 'tpu'"):
        load_checkpoint(find_checkpoint(str(copy)), device="tpu")
    with pytest.raises(CheckpointError, match="dtype = 'int8'"):
        load_checkpoint(find_checkpoint(str(copy)), dtype="int8")
    (copy / "model.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(CheckpointError, match="cannot be loaded"):
        load_checkpoint(find_checkpoint(str(copy)))


def test_layers_without_keys_and_values_are_refused(copy: Path) -> None:
    edit_json(copy / "config.json", layer_types=["full_attention", "linear_attention"])
    with pytest.raises(CheckpointError, match=r"linear_attention.*not supported"):
        load_checkpoint(find_checkpoint(str(copy)))


def test_the_digest_of_an_adapter_follows_its_base(copy: Path, adapter: Path) -> None:
    edit_json(adapter / "adapter_config.json", base_model_name_or_path=str(copy))
    first = find_checkpoint(str(adapter)).hash()
    assert find_checkpoint(str(adapter)).hash() == first != find_checkpoint(str(copy)).hash()
    edit_json(copy / "config.json", rope_theta=500.0)
    second = find_checkpoint(str(adapter)).hash()
    edit_json(adapter / "adapter_config.json", lora_alpha=99)
    assert len({first, second, find_checkpoint(str(adapter)).hash()}) == 3


@pytest.mark.parametrize(
    ("base", "shown"),
    [("a\0b", "'a\\x00b'"), ("x" * 5000, "xxx..."), ("\x1b[2Jgone", "'\\x1b[2Jgone'"), (["\x07"], "'\\x07'")],
)
def test_names_in_a_config_cannot_steer_a_terminal(base: object, shown: str, adapter: Path) -> None:
    edit_json(adapter / "adapter_config.json", base_model_name_or_path=base)
    with pytest.raises(CheckpointError) as caught:
        find_checkpoint(str(adapter))
    text = str(caught.value).replace(str(adapter.resolve()), "")
    assert shown in text and text.isprintable() and len(text) < 900


def test_the_name_of_a_folder_cannot_steer_a_terminal(copy: Path, tmp_path: Path) -> None:
    odd = copy.rename(tmp_path / "\x1b[2J")
    (odd / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"\\x1b\[2J: no config\.json") as caught:
        find_checkpoint(str(odd))
    assert str(caught.value).isprintable()


def test_values_of_a_config_cannot_steer_a_terminal(copy: Path) -> None:
    edit_json(copy / "config.json", model_type="\x1b[2J" + "x" * 5000)
    with pytest.raises(CheckpointError, match="cannot be loaded") as caught:
        load_checkpoint(find_checkpoint(str(copy)))
    assert str(caught.value).isprintable() and len(str(caught.value)) < 900 + len(str(copy))


def test_json_that_is_nested_too_deeply_is_refused(copy: Path) -> None:
    (copy / "config.json").write_text("[" * 200_000, encoding="utf-8")
    with pytest.raises(CheckpointError, match="cannot be read as JSON"):
        find_checkpoint(str(copy))
