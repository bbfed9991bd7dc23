"""Twenty kills of a run of 2,000 calls: `python -m benchmarks.kill_calls [CALLS KILLS SEED]`.

Exits with 1 where something does not hold: see tests/service/kill_run.py.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.service.kill_run import run_with_kills


def main(arguments: list[str]) -> int:
    """Print the figures."""
    num_calls, num_kills, seed = (int(argument) for argument in arguments or ("2000", "20", "1"))
    with tempfile.TemporaryDirectory() as folder:
        try:
            figures = run_with_kills(Path(folder), num_calls, num_kills, seed)
        except AssertionError as error:
            print(f"does not hold: {error}")
            return 1
    for name, value in figures._asdict().items():
        print(f"{name:22} {value:,.6g}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
