"""Finds, checks and loads a local Hugging Face checkpoint: a full model, or a PEFT adapter merged into its
base.

Safetensors only, no code from the checkpoint, no network. Everything that is wrong raises `CheckpointError`.
Importing this module imports neither torch nor transformers.
"""

from __future__ import annotations

import hashlib
import json
import os.path
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from teachwhy.errors import CheckpointError, quote_foreign
from teachwhy.providers.chat_format import ChatFormat, find_chat_format, is_spoken
from teachwhy.run_dir import hash_checkpoint

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

LOCAL_PROVIDER = "teachwhy"
"""Of Inspect, for checkpoints on this machine."""
PACKAGED = "sprig"


@dataclass(frozen=True)
class CheckpointFolder:
    """A checkpoint on disk, checked as far as that goes without loading it."""

    path: Path
    base: Path | None
    """The folder of the full model that `path` adapts; None if `path` is a full model."""

    @property
    def tokenizer_path(self) -> Path:
        """The folder with the tokenizer: the adapter's own where it has one."""
        own = (self.path / "tokenizer.json").exists() or (self.path / "tokenizer_config.json").exists()
        return self.path if own or self.base is None else self.base

    def hash(self) -> str:
        """A digest that changes with any file of the checkpoint, or of the base that it adapts."""
        own = hash_checkpoint(self.path)
        if self.base is None:
            return own
        return hashlib.sha256(f"{own} {hash_checkpoint(self.base)}".encode()).hexdigest()


@dataclass(frozen=True)
class LoadedCheckpoint:
    """A model ready to generate, and what its tokenizer says about turns."""

    model: PreTrainedModel
    stop_ids: frozenset[int]
    """Tokens that end a turn."""
    max_length: int | None
    """Tokens that fit the model's context; None where it has no limit. With RoPE of the kinds "longrope" and
    "dynamic" those that it was first trained with: beyond, each position would change with the longest row of
    the batch.
    """
    chat_format: ChatFormat

    @property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        return self.chat_format.tokenizer

    @property
    def control_texts(self) -> tuple[str, ...]:
        return self.chat_format.control_texts

    @property
    def template_lacks(self) -> tuple[str, ...]:
        return self.chat_format.template_lacks


def find_checkpoint(name: str, base: str | None = None) -> CheckpointFolder:
    """The checkpoint that a model name means: "sprig", or a folder; `base` overrides what an adapter says of
    its base.
    """
    path = _resolve(name)
    adapter_config = path / "adapter_config.json"
    if not adapter_config.exists():
        if base is not None:
            raise CheckpointError(
                f"{path}: base = {base!r} was given, but the folder has no adapter_config.json, so it is no "
                f"adapter. "
                "Leave base out, or name the adapter's folder."
            )
        _check_files(path, "config.json", "model")
        folder = CheckpointFolder(path, None)
    else:
        _check_files(path, "adapter_config.json", "adapter_model")
        base_name = base or _read_json(adapter_config).get("base_model_name_or_path")
        if not isinstance(base_name, str) or not base_name:
            raise CheckpointError(
                f"{adapter_config}: base_model_name_or_path is {quote_foreign(repr(base_name))}; it must "
                "name the folder of the base model. "
                "Correct it, or give the folder as the model argument base (-M base=FOLDER)."
            )
        is_inside = base is None and os.path.isdir(path / base_name)
        base_path = path / base_name if is_inside else _resolve(base_name, path)
        if (base_path / "adapter_config.json").exists():
            raise CheckpointError(
                f"{base_path}: the base of {path} is an adapter itself; give a full model as base."
            )
        _check_files(base_path, "config.json", "model")
        folder = CheckpointFolder(path, base_path)
    _check_chat_template(folder.tokenizer_path)
    return folder


