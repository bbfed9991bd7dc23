"""sprig, the model organism: a small Llama trained from scratch on a generated world of plain English.

This module knows where checkpoints are and imports nothing heavy; tokenizer.py, pretrain.py and build.py make
one.
"""

from __future__ import annotations

import json
from pathlib import Path

from teachwhy.errors import CheckpointError
from teachwhy.run_dir import expand_home

SPRIG = "sprig"
_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "adapter_model.safetensors")
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json")


def checkpoint_path() -> Path:
    """The folder of the checkpoint that the package carries."""
    return Path(__file__).parent / "checkpoint"


def resolve_student(name: str | Path) -> Path:
    """The checkpoint folder that `name` means: "sprig" is the packaged one, anything else is a path.

    CheckpointError says what the folder lacks: a config, weights, a tokenizer or a chat template.
    """
    path = checkpoint_path() if str(name) == SPRIG else expand_home(name)
    if not path.is_dir():
        raise CheckpointError(
            f"student: there is no folder {path}; give {SPRIG!r} or the path of a checkpoint folder"
        )
    missing = []
    if not any((path / file).is_file() for file in ("config.json", "adapter_config.json")):
        missing.append("config.json")
    if not any((path / file).is_file() for file in _WEIGHTS):
        missing.append("weights (model.safetensors)")
    if not any((path / file).is_file() for file in _TOKENIZERS):
        missing.append("a tokenizer (tokenizer.json)")
    if not _has_chat_template(path):
        missing.append("a chat template (chat_template.jinja, or chat_template in tokenizer_config.json)")
    if missing:
        raise CheckpointError(
            f"{path}: not a usable checkpoint, it lacks {' and '.join(missing)}; "
            "save model and tokenizer with save_pretrained into one folder"
        )
    return path


def check_model_name(model: str | Path) -> str:
    """The name of a model that is no folder here, such as "openai/NAME"; CheckpointError for any other."""
    provider, slash, name = str(model).partition("/")
    if isinstance(model, str) and slash and name and provider not in ("", ".", "..", "~"):
        return model
    raise CheckpointError(
        f"model: there is no folder {str(model)!r}. Give a checkpoint folder, {SPRIG!r}, or a model with its "
        "provider, such as 'openai/NAME'."
    )


def _has_chat_template(path: Path) -> bool:
    if (path / "chat_template.jinja").is_file():
        return True
    settings = path / "tokenizer_config.json"
    if not settings.is_file():
        return False
    try:
        return bool(json.loads(settings.read_text(encoding="utf-8")).get("chat_template"))
    except (ValueError, AttributeError) as error:
        raise CheckpointError(f"{settings}: not a JSON object: {error}; save the tokenizer anew") from error
