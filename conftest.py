"""For all tests: no network, no display, two threads at most."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest

os.environ.update(
    HF_HUB_OFFLINE="1",
    HF_DATASETS_OFFLINE="1",
    MPLBACKEND="Agg",
    TOKENIZERS_PARALLELISM="false",
)
os.environ.setdefault("OMP_NUM_THREADS", "2")

_connect = socket.socket.connect


def _connect_at_home(self: socket.socket, address: Any) -> None:
    host = address[0] if isinstance(address, tuple) else "localhost"
    if host not in ("localhost", "127.0.0.1", "::1"):
        raise AssertionError(f"a test tried to reach {host}: tests have no network")
    _connect(self, address)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections leave this machine in no test; a local server is fine."""
    monkeypatch.setattr(socket.socket, "connect", _connect_at_home)