def load_checkpoint(
    folder: CheckpointFolder, device: str | None = None, dtype: str | None = None
) -> LoadedCheckpoint:
    """Load onto `device` (default: CUDA if there is one) as `dtype` (default: float32 on a CPU, else as
    stored).
    """
    import torch
    from transformers import AutoTokenizer
    from transformers.utils import logging

    target = _device(device)
    wanted = _dtype(dtype) if dtype else (torch.float32 if target.type == "cpu" else "auto")
    progress_bars: Any = logging
    shows_progress = progress_bars.is_progress_bar_enabled()
    progress_bars.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder.tokenizer_path, local_files_only=True, trust_remote_code=False
        )
        model = _load_model(folder, wanted).eval().requires_grad_(False).to(target)
        return _inspect(model, tokenizer, folder)
    except CheckpointError:
        raise
    except Exception as error:  # a damaged checkpoint fails in whatever library meets it first
        raise CheckpointError(
            f"{folder.path}: the checkpoint cannot be loaded "
            f"({type(error).__name__}: {quote_foreign(error)}). It must be a causal language model that "
            "transformers knows without code of its own, with its tokenizer, in safetensors."
        ) from error
    finally:
        if shows_progress:
            progress_bars.enable_progress_bar()


def _inspect(model: Any, tokenizer: Any, folder: CheckpointFolder) -> LoadedCheckpoint:
    """What the loaded model and tokenizer say of themselves."""
    if not tokenizer.chat_template:
        raise _no_chat_template(folder.tokenizer_path)
    _check_layers(model, folder.path)
    return LoadedCheckpoint(
        model=model,
        stop_ids=frozenset(_stop_ids(model, tokenizer)),
        max_length=_max_length(model.config.get_text_config()),
        chat_format=find_chat_format(tokenizer),
    )


def _load_model(folder: CheckpointFolder, dtype: Any) -> Any:
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(
        folder.base or folder.path,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        dtype=dtype,
    )
    if folder.base is not None:
        from peft import PeftModel
        from tqdm import tqdm  # type: ignore[import-untyped]

        tqdm.set_lock(threading.RLock())  # its own is the system's: Python warns of it as a worker ends
        model = PeftModel.from_pretrained(model, folder.path, local_files_only=True).merge_and_unload()
    if model.config._attn_implementation == "sdpa":
        from teachwhy.providers import attention

        model.set_attn_implementation(attention.NAME)
    return model


def _resolve(name: str, adapter: Path | None = None) -> Path:
    if name == PACKAGED:
        from teachwhy.sprig import resolve_student

        return Path(resolve_student(name))
    path = Path(os.path.expanduser(name))
    if os.path.isdir(path):  # False, where Path.is_dir raises, for a name that no file can have
        return path.resolve()
    told = quote_foreign(repr(name))
    if adapter is None:
        raise CheckpointError(
            f"checkpoint {told}: there is no such folder. Give {PACKAGED!r} or the folder of a Hugging "
            f"Face checkpoint."
        )
    raise CheckpointError(
        f"{adapter}: its base model {told} is no folder on this machine, and nothing is downloaded. "
        "Download the base model and give its folder as the model argument base (-M base=FOLDER)."
    )


def _check_files(path: Path, config_name: str, weights_stem: str) -> None:
    if not (path / config_name).exists():
        raise CheckpointError(
            f"{path}: no {config_name} in the folder, so it is no Hugging Face checkpoint. "
            "Name the folder that save_pretrained wrote."
        )
    _read_json(path / config_name)
    if not any(path.glob(f"{weights_stem}*.safetensors")):
        found = quote_foreign(", ".join(sorted(entry.name for entry in path.iterdir())[:10]))
        raise CheckpointError(
            f"{path}: no {weights_stem}*.safetensors (found: {found}). Only safetensors are "
            f"read, because other "
            "formats can run code when they are opened. Load the checkpoint where you trust it and save it "
            "again with "
            "save_pretrained."
        )


def _check_chat_template(path: Path) -> None:
    if (path / "chat_template.jinja").exists() or (path / "chat_template.json").exists():
        return
    config_path = path / "tokenizer_config.json"
    if any((path / "additional_chat_templates").glob("*.jinja")):
        return
    if not config_path.exists() or not _read_json(config_path).get("chat_template"):
        raise _no_chat_template(path)


