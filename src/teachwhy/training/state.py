"""The state of a training run on disk: safetensors and JSON, never pickle.

A state folder holds what a killed run needs to go on exactly: weights (written by the trainer),
`optimizer.safetensors` (moments and step counts), `random.safetensors` (generator states of the CPU and of
each GPU) and `optimizer.json` (parameter groups, scheduler, key of the run). A folder with its final name
is whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from teachwhy.errors import StorageError
from teachwhy.run_dir import atomic_folder

_STATE_NAME = re.compile(r"checkpoint-(\d+)")


@contextmanager
def new_weights_folder(path: Path) -> Iterator[Path]:
    """`atomic_folder` in which safetensors are written. Raises StorageError for what the disk refuses."""
    try:
        with atomic_folder(path) as partial:
            yield partial
    except SafetensorError as error:
        raise StorageError(
            f"{path}: cannot be written: {error}. Free some space, or choose another place."
        ) from error


def find_latest_state(states_dir: Path, run_key: str) -> Path | None:
    """The newest whole state of the same run, or None. States of another run are left alone and not used."""
    found: list[tuple[int, Path]] = []
    if states_dir.is_dir():
        for folder in states_dir.iterdir():
            match = _STATE_NAME.fullmatch(folder.name)
            if match and json.loads((folder / "optimizer.json").read_text())["run_key"] == run_key:
                found.append((int(match[1]), folder))
    return max(found)[1] if found else None


def save_state(
    folder: Path,
    optimizer: torch.optim.Optimizer,
    scheduler: torch.optim.lr_scheduler.LRScheduler,
    run_key: str,
) -> None:
    """Writes optimizer, scheduler and random generators into `folder`."""
    state = optimizer.state_dict()
    tensors = {
        f"{index}.{name}": value.detach().cpu().contiguous()
        for index, values in state["state"].items()
        for name, value in values.items()
    }
    save_file(tensors, folder / "optimizer.safetensors")
    generators = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        generators |= {f"cuda.{index}": value for index, value in enumerate(torch.cuda.get_rng_state_all())}
    save_file(generators, folder / "random.safetensors")
    content = {"run_key": run_key, "param_groups": state["param_groups"], "scheduler": scheduler.state_dict()}
    (folder / "optimizer.json").write_text(json.dumps(content))


def load_optimizer(
    folder: Path, optimizer: torch.optim.Optimizer, scheduler: torch.optim.lr_scheduler.LRScheduler
) -> None:
    """Puts optimizer and scheduler back to where `save_state` found them."""
    content = json.loads((folder / "optimizer.json").read_text())
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in load_file(folder / "optimizer.safetensors").items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    groups: list[dict[str, Any]] = [
        group | {"betas": tuple(group["betas"])} for group in content["param_groups"]
    ]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    scheduler.load_state_dict(content["scheduler"])


def load_generators(folder: Path) -> None:
    """Puts the random generators back to where `save_state` found them."""
    generators = load_file(folder / "random.safetensors")
    torch.set_rng_state(generators["cpu"])
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        if f"cuda.{index}" in generators:
            torch.cuda.set_rng_state(generators[f"cuda.{index}"], index)
