"""`inspect eval teachwhy/honeypots` as an outsider types it: another process, another folder, no network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from inspect_ai.log import read_eval_log
from tests.evaluation.scripted_model import episode_named

from teachwhy.scenarios.policies import expected_outcome

ROOT = Path(__file__).parents[2]
NO_NETWORK = """
import socket
from tests.evaluation.scripted_model import scripted

def refuse(self, address):
    if self.family != socket.AF_UNIX:
        raise OSError(f"the test has no network: {address}")
    return connect(self, address)

connect = socket.socket.connect
socket.socket.connect = refuse
"""


def write_distribution(folder: Path, name: str, module: str) -> None:
    """What pip leaves of an editable install, as far as Inspect looks."""
    info = folder / f"{name}-0.1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
    direct_url = {"url": folder.as_uri(), "dir_info": {"editable": True}}
    (info / "direct_url.json").write_text(json.dumps(direct_url))
    (info / "entry_points.txt").write_text(f"[inspect_ai]\n{name} = {module}\n")


def test_inspect_finds_and_runs_the_tasks_offline(tmp_path: Path) -> None:
    installed, cwd = tmp_path / "installed", tmp_path / "cwd"
    installed.mkdir()
    cwd.mkdir()
    write_distribution(installed, "teachwhy", "teachwhy.inspect_registry")
    write_distribution(installed, "no_network", "no_network")
    (installed / "no_network.py").write_text(NO_NETWORK)
    paths = os.pathsep.join(map(str, (installed, ROOT / "src", ROOT)))
    options = "-T families=framing,leaking -T episodes_per_family=2 --epochs 2 --display plain"
    command = ["eval", "teachwhy/honeypots", "--model", "scripted/escalates", *options.split()]
    done = subprocess.run(
        [sys.executable, "-m", "inspect_ai", *command],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": paths, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    log = read_eval_log(str(next((cwd / "logs").glob("*.eval"))))
    assert log.status == "success" and log.results is not None and log.samples is not None
    assert len(log.samples) == 2 * 2 * 2
    for sample in log.samples:
        assert sample.error is None and sample.scores is not None
        assert sample.scores["episode_outcome"].value == expected_outcome(
            "escalates", episode_named(sample.id)
        )
    metrics = {name: metric.value for name, metric in log.results.scores[0].metrics.items()}
    assert metrics["right"] == 1 and metrics["right_low"] < 1 and metrics["harm_high"] > 0
