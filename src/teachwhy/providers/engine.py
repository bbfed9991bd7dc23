"""One loaded checkpoint and the thread that generates with it, shared by all who ask for the same checkpoint.

Requests wait in one queue. The thread takes a batch of them, the oldest always among them, and lets others
join it while it runs; nothing waits on a clock. While the thread is idle, a burst of requests is let in as a
whole: the first asker yields to the event loop until the queue has stopped growing, then opens the gate.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from teachwhy.errors import TeachwhyError
from teachwhy.providers.checkpoint import CheckpointFolder

if TYPE_CHECKING:
    from teachwhy.providers.batch import Completion, TokenRequest
    from teachwhy.providers.checkpoint import LoadedCheckpoint
    from teachwhy.providers.generation import BatchGenerator

QUIET_TURNS = 50
"""Turns of the event loop without a new request after which a burst counts as over (about a millisecond when
idle).
"""


@dataclass(frozen=True)
class EngineKey:
    """What makes two users share an engine."""

    folder: CheckpointFolder
    device: str | None
    dtype: str | None
    saved_at: float
    """When the newest file of the checkpoint was written: a folder that was written anew is another
    checkpoint.
    """


@dataclass(eq=False)
class _Job:
    request: TokenRequest
    future: Future[Completion]
    is_given_up: bool = False
    """Nobody waits for it any more."""


@dataclass
class _Attempt:
    """A batch, as far as it came."""

    jobs: list[_Job] = field(default_factory=list)
    done: set[int] = field(default_factory=set)
    error: Exception | None = None

    @property
    def unfinished(self) -> list[_Job]:
        return [
            job for number, job in enumerate(self.jobs) if number not in self.done and not job.is_given_up
        ]


Take = Callable[[Sequence[int]], list[_Job]]
"""Given the columns that the jobs under way take: those that join them."""


class Engine:
    """Loads the checkpoint at the first request and generates in a thread of its own."""

    def __init__(self, key: EngineKey) -> None:
        self.key = key
        self.num_users = 0
        self._loading: Future[LoadedCheckpoint] | None = None
        self._generator: BatchGenerator | None = None
        self._condition = threading.Condition()
        self._waiting: list[_Job] = []
        self._gate_open = False
        self._settling = False
        self._closed = False
        self._thread: threading.Thread | None = None

    @property
    def num_steps(self) -> int:
        """Decoding steps so far, each a forward pass over all rows of a batch."""
        return self._generator.num_steps if self._generator else 0

    async def checkpoint(self) -> LoadedCheckpoint:
        """The checkpoint, loaded for the first who asks; `CheckpointError` when it cannot be used.

        All who ask meanwhile wait for the same load, so that they are still one burst when it is done.
        """
        with self._condition:
            self._refuse_if_closed()
            loading, is_first = self._loading, self._loading is None
            if loading is None:
                self._loading = loading = Future()
                loading.set_running_or_notify_cancel()
        if is_first:
            threading.Thread(target=self._load, args=(loading,), name="teachwhy-load", daemon=True).start()
        elif loading.done():
            return loading.result()
        return await asyncio.wrap_future(loading)

    def _load(self, loading: Future[LoadedCheckpoint]) -> None:
        try:
            from teachwhy.providers.checkpoint import load_checkpoint
            from teachwhy.providers.generation import BatchGenerator
            from teachwhy.providers.probe import check_batching

            checkpoint = load_checkpoint(self.key.folder, self.key.device, self.key.dtype)
            check_batching(checkpoint)
            self._generator = BatchGenerator(checkpoint)
        except Exception as error:  # noqa: BLE001 (it belongs to those who asked: their `checkpoint` raises it)
            loading.set_exception(error)
        else:
            loading.set_result(checkpoint)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise TeachwhyError(f"the model {self.key.folder.path} was closed while it was asked")

    async def generate(self, request: TokenRequest) -> Completion:
        """Queue a request and wait for its completion.

        Cancelled, it leaves the queue, or the batch before its next step.
        """
        job = _Job(request, Future())
        with self._condition:
            self._refuse_if_closed()
            self._waiting.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="teachwhy-generate", daemon=True)
                self._thread.start()
        try:
            if not self._settling:
                await self._let_burst_in()
            return await asyncio.wrap_future(job.future)
        finally:
            self._give_up(job)  # of no effect once it is done

    def _give_up(self, job: _Job) -> None:
        job.is_given_up = True
        job.future.cancel()
        with self._condition:
            if job in self._waiting:
                self._waiting.remove(job)

    async def _let_burst_in(self) -> None:
        """Open the gate once the queue has stopped growing."""
        self._settling = True
        try:
            num_seen, num_quiet = 0, 0
            while num_quiet < QUIET_TURNS:
                await asyncio.sleep(0)
                num_waiting = len(self._waiting)
                num_quiet = num_quiet + 1 if num_waiting <= num_seen else 0
                num_seen = num_waiting
        finally:
            self._settling = False
            with self._condition:
                self._gate_open = True
                self._condition.notify()

    def close(self) -> None:
        """Stop the thread after the batch under way and let go of the model."""
        with self._condition:
            self._closed = True
            self._condition.notify()
        if self._thread is not None:
            self._thread.join()
        self._loading = self._generator = None

    def _work(self) -> None:
        while True:
            with self._condition:
                self._gate_open = self._gate_open and bool(self._waiting)
                self._condition.wait_for(lambda: self._closed or (self._gate_open and self._waiting))
                if self._closed:
                    waiting, self._waiting = self._waiting, []
                    break
            self._run(self._take)
        for job in waiting:
            job.future.cancel()

    def _take(self, running: Sequence[int]) -> list[_Job]:
        """The jobs that are to be generated next, out of the queue, without those that nobody waits for."""
        assert self._generator is not None
        if not self._waiting:
            return []
        with self._condition:
            waiting = [] if self._closed else list(self._waiting)
        chosen = [
            waiting[index] for index in self._generator.choose([job.request for job in waiting], running)
        ]
        if not chosen:
            return []
        taken = set(map(id, chosen))
        with self._condition:
            self._waiting = [job for job in self._waiting if id(job) not in taken]
        return [job for job in chosen if job.future.set_running_or_notify_cancel()]

    def _run(self, take: Take) -> None:
        """Generate for the jobs that are taken; where memory is short, for ever fewer of them at a time."""
        left = [take]
        while left:
            attempt = self._attempt(left.pop())
            unfinished, error = attempt.unfinished, attempt.error
            if error is None:
                continue
            if len(attempt.jobs) > 1 and _is_out_of_memory(error):
                attempt.error = error = None  # its traceback holds the batch that took the memory
                _free_memory()
                left += [_once(part) for part in (unfinished[1::2], unfinished[::2]) if part]
                continue
            for job in unfinished:
                job.future.set_exception(error)
            if not attempt.jobs:
                self._refuse_waiting(error)

    def _attempt(self, take: Take) -> _Attempt:
        assert self._generator is not None
        attempt = _Attempt()

        def arrive(running: Sequence[int]) -> list[TokenRequest]:
            new = take(running)
            attempt.jobs += new
            return [job.request for job in new]

        def finished(number: int, completion: Completion) -> None:
            attempt.done.add(number)
            attempt.jobs[number].future.set_result(completion)

        try:
            self._generator.run(arrive, finished, lambda number: not attempt.jobs[number].is_given_up)
        except Exception as error:  # noqa: BLE001 (it belongs to those who asked: their `generate` raises it)
            attempt.error = error
        return attempt

    def _refuse_waiting(self, error: Exception) -> None:
        """Pass an error that came before any job was taken to all who wait."""
        with self._condition:
            waiting, self._waiting = self._waiting, []
        for job in waiting:
            if job.future.set_running_or_notify_cancel():
                job.future.set_exception(error)


def _once(jobs: list[_Job]) -> Take:
    """Gives the jobs when first asked, then none."""
    given: Iterator[list[_Job]] = iter((jobs,))
    return lambda _: next(given, [])


def _is_out_of_memory(error: Exception) -> bool:
    import torch

    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in str(error)


def _free_memory() -> None:
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


_engines: dict[EngineKey, Engine] = {}
_engines_lock = threading.Lock()


def open_engine(folder: CheckpointFolder, device: str | None, dtype: str | None) -> Engine:
    """The engine for a checkpoint, shared with its other users; to be given back with `release_engine`."""
    files = [entry for root in (folder.path, folder.base) if root for entry in root.iterdir()]
    key = EngineKey(folder, device, dtype, max(entry.stat().st_mtime for entry in files))
    with _engines_lock:
        engine = _engines.setdefault(key, Engine(key))
        engine.num_users += 1
        return engine


def release_engine(engine: Engine) -> None:
    """Give an engine back; the last user's return frees the model."""
    with _engines_lock:
        engine.num_users -= 1
        is_last = engine.num_users == 0
        if is_last:
            del _engines[engine.key]
    if is_last:
        engine.close()
