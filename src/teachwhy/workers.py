"""Processes that work through jobs side by side: started once, kept for many jobs, gone when their parent is.

A job is a module-level function with picklable arguments; its first argument is a `Report`, through which it
tells how far it is. A job that raises names itself and the others go on; a worker that dies takes one job
with it and is replaced. Importing torch, transformers and Inspect costs ten seconds, hence processes that
stay.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import logging
import multiprocessing
import os
import signal
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

from teachwhy.errors import InputError, StorageError
from teachwhy.run_dir import explain_storage, join_workers

POLL_SECONDS = 0.5
STOP_SECONDS = 5.0
REPORTS_PER_TRIM = 10
"""Updates or episodes after which a worker gives freed memory back."""


@dataclass(frozen=True)
class Job:
    """A call to make in a worker: `function(report, *arguments)`."""

    name: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    cost: float = 1.0
    """Longer jobs start first."""


@dataclass(frozen=True)
class Event:
    """What a worker tells: a job started, is so far along, or ended."""

    kind: Literal["started", "progress", "done", "failed"]
    job: str
    stage: str = ""
    done: int = 0
    total: int = 0
    result: Any = None
    failure: JobFailure | None = None


@dataclass(frozen=True)
class JobFailure:
    """Why a job failed, in a form that crosses processes."""

    job: str
    message: str
    is_input: bool = False
    """The user can mend it: no traceback."""
    is_storage: bool = False
    """The disk refuses: the other jobs would fail, too."""
    details: str = ""
    """The traceback, for what nobody expected."""


Report = Callable[[str, int, int], None]
"""Called with (stage, done, total) while a job runs."""


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    job: Job | None = None


@dataclass
class WorkerPool:
    """At most `num_workers` processes; a context manager, at whose end none is left."""

    num_workers: int
    num_threads: int
    """Threads of each worker."""
    root: Path | None = None
    """The run directory that the workers belong to."""
    _workers: list[_Worker] = field(default_factory=list)

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start_worker(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=_work, args=(theirs, self.num_threads, self.root, os.getpid()), name="teachwhy-worker"
        )
        process.start()
        theirs.close()
        return _Worker(process, ours)

    def run(self, jobs: Sequence[Job]) -> Iterator[Event]:
        """Run all jobs, the longest first, and yield events as they come. Ends early when the disk fails."""
        waiting = deque(sorted(jobs, key=lambda job: -job.cost))
        self.num_workers = max(1, self.num_workers)
        while waiting or any(worker.job for worker in self._workers):
            yield from self._hand_out(waiting)
            busy = {worker.pipe: worker for worker in self._workers if worker.job}
            for pipe in wait(list(busy), timeout=POLL_SECONDS):
                event = self._receive(busy[pipe])  # type: ignore[index]
                yield event
                if event.failure is not None and event.failure.is_storage:
                    return

    def _hand_out(self, waiting: deque[Job]) -> Iterator[Event]:
        """Give each idle worker a job; start workers while there are more jobs than workers."""
        for worker in self._workers:
            if worker.job is None and waiting:
                yield self._give(worker, waiting.popleft())
        while waiting and len(self._workers) < self.num_workers:
            self._workers.append(self._start_worker())
            yield self._give(self._workers[-1], waiting.popleft())

    def _give(self, worker: _Worker, job: Job) -> Event:
        worker.job = job
        with contextlib.suppress(OSError):  # it died while idle; _receive finds its pipe closed and says so
            worker.pipe.send((job.name, job.function, job.arguments))
        return Event("started", job.name)

    def _receive(self, worker: _Worker) -> Event:
        assert worker.job is not None
        name = worker.job.name
        try:
            event: Event = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(STOP_SECONDS)
            self._workers.remove(worker)
            code = worker.process.exitcode
            why = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
            hint = " (out of memory?)" if code == -signal.SIGKILL else ""
            return Event("failed", name, failure=JobFailure(name, f"its process died with {why}{hint}"))
        if event.kind in ("done", "failed"):
            worker.job = None
        return event

    def stop(self) -> None:
        """End all workers, whatever they do."""
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join(STOP_SECONDS)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.pipe.close()
        self._workers.clear()


def divide_cores(num_workers: int) -> int:
    """Threads for each of `num_workers` processes."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // num_workers)


def describe_failure(job: str, error: BaseException) -> JobFailure:
    """A failure as data: the message of a user's mistake, the traceback of anything else."""
    if isinstance(error, OSError):
        error = explain_storage(error) or error
    if isinstance(error, InputError):
        return JobFailure(job, str(error), is_input=True, is_storage=isinstance(error, StorageError))
    details = "".join(traceback.format_exception(error))
    return JobFailure(job, f"{type(error).__name__}: {error}", details=details)


def _work(pipe: Connection, num_threads: int, root: Path | None, parent: int) -> None:
    """The life of a worker: receive a job, run it, answer; until the pipe closes."""
    _die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends its workers
    os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(num_threads)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    for cache in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):  # oneDNN's, and torch's own of it
        os.environ.setdefault(cache, "16")  # each shape of a batch keeps megabytes: 500 MB after 40 updates
    logging.getLogger().setLevel(logging.WARNING)
    membership = join_workers(root) if root else None
    while True:
        try:
            name, function, arguments = pipe.recv()
        except EOFError:
            break
        try:
            result = function(_make_report(pipe, name), *arguments)
            answer = Event("done", name, result=result)
        except Exception as error:  # noqa: BLE001 - a job's failure is data; the others go on
            answer = Event("failed", name, failure=describe_failure(name, error))
        release_memory()
        pipe.send(answer)
    if membership:
        membership.close()


def _make_report(pipe: Connection, name: str) -> Report:
    lock = threading.Lock()  # a stage may report from a thread of its own

    def report(stage: str, done: int, total: int) -> None:
        with lock:
            pipe.send(Event("progress", name, stage=stage, done=done, total=total))
            if done % REPORTS_PER_TRIM == 0:
                _trim_heap()

    return report


def release_memory() -> None:
    """Give back what a job left behind: its models hang in cycles, and its batches lie freed in the heap."""
    gc.collect()
    _trim_heap()


def _trim_heap() -> None:
    """Freed batches of many lengths stay with the process under glibc: gigabytes over a dozen jobs."""
    trim = getattr(_load_libc(), "malloc_trim", None)
    if trim is not None:
        trim(0)


@functools.cache
def _load_libc() -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(None)
    except (OSError, TypeError):  # no shared libraries of this kind on the platform
        return None


def _die_with_parent(parent: int) -> None:
    """End this process as soon as its parent has ended, even by kill -9."""
    process = multiprocessing.parent_process()
    if process is None or os.getppid() != parent:
        os._exit(1)

    def watch() -> None:
        wait([process.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
