"""Worker processes: failing jobs, dying workers, a killed parent, a full disk. Real processes throughout."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import teachwhy
from teachwhy.errors import ConfigError
from teachwhy.workers import Event, Job, Report, WorkerPool, describe_failure, divide_cores

SOURCE = str(Path(teachwhy.__file__).parents[1])


def double(report: Report, number: int) -> tuple[int, int, str]:
    report("train", 1, 2)
    return 2 * number, os.getpid(), os.environ["OMP_NUM_THREADS"]


def refuse(report: Report) -> None:
    raise ConfigError("seeds = 'x' is wrong")


def break_down(report: Report) -> None:
    raise ZeroDivisionError("nobody expected this")


def fill_disk(report: Report) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def die(report: Report) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def ends(events: list[Event]) -> dict[str, Event]:
    return {event.job: event for event in events if event.kind in ("done", "failed")}


def test_jobs_run_fail_and_die_each_on_their_own() -> None:
    jobs = [
        Job("first", double, (1,), cost=9.0),
        Job("breaks", break_down, cost=5.0),
        Job("dies", die, cost=4.0),
        Job("refuses", refuse, cost=3.0),
        Job("last", double, (21,)),
    ]
    with WorkerPool(1, 3) as pool:
        events = list(pool.run(jobs))
        more = list(pool.run([Job("again", double, (5,))]))
    assert [event.job for event in events if event.kind == "started"] == [job.name for job in jobs]
    assert Event("progress", "first", "train", 1, 2) in events
    ended = ends(events)
    assert ended["first"].result[0] == 2
    assert ended["first"].result[2] == "3"
    assert ended["last"].result[0] == 42
    assert ends(more)["again"].result[1] == ended["last"].result[1], "a worker stays for many jobs"
    assert ended["first"].result[1] != ended["last"].result[1], "the worker that died was replaced"
    failures = {name: event.failure for name, event in ended.items() if event.failure}
    assert set(failures) == {"breaks", "dies", "refuses"}
    assert failures["refuses"].is_input
    assert failures["refuses"].message == "seeds = 'x' is wrong"
    assert "nobody expected this" in failures["breaks"].details
    assert not failures["breaks"].is_input
    assert "signal 9" in failures["dies"].message


def test_full_disk_ends_the_run_early() -> None:
    with WorkerPool(1, 1) as pool:
        events = list(pool.run([Job("full", fill_disk, cost=2.0), Job("later", double, (1,))]))
    assert set(ends(events)) == {"full"}
    failure = ends(events)["full"].failure
    assert failure is not None
    assert failure.is_storage
    assert "disk is full" in failure.message


def test_workers_die_with_their_parent_even_by_kill_9(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, time\n"
        "from teachwhy.workers import Job, WorkerPool\n"
        "def sleep(report, *_):\n"
        "    print(os.getpid(), flush=True)\n"
        "    time.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    with WorkerPool(1, 1) as pool:\n"
        "        list(pool.run([Job('sleep', sleep)]))\n"
    )
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": SOURCE},
    )
    assert parent.stdout is not None
    with parent.stdout:
        worker = int(parent.stdout.readline())
        parent.kill()
        parent.wait()
        assert parent.stdout.read() == b"", "reads to the end only when the worker has closed it, too"
    for _ in range(100):
        if not Path(f"/proc/{worker}").exists() or "Z" in Path(f"/proc/{worker}/stat").read_text().split():
            return
        time.sleep(0.05)
    pytest.fail("the worker outlived its parent")


def test_cores_are_divided() -> None:
    assert divide_cores(1) >= 1
    assert divide_cores(10_000) == 1


def test_failure_of_a_disk_is_the_users_to_mend() -> None:
    failure = describe_failure("job", OSError(errno.EROFS, os.strerror(errno.EROFS), "/place"))
    assert failure.is_input
    assert failure.is_storage
    assert "/place" in failure.message
    assert not describe_failure("job", FileNotFoundError(errno.ENOENT, "x")).is_input
