"""The budgets of the house: lengths, arguments, names, and what is never written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import teachwhy

PACKAGE = Path(teachwhy.__file__).parent
MAX_MODULE_LINES = 500
MAX_FUNCTION_LINES = 60
MAX_LOOP_LINES = 150
MAX_ARGUMENTS = 7
FORBIDDEN_NAMES = ("utils", "util", "helpers", "helper", "manager", "common", "misc")
FORBIDDEN_IMPORTS = ("pickle", "dill", "shelve", "marshal", "joblib", "cloudpickle")
FORBIDDEN_CALLS = ("eval", "exec", "os.system", "torch.load", "torch.save")
FORBIDDEN_SWITCHES = ("trust_remote_code", "allow_pickle", "shell")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")

LOOPS: set[str] = set()
"""Training loops, which may take 150 lines: module:function."""
MANY_ARGUMENTS = {"sprig/sampling.py:sample"}
"""Functions whose keyword-only arguments mirror options that a person gives one by one."""


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def find_faults(name: str, text: str) -> Iterator[str]:
    """What a module breaks, one text each."""
    num_lines = text.count("\n")
    if num_lines > MAX_MODULE_LINES:
        yield f"{name}: {num_lines} lines, at most {MAX_MODULE_LINES}"
    if Path(name).stem in FORBIDDEN_NAMES:
        yield f"{name}: a name that says nothing"
    if UNFINISHED.search(text):
        yield f"{name}: unfinished"
    for node in ast.walk(ast.parse(text)):
        where = f"{name}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from find_function_faults(name, node)
        elif isinstance(node, ast.ExceptHandler) and node.type is None:
            yield f"{where}: bare except"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module]
            wrong = [module for module in modules if (module or "").split(".")[0] in FORBIDDEN_IMPORTS]
            yield from (f"{where}: imports {module}" for module in wrong)
        elif isinstance(node, ast.keyword) and node.arg in FORBIDDEN_SWITCHES:
            if not (isinstance(node.value, ast.Constant) and node.value.value is False):
                yield f"{where}: {node.arg}"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in FORBIDDEN_CALLS:
            yield f"{where}: {ast.unparse(node.func)}"


def find_function_faults(name: str, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Length and number of arguments; options of a command or an Inspect task do not count."""
    key = f"{name}:{node.name}"
    num_lines = (node.end_lineno or node.lineno) - node.lineno + 1
    limit = MAX_LOOP_LINES if key in LOOPS else MAX_FUNCTION_LINES
    if num_lines > limit:
        yield f"{key}: {num_lines} lines, at most {limit}"
    arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
    num_arguments = len([argument for argument in arguments if argument.arg not in ("self", "cls")])
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    is_command = any(
        "command" in decorator or decorator.partition("(")[0] == "task" for decorator in decorators
    )
    if num_arguments > MAX_ARGUMENTS and not is_command and key not in MANY_ARGUMENTS:
        yield f"{key}: {num_arguments} arguments, at most {MAX_ARGUMENTS}"


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_budgets_and_what_is_never_written(path: Path) -> None:
    faults = list(find_faults(name_of(path), path.read_text(encoding="utf-8")))
    assert not faults, "; ".join(faults)


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_every_module_and_public_function_says_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if not text.strip():
        return
    tree = ast.parse(text)
    silent = [] if ast.get_docstring(tree) else [name_of(path)]
    for node in tree.body:
        is_public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        if is_public and not ast.get_docstring(node):
            silent.append(f"{name_of(path)}:{node.name}")
    assert not silent, f"no docstring: {', '.join(silent)}"


def test_exceptions_to_the_budgets_exist() -> None:
    for key in LOOPS | MANY_ARGUMENTS:
        module, function = key.split(":")
        assert f"def {function}(" in (PACKAGE / module).read_text(encoding="utf-8"), key


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    f()\nexcept:\n    pass\n",
        "import pickle\n",
        "from pickle import loads\n",
        "f(trust_remote_code=True)\n",
        "import os\nos.system('x')\n",
        "eval('1')\n",
        "import torch\ntorch.load('x')\n",
        "def f(a, b, c, d, e, f, g, h): ...\n",
        "def f():\n" + "    a = 1\n" * 60,
        "a = 1\n" * 501,
        "# TO" + "DO: later\n",
    ],
)
def test_faults_are_seen(text: str) -> None:
    assert list(find_faults("module.py", text))
    assert not list(find_faults("module.py", "def f(a, b):\n    return a + b\n"))
    assert list(find_faults("utils.py", ""))