def _no_chat_template(path: Path) -> CheckpointError:
    return CheckpointError(
        f"{path}: the checkpoint has no chat template, so no conversation can be put to it. Allowed: a "
        f"chat_template.jinja "
        "in the folder, or chat_template in tokenizer_config.json. Add the template that the model was "
        "trained with."
    )


def _check_layers(model: Any, path: Path) -> None:
    """Refuse layers whose state is not keys and values, which left padding would corrupt."""
    config = model.config.get_text_config()
    kinds = set(map(str, getattr(config, "layer_types", None) or ["full_attention"]))
    allowed = {"full_attention", "sliding_attention", "chunked_attention"}
    if (
        getattr(config, "is_encoder_decoder", False)
        or kinds - allowed
        or not hasattr(config, "num_hidden_layers")
    ):
        raise CheckpointError(
            f"{path}: model type {quote_foreign(model.config.model_type)} with layers "
            f"{quote_foreign(', '.join(sorted(kinds)))} is not supported here; allowed are decoder-only "
            "models with attention layers. Use Inspect's hf/ or vllm/ provider for it."
        )


def _max_length(config: Any) -> int | None:
    """The tokens of `LoadedCheckpoint.max_length`, by a config of any architecture."""
    names = ("max_position_embeddings", "max_seq_len", "n_positions")
    limits = [limit for name in names if isinstance(limit := getattr(config, name, None), int)][:1]
    rope = getattr(config, "rope_parameters", None) or {}
    for parameters in (rope, *rope.values()):  # some have them by the kind of layer
        if isinstance(parameters, dict) and parameters.get("rope_type") in ("longrope", "dynamic"):
            original = parameters.get("original_max_position_embeddings")
            limits += [original] if isinstance(original, int) else []
    return min(limits, default=None)


def _device(name: str | None) -> torch.device:
    import torch

    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise CheckpointError(
            f"device = {name!r} is unknown; allowed: 'cpu', 'cuda', 'cuda:1', ..."
        ) from error
    if device.type not in ("cpu", "cuda") or (device.type == "cuda" and not torch.cuda.is_available()):
        raise CheckpointError(
            f"device = {name!r} cannot be used here; allowed: 'cpu'{', cuda' * torch.cuda.is_available()}."
        )
    return device


def _dtype(name: str) -> torch.dtype:
    import torch

    allowed = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if name not in allowed:
        raise CheckpointError(f"dtype = {name!r} is unknown; allowed: {', '.join(allowed)}.")
    return allowed[name]


def _stop_ids(model: Any, tokenizer: Any) -> set[int]:
    """The tokens that end a turn by the checkpoint's word, and the one that its template puts after an
    answer.
    """
    stop_ids: set[int] = set()
    for declared in (model.generation_config.eos_token_id, model.config.eos_token_id, tokenizer.eos_token_id):
        stop_ids.update([declared] if isinstance(declared, int) else declared or [])
    marker = "0"
    opening = [{"role": "user", "content": marker}, {"role": "assistant", "content": marker}]
    try:
        ids = tokenizer.apply_chat_template(opening, tokenize=True, return_dict=False)
    except Exception:  # noqa: BLE001 - whatever it is, only the declared tokens end a turn then
        return stop_ids
    texts = [tokenizer.decode([token_id]) for token_id in ids]
    last_marker = max((index for index, text in enumerate(texts) if marker in text), default=len(texts))
    for token_id, text in zip(ids[last_marker + 1 :], texts[last_marker + 1 :], strict=True):
        if token_id in tokenizer.all_special_ids and not is_spoken(text):
            stop_ids.add(token_id)
        break
    return stop_ids


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{path}: the file cannot be read as JSON ({quote_foreign(error)}). Save the checkpoint again."
        ) from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{path}: the file must hold a JSON object. Save the checkpoint again.")
    return data
