"""Break the package in a known way, one break at a time, and see which test turns red.

`make mutants` runs every mutation of benchmarks/mutations.toml, `python -m benchmarks.mutants NAME ...` some,
`--page FILE` also writes the table as a page (docs/mutants.md). It works on a copy in a temporary folder and
runs the tests that the mutation names, which must pass in the unbroken copy first. Exit code: 0 if a test
caught each, 1 if one survived, 2 for a mutation that cannot be made or run (its text is not there exactly
once, a test is gone, tests break down before they can fail).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TABLE = Path(__file__).with_name("mutations.toml")
COPIED = ("src", "tests", "docs", "benchmarks", "experiments")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.egg-info", ".pytest_cache")
TIMEOUT_SECONDS = 600
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+?::[^\s\[]+)", re.MULTILINE)
HEAD = """# Mutants

Each line is a way to break the measurement, made in a copy of the source, and the test that turned red.
`make mutants` makes this page again ({num} mutations, some minutes on two cores) and exits with 1 where one
survives; the breaks themselves stand in `benchmarks/mutations.toml`.

| what is broken | file | caught by |
| --- | --- | --- |
"""


class MutationError(Exception):
    """A mutation that cannot be made or run."""


@dataclass(frozen=True)
class Mutation:
    """One way to break the package."""

    name: str
    """What is broken, in words."""
    file: str
    """Path in the repository."""
    find: str
    """Stands in the file exactly once."""
    replace: str
    tests: tuple[str, ...]
    """Ids of the tests that must see it."""

    def apply(self, text: str) -> str:
        """The text of the file, broken. Raises MutationError."""
        if text.count(self.find) != 1:
            raise MutationError(
                f"{self.name}: in {self.file} the text to replace stands {text.count(self.find)} times, not "
                f"once: {self.find.strip()!r}. The source has changed: mend benchmarks/mutations.toml."
            )
        return text.replace(self.find, self.replace)


def read_mutations(path: Path = TABLE) -> list[Mutation]:
    """The mutations of a table."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["mutation"]
    return [Mutation(**{**entry, "tests": tuple(entry["tests"])}) for entry in entries]


def copy_checkout(folder: Path) -> None:
    """What the tests need, without what earlier runs left."""
    for name in COPIED:
        shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
    for file in ROOT.iterdir():
        if file.is_file() and not file.name.startswith("."):
            shutil.copy2(file, folder / file.name)


def run_tests(folder: Path, tests: Sequence[str]) -> tuple[int, str]:
    """Exit code and output of pytest on some tests of a copy."""
    own = {"PYTHONPATH": f"{folder / 'src'}{os.pathsep}{folder}", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(
        command, cwd=folder, env=os.environ | own, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
    )
    return done.returncode, done.stdout + done.stderr


def try_mutation(mutation: Mutation, folder: Path) -> str | None:
    """The test that caught it, None if it survived. Raises MutationError."""
    file = folder / mutation.file
    before = file.read_text(encoding="utf-8")
    file.write_text(mutation.apply(before), encoding="utf-8")
    try:
        code, told = run_tests(folder, mutation.tests)
    finally:
        file.write_text(before, encoding="utf-8")
    if code == 0:
        return None
    if code == 1 and (found := _FAILED.search(told)):
        return found[1]
    raise MutationError(f"{mutation.name}: pytest ended with {code} and no test failed:\n{told[-2000:]}")


def check_unbroken(mutations: Sequence[Mutation], folder: Path) -> None:
    """Raises MutationError unless every named test passes before anything is broken."""
    tests = list(dict.fromkeys(test for mutation in mutations for test in mutation.tests))
    code, told = run_tests(folder, tests)
    if code:
        raise MutationError(f"the tests do not pass as they are (pytest ended with {code}):\n{told[-2000:]}")


def try_all(mutations: Sequence[Mutation]) -> list[tuple[Mutation, str | None]]:
    """Every mutation with the test that caught it; tells each on stderr as it ends."""
    found: list[tuple[Mutation, str | None]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_checkout(folder)
        for mutation in mutations:
            mutation.apply((folder / mutation.file).read_text(encoding="utf-8"))
        check_unbroken(mutations, folder)
        for mutation in mutations:
            begun = time.monotonic()
            found.append((mutation, try_mutation(mutation, folder)))
            seconds = time.monotonic() - begun
            print(
                f"{seconds:5.1f} s  {mutation.name}: {found[-1][1] or 'SURVIVED'}",
                file=sys.stderr,
                flush=True,
            )
    return found


def write_page(found: Sequence[tuple[Mutation, str | None]]) -> str:
    """The table as a page."""
    lines = [
        f"| {mutation.name} | `{mutation.file}` | {f'`{test}`' if test else '**SURVIVED**'} |"
        for mutation, test in found
    ]
    return HEAD.format(num=len(found)) + "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> int:
    """The exit code."""
    names, page = list(arguments), None
    if "--page" in names:
        at = names.index("--page")
        page = names[at + 1] if at + 1 < len(names) else ""
        del names[at : at + 2]
    mutations = read_mutations()
    unknown = [name for name in names if name not in {mutation.name for mutation in mutations}]
    if unknown or page == "":
        print(f"There is no mutation {unknown[0]!r}." if unknown else "--page needs a file.", file=sys.stderr)
        return 2
    try:
        found = try_all([mutation for mutation in mutations if not names or mutation.name in names])
    except MutationError as error:
        print(error, file=sys.stderr)
        return 2
    text = write_page(found)
    print(text[text.index("| what") :], end="")
    if page:
        Path(page).write_text(text, encoding="utf-8")
    survived = sum(test is None for _, test in found)
    print(f"{len(found)} mutations, {survived} survived", file=sys.stderr)
    return int(survived > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
