"""`teachwhy generate` killed at random moments: `python -m benchmarks.kill_generate [ROWS KILLS SEED]`.

A scripted teacher over HTTP with failures injected writes the rows of six techniques; the moments are numbers
of answers sent, drawn by the seed. In the end every file of rows must be, byte for byte, that of a run that
nobody disturbed, and no answer that is in the ledger may have been paid twice. Exits with 1 where that does
not hold.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.service.http_model import Fault, ModelServer
from tests.teachers.language import http_teacher

from teachwhy.service.ledger import CallLedger

TECHNIQUES = (
    *("advice", "advice_without_rewrite", "documents", "fiction"),
    *("demonstrations_with_reasons", "benign"),
)
CONNECTIONS = 16
WRITER, JUDGE = "openai-api/local/writer", "openai-api/local/judge"
CONFIG = """name = "killed"
teacher = "{writer}"
dialect = "english"
arms = [{{ name = "none" }}]
[generation]
judge = "{judge}"
connections = {connections}
max_retries = 8
prices = {{ "{writer}" = {{ input = 3.0, output = 15.0 }}, "{judge}" = {{ input = 1.0, output = 5.0 }} }}
[generation.gates]
near_duplicates = 0.0
{techniques}
"""


def find_faults(request: Mapping[str, Any]) -> tuple[Fault, ...]:
    """One request in five fails once or twice before it is answered; one in forty is cut."""
    number = request["seed"] % 1000
    failing: tuple[Fault, ...] = ("server_error", "cut_body", "not_json", "rate_limit")
    before = (failing[number % 4],) * (number % 2 + 1) if number < 200 else ()
    return before + (("length",) * 100 if number >= 975 else ())  # type: ignore[operator]


@dataclass
class _Killer(ModelServer):
    """Kills the process when it has sent as many answers as the next moment says."""

    moments: list[int] = field(default_factory=list)
    num_served: int = 0
    by_seed: Counter[int] = field(default_factory=Counter)
    process: subprocess.Popen[bytes] | None = None

    def answer(self, body: bytes, is_chat: bool = True) -> tuple[bytes, bool, str]:
        reply, is_whole, digest = super().answer(body, is_chat)
        if is_whole:
            self.num_served += 1
            self.by_seed[json.loads(body)["seed"]] += 1
            if self.moments and self.num_served >= self.moments[0] and self.process is not None:
                self.process.kill()
                self.moments.pop(0)
                self.process = None
        return reply, is_whole, digest


def run_once(folder: Path, url: str, killer: _Killer | None = None) -> int:
    """The command, once; its exit code."""
    command = [sys.executable, "-m", "benchmarks.kill_generate", "generate", *TECHNIQUES]
    command += ["--config", str(folder.parent / "killed.toml"), "--output", str(folder)]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "LOCAL_API_KEY": "none",
        "LOCAL_BASE_URL": url,
    }
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if killer is not None:
        killer.process = process
    out, _ = process.communicate()
    if process.returncode not in (0, -signal.SIGKILL):
        raise RuntimeError(out.decode("utf-8", "replace"))
    return process.returncode


def read_rows(folder: Path) -> dict[str, bytes]:
    """Every file of rows."""
    names = ("examples.jsonl", "rejected.jsonl")
    return {f"{key}/{name}": (folder / key / name).read_bytes() for key in TECHNIQUES for name in names}


def count_answers(path: Path) -> int:
    """Calls in the ledger that have an answer."""
    with CallLedger(path, pays=False) as ledger:
        return ledger.spent().num_calls


def measure(root: Path, num_rows: int, num_kills: int, seed: int) -> dict[str, float]:
    """Figures of a run with kills. Raises AssertionError where something does not hold."""
    techniques = "\n".join(f"[techniques.{name}]\nnum_examples = {num_rows}" for name in TECHNIQUES)
    text = CONFIG.format(writer=WRITER, judge=JUDGE, connections=CONNECTIONS, techniques=techniques)
    (root / "killed.toml").write_text(text, encoding="utf-8")
    with ModelServer(http_teacher.write, find_faults, latency_seconds=0.005) as server:
        started = time.monotonic()
        run_once(root / "calm", server.url)
        seconds = time.monotonic() - started
        num_answers = sum(server.served.values())
    moments = sorted(random.Random(seed).sample(range(1, num_answers), num_kills))
    num_done = 0
    with _Killer(http_teacher.write, find_faults, latency_seconds=0.005, moments=moments) as killer:
        while run_once(root / "killed", killer.url, killer) == -signal.SIGKILL:
            num_done += 1
        assert not killer.moments, f"{len(killer.moments)} kills never came"
        num_twice = sum(killer.by_seed.values()) - len(killer.by_seed)
    assert read_rows(root / "calm") == read_rows(root / "killed"), "other rows than those of a calm run"
    in_ledgers = [count_answers(root / name / "ledger.sqlite") for name in ("calm", "killed")]
    assert in_ledgers[0] == in_ledgers[1] == len(killer.by_seed), (in_ledgers, len(killer.by_seed))
    assert num_twice <= num_done * CONNECTIONS, f"{num_twice} answers were paid twice"
    return {
        "kills": num_done,
        "answers": num_answers,
        "asked again, in flight at a kill": num_twice,
        "seconds of the calm run": seconds,
    }


def main(arguments: list[str]) -> int:
    """Print the figures."""
    if arguments[:1] == ["generate"]:
        from teachwhy.cli import main as command
        from teachwhy.service import service

        service.FIRST_WAIT_SECONDS = 0.0
        sys.argv = ["teachwhy", *arguments]
        command()
        return 0
    num_rows, num_kills, seed = (int(argument) for argument in arguments or ("60", "20", "1"))
    with tempfile.TemporaryDirectory() as folder:
        try:
            figures = measure(Path(folder), num_rows, num_kills, seed)
        except AssertionError as error:
            print(f"does not hold: {error}")
            return 1
    for name, value in figures.items():
        print(f"{name:34} {value:,.6g}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
