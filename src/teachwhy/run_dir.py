"""The run directory: every path, fingerprints, whole-or-nothing writing and the lock.

    RUN_DIR/
      manifest.json                 experiment as resolved, hash of the claims, versions, when
      stages/
        data-<technique>-<fp>/      examples.jsonl  rejected.jsonl  stage.json
        plan-<fp>.json              the training plan of all arms
        train-<arm>-s<seed>-<fp>/   checkpoint/  training.json  stage.json
        eval-<arm>-s<seed>-<fp>/    episodes.jsonl  logs/*.eval  stage.json
        results.json                what the files below were made from
      scores.parquet  summary.json  report.html  report.md  figures/*.png

A stage is whole when its stage.json is there, which is written last. Data stages are also built under another
name and renamed. Names of arms and techniques are checked; nothing that a model wrote becomes a path.
"""

from __future__ import annotations

import errno
import fcntl
import functools
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from teachwhy.config import NAME_PATTERN
from teachwhy.errors import ConfigError, DataError, StorageError

FINGERPRINT_DIGITS = 16
SOURCE_SUFFIXES = (".py", ".toml", ".md", ".jinja", ".txt")
MAX_HASHED_BYTES = 64 * 2**20
"""Larger files count by name, size and time of change: the shards of a 32B model would take minutes."""
ABOUT_A_CHECKPOINT = ("card.json", "sprig.json", "README.md")
"""Files beside the weights that say something about them and change nothing that the model does."""
WORKERS_LOCK = ".workers.lock"
STAGE = "stage.json"
"""In the folder of a stage that is whole."""
LEDGER = "episodes.jsonl"
CALLS = "ledger.sqlite"
"""Calls and drafts of the teacher, beside the folders of rows."""
"""In the folder of an evaluation, and so are the next five."""
SETTINGS = "settings.json"
JUDGEMENTS = "judgements.jsonl"
CALIBRATIONS = "calibrations.json"
"""Of its judges and of the rule."""
UPSTREAM_SUMMARY = "upstream.json"
"""The rates in the published conditions."""
LOGS = "logs"
"""A folder of Inspect's."""

_BEFORE_THE_MANIFEST = (".lock", WORKERS_LOCK, "stages")
_PACKAGE = Path(__file__).parent
_PARTIAL = re.compile(r"^\..+\.(\d+)\.partial$")
_STAGE = re.compile(r"^(data|plan|train|eval)-(.+-)?[0-9a-f]{16}(\.json)?$")
_ELSEWHERE = "choose another place (--output, --out)"
_STORAGE_ERRORS = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "the disk quota is used up; free some space",
    errno.EFBIG: "the file is too large for this disk; choose another place",
    errno.EROFS: "the place is read-only; choose another with --output",
    errno.EACCES: "permission is denied; choose another place with --output",
    errno.EPERM: "permission is denied; choose another place with --output",
    errno.ENOTDIR: "a part of the path is a file; choose another place with --output",
    errno.EEXIST: "something else has this name; choose another place with --output",
    errno.EISDIR: "a folder has this name; choose another place with --output",
    errno.ENAMETOOLONG: "the path is too long; choose another place with --output",
    errno.EIO: "the disk does not answer; choose another place with --output",
}


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turns what a disk refuses (full, read-only, forbidden) into a StorageError about `path`."""
    try:
        yield
    except OSError as error:
        told = explain_storage(error, path)
        if told is None and _has_no_folder(error, path):
            told = StorageError(f"{path}: cannot be written: no folder can be made here; {_ELSEWHERE}.")
        if told is None:
            raise
        raise told from error


def _has_no_folder(error: OSError, path: Path) -> bool:
    """It is `path`, a folder above it or a file beside it that cannot be made, as /proc and its like say.

    Anything else that is absent is no matter of the disk.
    """
    if error.errno != errno.ENOENT or not isinstance(error.filename, str):
        return False
    absent = Path(error.filename)
    return absent in (path, *path.parents) or absent.parent == path.parent


def explain_storage(error: OSError, path: Path | None = None) -> StorageError | None:
    """The StorageError for an OSError of a disk, or None for any other."""
    if error.errno not in _STORAGE_ERRORS:
        return None
    place = path or error.filename or "the output"
    return StorageError(f"{place}: cannot be written: {_STORAGE_ERRORS[error.errno]}.")


def canonical_json(value: Any) -> str:
    """One text for equal values: sorted keys, no white space; pydantic models by their fields."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_as_plain, ensure_ascii=False)


