"""What Inspect says of a full disk becomes a StorageError, in both forms in which it says it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from teachwhy.errors import StorageError, TeachwhyError
from teachwhy.evaluation.run import _failure


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("OSError(28, 'No space left on device')", StorageError),
        ("[Errno 28] No space left on device: 'logs'", StorageError),
        ("[Errno 30] Read-only file system", StorageError),
        ("something else broke", TeachwhyError),
    ],
)
def test_a_full_disk_under_inspect_is_a_storage_error(message, kind):
    log = SimpleNamespace(error=SimpleNamespace(message=message), location="logs/one.eval", samples=[])
    failure = _failure(log, None)
    assert type(failure) is kind
    assert "logs/one.eval" in str(failure)
