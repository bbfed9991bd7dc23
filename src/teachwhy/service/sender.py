"""A process that sends calls for the service: `python -m teachwhy.service.sender`, for transport.py alone.

One JSON object a line: a request on standard input, its answer on standard output, in whatever order they
come. It ends with its standard input, and so with its parent.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import signal
import sys
from typing import Any

from teachwhy.errors import InputError
from teachwhy.service.calls import Call
from teachwhy.service.sending import Answered, Failed
from teachwhy.service.transport import DirectTransport

LINE_LIMIT = 1 << 28
"""Bytes of the longest line."""


async def serve() -> None:
    """Send until standard input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LINE_LIMIT)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    answers = os.dup(1)
    os.dup2(2, 1)  # what a library prints is no answer

    def write(line: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):  # the parent died, and standard input ends next
            while line:
                line = line[os.write(answers, line) :]

    under_way: set[asyncio.Task[None]] = set()
    async with DirectTransport() as transport:

        async def send(request: dict[str, Any]) -> None:
            call = Call.model_validate(request["call"])
            told: dict[str, Any]
            try:
                came = await transport.send(request["model"], call, request["seed"], request["timeout"])
            except InputError as error:
                told = {"refused": str(error)}
            except Exception as error:  # noqa: BLE001 - without any answer the parent would wait for ever
                failed = Failed(f"{type(error).__name__}: {error}"[:300], "lasting")
                told = {"failed": failed._asdict()}
            else:
                told = {"answered" if isinstance(came, Answered) else "failed": came._asdict()}
                if isinstance(came, Answered):
                    told["answered"]["tool_calls"] = [c.model_dump() for c in came.tool_calls]
            write(json.dumps({"id": request["id"], **told}).encode() + b"\n")

        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        write(b'{"id": "ready"}\n')
        while line := await reader.readline():
            task = asyncio.create_task(send(json.loads(line)))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        for task in under_way:
            task.cancel()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, whose end is ours
    with contextlib.suppress(BrokenPipeError):
        asyncio.run(serve())
