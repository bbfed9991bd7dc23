"""Audit of 100,000 rows of 400 words: seconds, memory of all processes, and whether time grows with the rows.

Rows are drawn from a large vocabulary, and one in a hundred is a near duplicate of the row before it. The
clock counts what a person waits for; whether time grows faster than the rows is judged by CPU seconds, which
a busy machine does not change as much.

    python -m benchmarks audit
"""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.checks.rows import make_words, write_text

from benchmarks.ratio import Ratio

SIZES = (25_000, 100_000)
WORDS = 400
MAX_SECONDS = 240.0
MAX_MEGABYTES = 2048.0
MIN_LINEARITY = 0.9
"""Four times the CPU seconds of 25,000 rows over those of 100,000: 1 where time is linear, start included."""


class Cost(NamedTuple):
    """What an audit took."""

    seconds: float
    cpu_seconds: float
    megabytes: float
    """Peak of this process and of the two that it starts, added up."""
    found: dict[str, int]


def write_rows(path: Path, num_rows: int) -> None:
    """Rows of 400 words, one in a hundred of which is a near duplicate of the one before."""
    rng = random.Random(11)
    vocabulary = make_words(rng, 50_000)
    user = answer = ""
    with path.open("w", encoding="utf-8") as file:
        for number in range(num_rows):
            if number % 100 == 99:
                words = answer.split(" ")
                words[7] = words[-9] = "changed"
                answer = " ".join(words)
            else:
                user = write_text(rng, vocabulary, WORDS // 4)
                answer = write_text(rng, vocabulary, WORDS - WORDS // 4)
            messages = [{"role": "user", "content": user}, {"role": "assistant", "content": answer}]
            row = {"id": f"row-{number:06d}", "technique": "advice", "kind": "chat", "teacher": "writer"}
            file.write(json.dumps(row | {"messages": messages}) + "\n")


def audit_once(path: Path) -> Cost:
    """Audit a file in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.audit", str(path)], capture_output=True, text=True, check=True
    )
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def run() -> list[Ratio]:
    """Seconds and memory of the larger file, and how time grows."""
    costs = []
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            path = Path(folder) / f"{size}.jsonl"
            write_rows(path, size)
            costs.append(audit_once(path))
            path.unlink()
    small, large = costs
    growth = SIZES[1] / SIZES[0] * small.cpu_seconds
    name = f"audit of {SIZES[1]:,} rows"
    return [
        Ratio(
            f"{name}: seconds (most allowed)",
            large.seconds,
            MAX_SECONDS,
            MAX_SECONDS / large.seconds,
            1.0,
            "s",
        ),
        Ratio(f"{name}: memory", large.megabytes, MAX_MEGABYTES, MAX_MEGABYTES / large.megabytes, 1.0, "MB"),
        Ratio(
            f"{name}: CPU of four of a quarter",
            large.cpu_seconds,
            growth,
            growth / large.cpu_seconds,
            MIN_LINEARITY,
            "s",
        ),
    ]


def _audit_here(path: Path) -> Cost:
    import time

    from teachwhy.checks.audit import audit_rows
    from teachwhy.config import GateConfig
    from teachwhy.constitution import load_constitution

    started = time.perf_counter()
    audit = audit_rows(path, GateConfig(), load_constitution())
    seconds = time.perf_counter() - started
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    peak = (own.ru_maxrss + 2 * children.ru_maxrss) / 1024
    return Cost(seconds, cpu, peak, {gate.gate: gate.num_rows for gate in audit.gates})


if __name__ == "__main__":
    print(json.dumps(_audit_here(Path(sys.argv[1]))._asdict()))
