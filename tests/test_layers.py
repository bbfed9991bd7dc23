"""Imports go one way, as docs/design.md draws it, and what the command line needs at once is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import teachwhy

PACKAGE = Path(teachwhy.__file__).parent
BASE = {"records", "errors", "prompts", "visible_text"}
FOUNDATION = BASE | {"experiment_file", "evaluation_config", "generation_config", "config", "run_dir"}
MIDDLE = {"constitution", "scenarios", "providers", "sprig", "environments"}
UPPER = {"service", "checks", "teachers", "techniques", "training", "evaluation"}
READERS = {"analysis", "report"}
TOP = {"workers", "generation", "jobs", "layout", "manifest", "display", "experiment"}

ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "records": {"errors"},
    "prompts": {"errors", "records"},
    "visible_text": set(),
    # config checks names of techniques and families against their registries, inside one function.
    "experiment_file": {"errors"},
    "evaluation_config": {"records"},
    "generation_config": {"evaluation_config"},
    "config": {
        *("errors", "records", "experiment_file", "evaluation_config", "generation_config"),
        *("scenarios", "techniques"),
    },
    "run_dir": {"errors", "records", "config"},
    "constitution": FOUNDATION,
    "scenarios": FOUNDATION,
    "sprig": FOUNDATION | {"scenarios", "constitution"},
    "environments": FOUNDATION | {"scenarios", "constitution"},
    "providers": FOUNDATION | {"scenarios", "sprig"},
    # the service opens models, and masks keys, as evaluation does
    "service": FOUNDATION | MIDDLE | {"evaluation"},
    "checks": FOUNDATION | MIDDLE | {"service", "evaluation", "judging"},
    "teachers": FOUNDATION | MIDDLE | {"service"},
    "techniques": FOUNDATION | MIDDLE | {"service", "checks", "teachers"},
    "training": FOUNDATION | MIDDLE,
    # evaluation takes the scorers of a judge from judging, and who is kin, and nothing else of it; planning
    # asks analysis how wide an interval will be, which itself rests on files only
    "evaluation": FOUNDATION | MIDDLE | {"judging", "analysis"},
    "judging": FOUNDATION | MIDDLE | {"evaluation", "analysis"},
    "analysis": FOUNDATION,
    "report": FOUNDATION | {"analysis"},
    "inspect_registry": {"evaluation", "providers", "judging"},
    "workers": FOUNDATION,
    "manifest": FOUNDATION,
    # pages of datasets look as those of results do
    "data": FOUNDATION | MIDDLE | {"service", "checks", "teachers", "techniques", "report"},
    "generation": FOUNDATION | MIDDLE | {"service", "checks", "teachers", "techniques", "data"},
    "jobs": FOUNDATION | MIDDLE | UPPER | READERS | {"workers", "generation"},
    "layout": FOUNDATION | MIDDLE | {"jobs"},
    "generation_plan": FOUNDATION | {"service", "teachers", "techniques"},
    "display": FOUNDATION | {"scenarios", "training", "jobs", "workers"},
    "experiment": FOUNDATION | TOP | {"generation_plan"},
    "cli_scenarios": FOUNDATION | {"scenarios"},
    # the calibrations file is a record of analysis
    "cli_judge": FOUNDATION | {"judging", "analysis", "display"},
    "generation_display": FOUNDATION | {"service", "generation", "display"},
    "cli_data": FOUNDATION
    | {
        "service",
        "generation_display",
        "generation_plan",
        "constitution",
        "checks",
        "data",
        "generation",
        "display",
        "techniques",
    },
    "cli": {
        *(FOUNDATION | MIDDLE | TOP),
        *("evaluation", "cli_constitution", "cli_data", "cli_scenarios", "cli_judge", "cli_upstream"),
    },
    "cli_upstream": FOUNDATION | {"display", "evaluation"},
    "cli_constitution": FOUNDATION | {"constitution", "scenarios", "service", "teachers"},
    "__main__": {"cli"},
}
"""Part of the package -> parts that it may import, itself aside."""

HEAVY = {
    *("accelerate", "datasets", "datasketch", "inspect_ai", "matplotlib", "numpy", "pandas", "peft"),
    *("pyarrow", "scipy", "statsmodels", "torch", "transformers", "trl"),
}


def imports_of(path: Path) -> set[str]:
    """Parts of the package that a module imports, at its top or inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            names = [f"{module}.{alias.name}" for alias in node.names] if module == "teachwhy" else [module]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == "teachwhy" and len(parts) > 1 and parts[1] != "__version__":
                found.add(parts[1])
    return found


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_every_part_has_its_layer() -> None:
    assert {part_of(path) for path in modules()} <= set(ALLOWED)


@pytest.mark.parametrize("part", sorted(ALLOWED))
def test_imports_go_one_way(part: str) -> None:
    wrong = []
    for path in modules():
        if part_of(path) == part:
            name = path.relative_to(PACKAGE).as_posix()
            others = imports_of(path) - ALLOWED[part] - {part}
            wrong += [f"{name} imports {other}" for other in sorted(others)]
    assert not wrong, "; ".join(wrong)


def test_a_wrong_import_would_be_seen(tmp_path: Path) -> None:
    path = tmp_path / "x.py"
    path.write_text("def f():\n    from teachwhy import report\n    import teachwhy.cli\n")
    assert imports_of(path) == {"report", "cli"}


def test_a_run_with_nothing_to_do_loads_nothing_heavy() -> None:
    script = (
        "import sys\n"
        "import teachwhy.cli, teachwhy.experiment, teachwhy.sprig, teachwhy.constitution\n"
        "import teachwhy.techniques, teachwhy.scenarios.families, teachwhy.training.plan\n"
        "import teachwhy.environments\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(PACKAGE.parent)},
    )
    assert done.stdout.strip() == "[]"
