"""Tiny checkpoints shared by the tests of the provider."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tests.providers.tiny_checkpoint import build_checkpoint

from teachwhy.providers.checkpoint import LoadedCheckpoint, find_checkpoint, load_checkpoint


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random checkpoint."""
    return build_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="session")
def checkpoint(folder: Path) -> LoadedCheckpoint:
    """The random checkpoint, loaded."""
    return load_checkpoint(find_checkpoint(str(folder)))


@pytest.fixture(scope="package", autouse=True)
def _one_thread() -> Iterator[None]:
    """Threads wait for one another longer than such small models compute, above all on a busy machine."""
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(num_threads)
