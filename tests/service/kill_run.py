"""A run of calls that is killed again and again, and what must hold after each kill.

The run is a process of its own (`python -m tests.service.kill_run`); the server is in this one, counts, and
kills the run when it has sent a drawn number of answers, so that no clock decides the moments.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import anyio
from tests.service.http_model import Fault, ModelServer, Written

from teachwhy.config import GenerationConfig, PriceConfig
from teachwhy.errors import TeacherError
from teachwhy.records import Message
from teachwhy.service.calls import BudgetSpentError, Call, Reply, UnreadableReplyError
from teachwhy.service.ledger import CallLedger
from teachwhy.service.service import TeacherService
from teachwhy.service.transport import DirectTransport, ProcessTransport

WRITER = "openai-api/local/writer"
PRICE = PriceConfig(input=3.0, output=15.0)
CONNECTIONS = 20
BUDGET_SPENT = 3
"""Exit code of a run that its budget ended."""
ORPHAN_SECONDS = 20.0
_MESSAGE = "question number "


def _draw(request: Mapping[str, Any]) -> int:
    """A number below 1000 that follows from the request."""
    told = f"{request['messages'][-1]['content']} {request['seed']}"
    return int(hashlib.sha256(told.encode()).hexdigest()[:8], 16) % 1000


def write(request: Mapping[str, Any]) -> Written:
    """Every tenth answer cannot be read."""
    number = _draw(request)
    text = f"answer {number} to {request['messages'][-1]['content']} ({request['seed']})"
    return Written("" if number % 10 == 0 else text, num_input=40 + number % 7, num_output=20 + number % 11)


def find_faults(request: Mapping[str, Any]) -> tuple[Fault, ...]:
    """One request in four fails once or twice; one in ten is always cut or filtered."""
    number = _draw(request)
    failing: tuple[Fault, ...] = ("rate_limit", "server_error", "cut_body", "not_json")
    before = tuple(failing[(number + place) % 4] for place in range(number % 2 + 1)) if number < 250 else ()
    if number >= 900:
        return before + (("length",) if number % 2 else ("filter",)) * 100  # type: ignore[operator]
    return before


async def ask_everything(
    path: Path, url: str, num_calls: int, budget_usd: float, processes: int
) -> list[str]:
    """The texts of the answers; every fifth call is equal to the one before it."""
    os.environ |= {"LOCAL_BASE_URL": url, "LOCAL_API_KEY": "none"}
    config = GenerationConfig(
        prices={WRITER: PRICE}, connections=CONNECTIONS, max_retries=8, budget_usd=budget_usd
    )
    texts = [""] * num_calls
    places = iter(range(num_calls))

    def read(reply: Reply) -> str:
        if not reply.text:
            raise UnreadableReplyError("nothing in it")
        return reply.text

    with CallLedger(path) as ledger:
        transport = ProcessTransport(processes) if processes else DirectTransport()
        async with TeacherService(
            WRITER, config, ledger, transport=transport, first_wait_seconds=0
        ) as service:

            async def work() -> None:
                for place in places:
                    message = Message(role="user", content=f"{_MESSAGE}{place - (place % 5 == 4)}")
                    call = Call(stage="answer", messages=(message,), max_tokens=40)
                    try:
                        texts[place] = await service.ask_until(call, read, 4)
                    except TeacherError as error:
                        texts[place] = f"none: {error}"

            async with anyio.create_task_group() as group:
                for _ in range(2 * CONNECTIONS):
                    group.start_soon(work)
    return texts


class Figures(NamedTuple):
    """What kills did, for the report; `check` raises where something does not hold."""

    num_kills: int
    num_budget_stops: int
    num_answers: int
    """Different answers that the provider was asked for."""
    num_paid_twice: int
    """Answers that were in flight at a kill, and asked again."""
    most_at_one_kill: int
    """Answers that were served and are not in the ledger: no more than calls in flight."""
    num_kept_paid_twice: int
    """Of those that were in the ledger: must be none."""
    num_orphans: int
    dollars_ledger: float
    dollars_provider: float


@dataclass
class _Server(ModelServer):
    """Counts answers by their seed, and kills at the moments drawn."""

    moments: list[int] = field(default_factory=list)
    num_served: int = 0
    served_by_seed: Counter[int] = field(default_factory=Counter)
    dollars: float = 0.0
    process: subprocess.Popen[bytes] | None = None
    children: set[int] = field(default_factory=set)

    def answer(self, body: bytes, is_chat: bool = True) -> tuple[bytes, bool, str]:
        reply, is_whole, digest = super().answer(body, is_chat)
        if is_whole:
            request = json.loads(body)
            written = self.write(request)
            self.num_served += 1
            self.served_by_seed[request["seed"]] += 1
            self.dollars += (written.num_input * PRICE.input + written.num_output * PRICE.output) / 1e6
            if self.moments and self.num_served >= self.moments[0] and self.process is not None:
                self.children = find_children(self.process.pid)
                self.process.kill()
                self.moments.pop(0)
                self.process = None
        return reply, is_whole, digest


def find_children(parent: int) -> set[int]:
    """Ids of the processes that a process started, as /proc tells."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            told = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(told[1]) == parent and told[0] != "Z":
            found.add(int(folder.name))
    return found