def _as_plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"a fingerprint cannot hold a {type(value).__name__}")


def fingerprint(*, code: Sequence[str] = (), **parts: Any) -> str:
    """16 hex digits that change with any of `parts` and with the package's source named in `code`.

    `code`: files and folders relative to the package ("training", "records.py"), so that a change of the
    report does not invalidate a training.
    """
    text = canonical_json({"parts": parts, "code": hash_source(tuple(code))})
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:FINGERPRINT_DIGITS]


@functools.cache
def hash_source(code: tuple[str, ...], package: Path = _PACKAGE) -> str:
    """SHA-256 over names and contents of the source files below these parts of the package."""
    digest = hashlib.sha256()
    for part in sorted(code):
        root = package / part
        if not root.exists():
            raise FileNotFoundError(f"{root}: named as a part of a fingerprint, but not there")
        files = [root] if root.is_file() else sorted(root.rglob("*"))
        for file in files:
            if file.suffix in SOURCE_SUFFIXES and file.is_file():
                digest.update(f"{file.relative_to(package).as_posix()}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def hash_checkpoint(folder: Path) -> str:
    """SHA-256 over the files of a checkpoint folder; very large files by name, size and time of change."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        if file.name in ABOUT_A_CHECKPOINT:
            continue
        state = file.stat()
        digest.update(f"{file.relative_to(folder).as_posix()}\0{state.st_size}\0".encode())
        if state.st_size <= MAX_HASHED_BYTES:
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        else:
            digest.update(str(state.st_mtime_ns).encode())
    return digest.hexdigest()


def expand_home(name: str | Path) -> Path:
    """The path with `~` and `~user` replaced by that home.

    Raises ConfigError where there is no such user, and for what no file system takes as a path.
    """
    try:
        path = Path(name).expanduser()
        path.exists()
    except RuntimeError as error:
        raise ConfigError(
            f"{name}: the home folder that ~ stands for is not known. Write the path in full."
        ) from error
    except OSError as error:
        raise ConfigError(
            f"{str(name)[:80]}: is no path that can be read ({error.strerror}). Give another."
        ) from error
    return path


@dataclass(frozen=True)
class RunDir:
    """The paths below one run directory."""

    root: Path

    @property
    def stages(self) -> Path:
        return self.root / "stages"

    @property
    def manifest(self) -> Path:
        return self.root / "manifest.json"

    @property
    def scores(self) -> Path:
        return self.root / "scores.parquet"

    @property
    def summary(self) -> Path:
        return self.root / "summary.json"

    @property
    def report(self) -> Path:
        return self.root / "report.html"

    @property
    def figures(self) -> Path:
        return self.root / "figures"

    @property
    def results(self) -> Path:
        return self.stages / "results.json"

    def data_stage(self, technique: str, digits: str) -> Path:
        return self.stages / f"data-{check_name(technique)}-{digits}"

    def plan_file(self, digits: str) -> Path:
        return self.stages / f"plan-{digits}.json"

    def train_stage(self, arm: str, seed: int, digits: str) -> Path:
        return self.stages / f"train-{check_name(arm)}-s{seed:d}-{digits}"

    def eval_stage(self, arm: str, seed: int, digits: str) -> Path:
        return self.stages / f"eval-{check_name(arm)}-s{seed:d}-{digits}"

    def refuse_foreign(self) -> None:
        """Raises StorageError where the place holds something else than a run, before anything is written.

        A run that stopped early has no manifest, but nothing either that is not a run's.
        """
        if not self.root.is_dir() or self._is_run():
            return
        with storage_errors(self.root):
            foreign = sorted(
                path.name
                for path in self.root.iterdir()
                if path.name not in _BEFORE_THE_MANIFEST and not _PARTIAL.match(path.name)
            )
        if foreign:
            raise StorageError(
                f"{self.root}: is not empty and no run directory: it holds {foreign[0]!r} and no "
                "manifest.json of a run. Nothing was written. Choose an empty or a new folder with --output."
            )

    def _is_run(self) -> bool:
        """Whether there is a stage of a run, or its manifest."""
        if self.stages.is_dir() and any(_STAGE.match(path.name) for path in self.stages.iterdir()):
            return True
        try:
            return bool(read_object(self.manifest, experiment=dict))
        except DataError:
            return False

    def create(self) -> None:
        """Make the folders, see that they can be written, and remove what dead processes left half-made."""
        with storage_errors(self.root):
            self.stages.mkdir(exist_ok=True)
            probe = self.stages / f".probe.{os.getpid()}.partial"
            probe.write_bytes(b"x" * 4096)
            probe.unlink()
            for folder in (self.root, self.stages):
                remove_stale_partials(folder)


def check_name(name: str) -> str:
    """The name itself; raises DataError where it is no part of a file name."""
    if not re.fullmatch(NAME_PATTERN, name):
        raise DataError(f"name {name!r} is not allowed: letters, digits, _ and -, at most 64.")
    return name


def is_whole(stage: Path) -> bool:
    """Whether a stage folder was finished."""
    return (stage / STAGE).is_file()


def finish_stage(stage: Path, **content: Any) -> None:
    """Mark a stage folder as whole; `content` is kept in its stage.json."""
    atomic_write_text(stage / STAGE, json.dumps(content, indent=1) + "\n")


def read_json(path: Path) -> Any:
    """A JSON file of a run. Raises DataError when it is absent or broken."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}). Run `teachwhy run` again.") from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: is not JSON ({error}). Delete it and run again.") from error


