"""What running Inspect inside a test needs."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator

import pytest
from tests.evaluation.inspect_warnings import ignore_inspect_warnings


@pytest.fixture(autouse=True)
def inspect_warnings() -> Iterator[None]:
    """Let Inspect's own warnings pass."""
    with warnings.catch_warnings():
        ignore_inspect_warnings()
        yield


@pytest.fixture(autouse=True, scope="module")
def unclosed_streams() -> Iterator[None]:
    """Find the streams that Inspect left unclosed here, and not in somebody else's test."""
    yield
    with warnings.catch_warnings():
        ignore_inspect_warnings()
        gc.collect()