def run_with_kills(folder: Path, num_calls: int, num_kills: int, seed: int, processes: int = 2) -> Figures:
    """Kill and go on; then compare with a run that nobody disturbed. Raises AssertionError."""
    with ModelServer(write, find_faults, latency_seconds=0.01) as server:
        texts = _run(folder / "calm.sqlite", server.url, num_calls, 1e9, processes)
        num_answers = sum(server.served.values())
    with CallLedger(folder / "calm.sqlite", pays=False) as ledger:
        cost = ledger.spent().cost_usd or 0.0
    rng = random.Random(seed)
    moments = sorted(rng.sample(range(1, num_answers), num_kills))
    path = folder / "killed.sqlite"
    budget, enough = cost / 4, cost * 1.1 + 1.0
    num_stops = num_done = most = num_orphans = 0
    kept: dict[int, int] = {}
    with _Server(write, find_faults, latency_seconds=0.01, moments=list(moments)) as killer:
        while True:
            command = _command(path, killer.url, num_calls, budget, processes)
            num_before = killer.num_served - len(kept)
            process = killer.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=_environment())
            out, _ = process.communicate()
            num_orphans += _count_orphans(killer.children)
            spent, seeds = _read_ledger(path)
            assert spent <= budget + 1e-9, f"budget passed: {spent} of {budget}"
            twice = [number for number, count in kept.items() if killer.served_by_seed[number] != count]
            assert not twice, f"{len(twice)} answers of the ledger were paid twice"
            kept = {number: killer.served_by_seed[number] for number in seeds}
            if process.returncode == -signal.SIGKILL:
                lost = killer.num_served - len(kept) - num_before
                most, num_done = max(most, lost), num_done + 1
                assert lost <= CONNECTIONS, f"{lost} answers lost at one kill"
            elif process.returncode == BUDGET_SPENT:
                num_stops, budget = num_stops + 1, enough
            else:
                assert process.returncode == 0, process.returncode
                break
        assert not killer.moments, f"{len(killer.moments)} kills never came"
        assert json.loads(out) == texts, "other answers than those of an undisturbed run"
        assert len(killer.served_by_seed) == num_answers
        num_twice = sum(killer.served_by_seed.values()) - num_answers
        assert num_twice <= num_done * CONNECTIONS, f"{num_twice} answers paid twice"
        assert num_orphans == 0, f"{num_orphans} processes outlived the run that started them"
        assert abs(spent - cost) < 1e-9, f"{spent} in the ledger, {cost} in that of an undisturbed run"
        figures = (num_done, num_stops, num_answers, num_twice, most, len(twice), num_orphans)
        return Figures(*figures, spent, killer.dollars)


def _read_ledger(path: Path) -> tuple[float, set[int]]:
    """Dollars, and the seeds of the calls that have an answer."""
    with CallLedger(path, pays=False) as ledger:
        rows = ledger.db.execute("SELECT call_id FROM attempts WHERE outcome != 'error'").fetchall()
        assert len(rows) == len(set(rows)), "two answers to one call"
        return ledger.sum_known_costs(), {int(row[0], 16) & (2**31 - 1) for row in rows}


def _count_orphans(children: set[int]) -> int:
    end = time.monotonic() + ORPHAN_SECONDS
    while (left := [pid for pid in children if is_alive(pid)]) and time.monotonic() < end:
        time.sleep(0.05)
    children.clear()
    return len(left)


def is_alive(pid: int) -> bool:
    """The process runs, as /proc tells."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _command(path: Path, url: str, num_calls: int, budget: float, processes: int) -> list[str]:
    arguments = [str(path), url, str(num_calls), repr(budget), str(processes)]
    return [sys.executable, "-m", "tests.service.kill_run", *arguments]


def _environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}


def _run(path: Path, url: str, num_calls: int, budget: float, processes: int) -> list[str]:
    done = subprocess.run(
        _command(path, url, num_calls, budget, processes),
        stdout=subprocess.PIPE,
        check=True,
        env=_environment(),
    )
    texts: list[str] = json.loads(done.stdout)
    return texts


def main(arguments: list[str]) -> int:
    """One run: prints the answers as JSON."""
    path, url, num_calls, budget, processes = arguments
    try:
        texts = anyio.run(ask_everything, Path(path), url, int(num_calls), float(budget), int(processes))
    except BaseExceptionGroup as group:
        if group.split(BudgetSpentError)[1] is not None:
            raise
        return BUDGET_SPENT
    print(json.dumps(texts))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