def read_object(path: Path, **wanted: type | tuple[type, ...]) -> dict[str, Any]:
    """A JSON object of a run, in which the `wanted` keys have values of these types. Raises DataError."""
    content = read_json(path)
    if not isinstance(content, dict):
        raise DataError(
            f"{path}: holds a {type(content).__name__}, not a JSON object. Delete it and run again."
        )
    for key, kind in wanted.items():
        if key not in content:
            raise DataError(f"{path}: {key} is missing. Delete it and run again.")
        if not isinstance(content[key], kind):
            kinds = kind if isinstance(kind, tuple) else (kind,)
            raise DataError(
                f"{path}: {key} is a {type(content[key]).__name__}, it must be a "
                f"{' or '.join(one.__name__ for one in kinds)}. Delete the file and run again."
            )
    return content


def read_settings(folder: Path, **wanted: type | tuple[type, ...]) -> dict[str, Any]:
    """settings.json of an evaluation of our episodes. Raises DataError, and ConfigError for another suite."""
    settings = read_object(folder / SETTINGS, **wanted)
    if settings.get("suite") == "upstream":
        raise ConfigError(
            f"{folder}: holds an evaluation of the published conditions, whose rows are not those "
            "of ours. What both verdicts say is in its upstream.json; the command that made it asks a judge "
            "with `--judge MODEL`. Give the folder of another evaluation."
        )
    return settings


def has_content(path: Path) -> bool:
    """Whether a file is there and not empty, as some crashes of a machine leave it."""
    return path.is_file() and path.stat().st_size > 0


