"""The run directory: fingerprints, whole-or-nothing writing, the lock, the manifest, errors of the disk."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from teachwhy import run_dir
from teachwhy.config import ArmConfig, ClaimConfig, ClaimTest, ExperimentConfig
from teachwhy.errors import ConfigError, DataError, StorageError
from teachwhy.manifest import write_manifest
from teachwhy.run_dir import (
    RunDir,
    atomic_file,
    atomic_folder,
    atomic_write_text,
    expand_home,
    fingerprint,
    hash_checkpoint,
    hash_source,
    is_alive,
    join_workers,
    lock_run,
    read_json,
    read_object,
    storage_errors,
    wait_for_workers,
)


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_fingerprint_is_stable_and_sensitive() -> None:
    digits = fingerprint(seed=1, mixture={"a": 0.5, "b": 0.5})
    assert digits == fingerprint(mixture={"b": 0.5, "a": 0.5}, seed=1)
    assert len(digits) == 16
    others = [
        fingerprint(seed=2, mixture={"a": 0.5, "b": 0.5}),
        fingerprint(seed=1, mixture={"a": 0.5, "b": 0.25}),
        fingerprint(seed="1", mixture={"a": 0.5, "b": 0.5}),
        fingerprint(seeds=1, mixture={"a": 0.5, "b": 0.5}),
        fingerprint(seed=1, mixture={"a": 0.5, "b": 0.5}, code=("records.py",)),
    ]
    assert len({digits, *others}) == 6


def test_fingerprint_refuses_what_has_no_stable_text() -> None:
    with pytest.raises(TypeError, match="cannot hold a set"):
        fingerprint(names={"b", "a"})


def test_hash_of_source_sees_contents_names_and_kinds(tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()
    source = tmp_path / "training" / "loop.py"
    source.write_text("a = 1\n")
    with pytest.raises(FileNotFoundError, match=r"records\.py: named as a part"):
        hash_source(("training", "records.py"), tmp_path)
    (tmp_path / "records.py").write_text("b = 1\n")

    def current() -> str:
        hash_source.cache_clear()
        return hash_source(("training", "records.py"), tmp_path)

    seen = [current()]
    (tmp_path / "training" / "loop.pyc").write_text("not source")
    (tmp_path / "report.py").write_text("not asked for")
    assert current() == seen[0]
    source.write_text("a = 2\n")
    seen.append(current())
    (tmp_path / "training" / "words.toml").write_text("x = 1\n")
    seen.append(current())
    (tmp_path / "training" / "words.toml").rename(tmp_path / "training" / "word.toml")
    seen.append(current())
    (tmp_path / "records.py").write_text("")
    seen.append(current())
    assert len(set(seen)) == 5
    hash_source.cache_clear()


def test_hash_of_checkpoint_sees_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"0" * 100)
    first = hash_checkpoint(tmp_path)
    assert hash_checkpoint(tmp_path) == first
    weights.write_bytes(b"0" * 99 + b"1")
    assert hash_checkpoint(tmp_path) != first
    monkeypatch.setattr(run_dir, "MAX_HASHED_BYTES", 10)
    large = hash_checkpoint(tmp_path)
    os.utime(weights, ns=(1, 1))
    assert hash_checkpoint(tmp_path) != large


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "-x", "a b", "x" * 65, "a\n"])
def test_names_cannot_leave_the_run_directory(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not allowed"):
        RunDir(tmp_path).train_stage(name, 0, "0" * 16)


def test_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    atomic_write_text(path, "old")
    with pytest.raises(RuntimeError), atomic_file(path) as partial:
        partial.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert names_in(tmp_path) == {"summary.json"}
    atomic_write_text(path, "new")
    assert path.read_text() == "new"
    assert names_in(tmp_path) == {"summary.json"}


def test_folder_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "data"
    with pytest.raises(RuntimeError), atomic_folder(path) as partial:
        (partial / "a").write_text("half")
        raise RuntimeError
    assert names_in(tmp_path) == set()
    with atomic_folder(path) as partial:
        (partial / "a").write_text("whole")
        assert not path.exists()
    with pytest.raises(RuntimeError), atomic_folder(path) as partial:
        (partial / "a").write_text("half")
        raise RuntimeError
    assert (path / "a").read_text() == "whole"
    with atomic_folder(path) as partial:
        (partial / "b").write_text("other")
    assert names_in(path) == {"b"}
    assert names_in(tmp_path) == {"data"}


def test_of_a_link_in_the_place_of_a_folder_only_the_link_goes(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir()
    (target / "kept").write_text("kept")
    path = tmp_path / "data"
    for place in ("target", "nowhere"):
        path.symlink_to(place)
        with atomic_folder(path) as partial:
            (partial / "a").write_text("new")
        assert names_in(path) == {"a"}
        assert not path.is_symlink()
        assert names_in(target) == {"kept"}
        assert names_in(tmp_path) == {"data", "target"}
        (path / "a").unlink()
        path.rmdir()
    path.write_text("a file")
    with atomic_folder(path) as partial:
        (partial / "a").write_text("new")
    assert names_in(tmp_path) == {"data", "target"}


def test_folder_that_cannot_be_renamed_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "data"
    path.mkdir()
    (path / "a").write_text("old")
    replace = os.replace

    def fail(source: Path, target: Path) -> None:
        if target == path and ".old." not in source.name:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(StorageError), atomic_folder(path) as partial:
        (partial / "a").write_text("new")
    assert (path / "a").read_text() == "old"
    assert names_in(tmp_path) == {"data"}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.ENOTDIR])
def test_what_a_disk_refuses_is_one_clear_error(tmp_path: Path, number: int) -> None:
    path = tmp_path / "scores.parquet"
    path.write_text("old")
    with pytest.raises(StorageError) as caught, atomic_file(path) as partial:
        partial.write_text("half")
        raise OSError(number, os.strerror(number))
    assert str(path) in str(caught.value)
    assert "cannot be written" in str(caught.value)
    assert path.read_text() == "old"
    assert names_in(tmp_path) == {"scores.parquet"}


def test_other_errors_are_left_alone(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), storage_errors(tmp_path):
        (tmp_path / "absent").read_text()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system that makes no folders")
@pytest.mark.parametrize("name", ["teachwhy", "teachwhy/pages"])
def test_a_place_where_no_folder_can_be_made_is_one_clear_error(name: str) -> None:
    out = Path("/proc") / name
    for write in (lambda: out.mkdir(parents=True), lambda: atomic_write_text(out, "x")):
        with pytest.raises(StorageError, match="no folder can be made here"), storage_errors(out):
            write()


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "manifest.json"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="disk is full"):
        atomic_write_text(path, "new")
    assert path.read_text() == "old"
    assert names_in(tmp_path) == {"manifest.json"}


def test_disk_that_is_full_from_the_start_is_told_with_the_path(tmp_path: Path) -> None:
    script = (
        "import resource, sys; from pathlib import Path; from teachwhy.run_dir import lock_run\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "with lock_run(Path(sys.argv[1])):\n    pass\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(run_dir.__file__).parents[1])},
        check=False,
    )
    assert f"StorageError: {tmp_path}/.lock: cannot be written" in done.stderr


def test_folder_of_something_else_is_no_place_for_a_run(tmp_path: Path) -> None:
    run = RunDir(tmp_path / "run")
    run.refuse_foreign()
    run.root.mkdir()
    run.refuse_foreign()
    with lock_run(run.root):
        run.create()
        wait_for_workers(run.root)
        run.refuse_foreign()
    (run.root / f".report.html.{dead_pid()}.partial").write_text("half")
    run.refuse_foreign()
    (run.root / "report.html").write_text("somebody's own")
    for manifest in (None, "{}", '{"name": "a web page\'s"}'):
        if manifest:
            run.manifest.write_text(manifest)
        with pytest.raises(StorageError, match=r"is not empty and no run directory.*--output"):
            run.refuse_foreign()
    run.manifest.write_text('{"experiment": {}}')
    run.refuse_foreign()
    run.manifest.unlink()
    run.plan_file("0" * 16).write_text("")
    run.refuse_foreign()


def test_file_in_the_way_of_the_run_directory(tmp_path: Path) -> None:
    blocked = tmp_path / "file" / "run"
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="part of the path is a file"), lock_run(blocked):
        pass


def test_half_written_parts_of_dead_processes_are_removed(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.create()
    dead = dead_pid()
    (run.stages / f".data-a.{dead}.partial").mkdir()
    (run.stages / f".data-a.{dead}.partial" / "examples.jsonl").write_text("half")
    (run.root / f".scores.parquet.{dead}.partial").write_text("half")
    ours = run.stages / f".data-b.{os.getpid()}.partial"
    ours.mkdir()
    kept = run.stages / ".training.json.partial"
    kept.write_text("another stage's own")
    run.create()
    assert names_in(run.stages) == {ours.name, kept.name}
    assert names_in(run.root) == {"stages"}


def test_life_of_processes() -> None:
    assert is_alive(os.getpid())
    assert not is_alive(dead_pid())
    assert not is_alive(2**80)


def test_two_runs_do_not_share_a_directory(tmp_path: Path) -> None:
    root = tmp_path / "new" / "run"
    script = (
        "import sys; from pathlib import Path; from teachwhy.run_dir import lock_run\n"
        "with lock_run(Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(run_dir.__file__).parents[1])},
    )
    assert other.stdout is not None
    assert other.stdin is not None
    with other.stdin, other.stdout:
        assert other.stdout.readline() == b"held\n"
        with (
            pytest.raises(StorageError, match=f"process {other.pid}.* is working on this run"),
            lock_run(root),
        ):
            pass
        other.kill()  # as kill -9: the lock goes with its process, though its number stays in the file
        other.wait()
        with lock_run(root):
            assert (root / ".lock").read_text() == str(os.getpid())


def test_lock_where_the_file_system_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    monkeypatch.setattr(fcntl, "flock", refuse)
    (tmp_path / ".lock").write_text(str(os.getppid()))
    with pytest.raises(StorageError, match="is working on this run"), lock_run(tmp_path):
        pass
    (tmp_path / ".lock").write_text(str(dead_pid()))
    with lock_run(tmp_path):
        pass


def test_a_new_run_waits_for_the_workers_of_the_old(tmp_path: Path) -> None:
    with join_workers(tmp_path), pytest.raises(StorageError, match="still at work"):
        wait_for_workers(tmp_path, seconds=0.0)
    wait_for_workers(tmp_path, seconds=0.0)


def test_broken_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "stage.json"
    with pytest.raises(DataError, match="cannot be read"):
        read_json(path)
    for text in ("{", "[" * 100_000, "1" * 5000):
        path.write_text(text)
        with pytest.raises(DataError, match=r"stage\.json: is not JSON"):
            read_json(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", "holds a list, not a JSON object"),
        ("null", "holds a NoneType, not a JSON object"),
        ("{}", "seconds is missing"),
        ('{"seconds": "1"}', "seconds is a str, it must be a int or float"),
    ],
)
def test_json_of_another_form_is_named(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "stage.json"
    path.write_text(text)
    with pytest.raises(DataError, match=rf"stage\.json: {expected}\. Delete"):
        read_object(path, seconds=(int, float))
    path.write_text('{"seconds": 1, "more": []}')
    assert read_object(path, seconds=(int, float)) == {"seconds": 1, "more": []}


@pytest.mark.parametrize("name", ["~nobodyxx/y", "x" * 5000])
def test_what_is_no_path_is_refused(name: str) -> None:
    with pytest.raises(ConfigError):
        expand_home(name)


def test_homes_are_expanded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expand_home("~/x") == tmp_path / "x"
    assert expand_home(Path("y/z")) == Path("y/z")


def make_config(margin: float) -> ExperimentConfig:
    test = ClaimTest(arm="a", baseline="b", relation="below", margin=margin)
    return ExperimentConfig(
        name="x",
        arms=(ArmConfig(name="a"), ArmConfig(name="b")),
        baseline="b",
        claims=(ClaimConfig(id="c", statement="Something.", tests=(test,)),),
    )


def test_manifest_keeps_the_hash_of_the_claims(tmp_path: Path) -> None:
    run = RunDir(tmp_path)
    run.create()
    assert write_manifest(run, make_config(0.1))
    first = json.loads(run.manifest.read_text())
    assert first["experiment"]["claims"][0]["tests"][0]["margin"] == 0.1
    assert len(first["claims_sha256"]) == 64
    assert first["versions"]["teachwhy"]
    before = run.manifest.stat().st_mtime_ns
    assert write_manifest(run, make_config(0.1))
    assert run.manifest.stat().st_mtime_ns == before

    assert write_manifest(run, make_config(0.2)), "no episode yet: the claims may still change"
    ledger = run.eval_stage("a", 0, "0" * 16) / "episodes.jsonl"
    ledger.parent.mkdir()
    ledger.write_text("")
    assert not write_manifest(run, make_config(0.3))
    assert not write_manifest(run, make_config(0.2)), "it stays on record"
    last = json.loads(run.manifest.read_text())
    for text in ("[]", '{"experiment": {}}', '{"experiment": {}, "claims_sha256": 1}'):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(DataError, match=r"manifest\.json: .* run again"):
            write_manifest(run, make_config(0.1))
    assert len(last["claims_after_results"]) == 2
    assert last["created"] == first["created"]
