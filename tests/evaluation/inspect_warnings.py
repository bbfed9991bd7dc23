"""Warnings of Inspect 0.3.285 that are not ours to mend: unclosed streams and
connections, an argument of tenacity."""

from __future__ import annotations

import warnings


def ignore_inspect_warnings() -> None:
    """Ignore them in the warning context that is open."""
    warnings.filterwarnings("ignore", "The 'initial' parameter is deprecated", DeprecationWarning)
    warnings.filterwarnings("ignore", "Unclosed <MemoryObject", ResourceWarning)
    warnings.filterwarnings("ignore", "unclosed (?:transport|<socket)", ResourceWarning)