def atomic_write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file whole or not at all."""
    atomic_write_bytes(path, text.encode("utf-8", "surrogatepass"))


def atomic_write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; the old one stays until the new one is on the disk."""
    with atomic_file(path) as partial, partial.open("wb") as file:
        file.write(content)


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """A name to write a file under, which becomes `path` when the block ends. Raises StorageError."""
    partial = _partial_of(path)
    try:
        with storage_errors(path):
            yield partial
            _sync(partial)
            os.replace(partial, path)
            _sync(path.parent)
    finally:
        with suppress(OSError):  # a read-only disk, or a file as the folder: the StorageError tells
            partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A new folder to write into, which becomes `path` when the block ends, replacing what was there.

    Of a link in that place only the link goes. Raises StorageError. When the block raises, `path` stays as it
    was and nothing half-written remains.
    """
    partial = _partial_of(path)
    old = _partial_of(path.with_name(f"{path.name}.old"))
    try:
        with storage_errors(path):
            _remove(partial)
            partial.mkdir()
            yield partial
            for file in partial.rglob("*"):
                _sync(file)
            if os.path.lexists(path):
                os.replace(path, old)
            try:
                os.replace(partial, path)
            except OSError:
                if os.path.lexists(old):
                    os.replace(old, path)
                raise
            _sync(path.parent)
    finally:
        _remove(partial)
        _remove(old)


def _partial_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


def _remove(path: Path) -> None:
    """Remove a file, a link (never what it points to) or a folder; no matter if there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_stale_partials(folder: Path) -> None:
    """Remove half-written files and folders whose process is dead."""
    for path in folder.glob(".*.partial"):
        match = _PARTIAL.match(path.name)
        if match and not is_alive(int(match[1])):
            _remove(path)


def is_alive(pid: int) -> bool:
    """Whether a process of this number runs on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OverflowError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def lock_run(root: Path) -> Iterator[None]:
    """Make a run directory and hold it for this process. Raises StorageError when another one has it.

    The system releases the lock when its process ends, however it ends, so that no lock is ever stale. Where
    the file system has no locks, the process number in the file decides.
    """
    path = root / ".lock"
    with storage_errors(path):
        root.mkdir(parents=True, exist_ok=True)
        file = path.open("ab+", buffering=0)  # with a buffer, closing would fail again on a full disk
    with file:
        owner = _take_lock(file)
        if owner is not None:
            raise StorageError(
                f"{root}: another teachwhy ({owner}) is working on this run. Wait for it to end, stop it, or "
                "give another place with --output."
            )
        with storage_errors(path):
            file.seek(0)
            file.truncate()
            file.write(str(os.getpid()).encode())
        yield


def wait_for_workers(root: Path, seconds: float = 30.0) -> None:
    """Wait until the workers of a killed run have ended; they may outlive it by a moment.

    Raises StorageError when some still run after `seconds`.
    """
    deadline = time.monotonic() + seconds
    path = root / WORKERS_LOCK
    with storage_errors(path), path.open("a") as file:
        while _is_locked(file, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise StorageError(
                    f"{root}: workers of an earlier run are still at work. Stop them and run again."
                )
            time.sleep(0.1)


def join_workers(root: Path) -> IO[str]:
    """Show this process as a worker of the run, until the file that is returned is closed."""
    file = (root / WORKERS_LOCK).open("a")
    _is_locked(file, fcntl.LOCK_SH)
    return file


def _is_locked(file: IO[Any], kind: int) -> bool:
    """Try to lock; True when another process keeps us from it."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP)
    return False


def _take_lock(file: IO[bytes]) -> str | None:
    """None when the lock is ours, or who has it."""
    file.seek(0)
    written = file.read(32).decode("ascii", "replace").strip()
    owner = f"process {written}" if written.isdecimal() else "another process"
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.EOPNOTSUPP):
            return owner
        held = written.isdecimal() and int(written) != os.getpid() and is_alive(int(written))
        return owner if held else None
    return None
