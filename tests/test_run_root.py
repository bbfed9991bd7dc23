"""A place where no folder can be made is the user's mistake: one message, exit 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from teachwhy.errors import StorageError
from teachwhy.run_dir import lock_run


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system that makes no folders")
def test_a_root_that_cannot_be_made_is_a_storage_error():
    with pytest.raises(StorageError, match="--output"), lock_run(Path("/proc/teachwhy")):
        pass
