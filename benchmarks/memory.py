"""Peak memory of the demo: resident memory of `teachwhy run` and all processes it starts, sampled while it
runs.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.ratio import Ratio

EXPERIMENT = Path(__file__).parent.parent / "experiments" / "sprig.toml"
ALLOWED_GB = 2.5
SAMPLE_SECONDS = 0.2
COMMAND = "import sys; from teachwhy.cli import main; sys.exit(main())"


def resident_bytes(root: psutil.Process) -> int:
    """Resident memory of a process and its descendants; pages that they share count for each."""
    total = 0
    for process in (root, *root.children(recursive=True)):
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:  # it ended between the listing and the question
            continue
    return total


def measure_peak(arguments: list[str]) -> float:
    """Run teachwhy with these arguments; the peak in GB. `RuntimeError` if it fails."""
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as demo:
        root = psutil.Process(demo.pid)
        peak = 0
        while demo.poll() is None:
            try:
                peak = max(peak, resident_bytes(root))
            except psutil.NoSuchProcess:
                break
            time.sleep(SAMPLE_SECONDS)
        output = demo.stdout.read() if demo.stdout else ""
    if demo.returncode != 0:
        raise RuntimeError(f"teachwhy {' '.join(arguments)} failed with {demo.returncode}:\n{output[-3000:]}")
    return peak / 1e9


def run() -> list[Ratio]:
    """Measure a whole demo in a fresh folder."""
    with tempfile.TemporaryDirectory() as folder:
        peak = measure_peak(["run", str(EXPERIMENT), "--output", f"{folder}/run"])
    return [
        Ratio(
            "peak memory of the demo against what is allowed", peak, ALLOWED_GB, ALLOWED_GB / peak, 1.0, "GB"
        )
    ]
