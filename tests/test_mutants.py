"""Every mutation can still be made, names tests that exist, and stands in the page; a survivor is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks import mutants
from benchmarks.mutants import ROOT, Mutation, MutationError, main, read_mutations, try_mutation, write_page

PAGE = ROOT / "docs" / "mutants.md"
MUTATIONS = read_mutations()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_can_be_made_and_its_tests_exist(mutation: Mutation) -> None:
    text = (ROOT / mutation.file).read_text(encoding="utf-8")
    assert mutation.apply(text) != text
    for test in mutation.tests:
        file, _, name = test.partition("::")
        assert f"def {name.partition('[')[0]}" in (ROOT / file).read_text(encoding="utf-8"), test


def test_the_page_lists_every_mutation_and_no_survivor() -> None:
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS) >= 16
    page = PAGE.read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if "| `src/" in line]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [
        mutation.name for mutation in MUTATIONS
    ]
    assert "SURVIVED" not in page, "a test is missing; then `make mutants`"
    assert f"{len(MUTATIONS)} mutations" in page


def small_checkout(folder: Path, test: str) -> Mutation:
    """A module and its test, and the mutation that makes 2 + 2 five."""
    (folder / "sums.py").write_text("def add(a, b):\n    return a + b\n")
    (folder / "test_sums.py").write_text(f"from sums import add\n\n\ndef test_add():\n    {test}\n")
    return Mutation("sums are wrong", "sums.py", "a + b", "a + b + 1", ("test_sums.py",))


def test_caught_survived_and_broken_down_are_told_apart(tmp_path: Path) -> None:
    mutation = small_checkout(tmp_path, "assert add(2, 2) == 4")
    before = (tmp_path / "sums.py").read_text()
    assert try_mutation(mutation, tmp_path) == "test_sums.py::test_add"
    assert (tmp_path / "sums.py").read_text() == before
    assert try_mutation(small_checkout(tmp_path, "assert add(2, 2)"), tmp_path) is None
    broken = Mutation("no syntax", "sums.py", "def add", "def def", ("test_sums.py",))
    with pytest.raises(MutationError, match="pytest ended with 2 and no test failed"):
        try_mutation(broken, tmp_path)
    gone = Mutation("gone", "sums.py", "a - b", "", ("test_sums.py",))
    with pytest.raises(MutationError, match=r"stands 0 times, not once.*'a - b'"):
        try_mutation(gone, tmp_path)


def test_exit_codes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    found = [(MUTATIONS[0], "tests/test_x.py::test_y"), (MUTATIONS[1], None)]
    monkeypatch.setattr(mutants, "try_all", lambda mutations: found[: len(mutations)])
    page = tmp_path / "page.md"
    assert main([MUTATIONS[0].name, "--page", str(page)]) == 0
    assert page.read_text(encoding="utf-8") == write_page(found[:1])
    assert main([]) == 1
    assert "**SURVIVED**" in capsys.readouterr().out
    assert main(["no such thing"]) == 2
    assert main(["--page"]) == 2

    def fail(mutations: object) -> None:
        raise MutationError("gone")

    monkeypatch.setattr(mutants, "try_all", fail)
    assert main([]) == 2
    assert "gone" in capsys.readouterr().err
