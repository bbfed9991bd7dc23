"""What running Inspect inside a test needs."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def inspect_warnings() -> Iterator[None]:
    """Inspect 0.3.285 leaves memory streams unclosed and calls tenacity in a deprecated way: neither is ours to mend."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The 'initial' parameter is deprecated", DeprecationWarning)
        warnings.filterwarnings("ignore", "Unclosed <MemoryObject", ResourceWarning)
        yield
        gc.collect()  # so that the streams are not found in somebody else's test
