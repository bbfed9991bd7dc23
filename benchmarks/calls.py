"""The teacher service against the ideal, and against plain `asyncio.gather` over the openai client.

A local server answers after 200 ms; 5,000 different calls with a shared system text of 3,000 words go out at
concurrency 100, so that the ideal is 10 seconds. Starting the service is not counted on either side. Memory:
the peak of the service's process after 5,000 and after 50,000 calls, in processes of their own.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import anyio
from tests.service.http_model import ModelServer, Written

from benchmarks.ratio import Ratio

NUM_CALLS, CONCURRENCY, LATENCY_SECONDS = 5_000, 100, 0.2
FLOOR = 0.85
NAME = "openai-api/local/fixture"
SYSTEM = " ".join(f"word{number % 700}" for number in range(3_000))
ANSWER = "<answer>" + "word " * 200 + "</answer>"


def _write(request: Mapping[str, Any]) -> Written:
    return Written(ANSWER, num_input=4_000, num_output=250)


def _serve(latency: float, pipe: Connection) -> None:
    with ModelServer(_write, latency_seconds=latency) as server:
        pipe.send(server.url)
        pipe.recv()


@contextmanager
def serving(latency: float) -> Iterator[None]:
    """A server in a process of its own, named by the environment."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(latency, theirs))
    process.start()
    os.environ |= {"LOCAL_BASE_URL": ours.recv(), "LOCAL_API_KEY": "none"}
    try:
        yield
    finally:
        ours.send("end")
        process.join()


async def time_service(num_calls: int, folder: Path) -> float:
    """Seconds that the service takes for different calls, its start not counted."""
    from teachwhy.config import GenerationConfig
    from teachwhy.records import Message
    from teachwhy.service.calls import Call
    from teachwhy.service.ledger import CallLedger
    from teachwhy.service.service import TeacherService

    config = GenerationConfig(judge="openai-api/local/judge", connections=CONCURRENCY)
    numbers = iter(range(num_calls))
    with CallLedger(folder / f"{num_calls}.sqlite") as ledger:
        async with TeacherService(NAME, config, ledger) as service:

            def new_call(number: int) -> Call:
                user = f"Write number {number}. " * 30
                messages = (Message(role="system", content=SYSTEM), Message(role="user", content=user))
                return Call(stage="answer", messages=messages, max_tokens=500)

            async def work() -> None:
                for number in numbers:
                    await service.ask(new_call(number))

            async with anyio.create_task_group() as group:  # both senders open their models
                for number in range(-20, 0):
                    group.start_soon(service.ask, new_call(number))
            started = time.perf_counter()
            async with anyio.create_task_group() as group:
                for _ in range(CONCURRENCY):
                    group.start_soon(work)
            seconds = time.perf_counter() - started
            spent = ledger.spent()
            if spent.num_calls != num_calls + 20 or spent.num_errors:
                raise RuntimeError(f"{spent.num_calls} answers, {spent.num_errors} errors")
            return seconds


async def time_naive(num_calls: int) -> float:
    """Seconds that `asyncio.gather` over the openai client takes; answers are kept in memory alone."""
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=os.environ["LOCAL_BASE_URL"], api_key="none")
    gate = asyncio.Semaphore(CONCURRENCY)

    async def ask(number: int) -> str:
        user = f"Write number {number}. " * 30
        async with gate:
            answer = await client.chat.completions.create(
                model="fixture",
                messages=[{"role": "system", "content": SYSTEM}, {"role": "user", "content": user}],
                max_tokens=500,
                seed=number,
            )
        return answer.choices[0].message.content or ""

    await ask(-1)
    started = time.perf_counter()
    await asyncio.gather(*(ask(number) for number in range(num_calls)))
    return time.perf_counter() - started


def measure_memory(num_calls: int) -> float:
    """Peak MiB of a process that makes this number of calls (of the largest of its senders, added)."""
    command = [sys.executable, "-m", "benchmarks.calls", str(num_calls)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
    return float(json.loads(done.stdout.splitlines()[-1]))


def run() -> list[Ratio]:
    """The ratios of `make bench`."""
    ideal = NUM_CALLS / CONCURRENCY * LATENCY_SECONDS
    with tempfile.TemporaryDirectory() as folder:
        with serving(LATENCY_SECONDS):
            ours = asyncio.run(time_service(NUM_CALLS, Path(folder)))
            naive = asyncio.run(time_naive(NUM_CALLS))
        with serving(0.0):
            few, many = measure_memory(5_000), measure_memory(50_000)
    return [
        Ratio("teacher calls, 200 ms: ideal / ours", ours, ideal, ideal / ours, FLOOR, "s"),
        Ratio("teacher calls: asyncio.gather / ours", ours, naive, naive / ours, 1.0, "s"),
        Ratio("memory: 5,000 calls / 50,000 calls", many, few, few / many, 0.9, "MiB"),
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(time_service(int(sys.argv[1]), Path(place)))
    peaks = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(json.dumps(sum(peaks) / 1024))
