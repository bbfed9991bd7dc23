"""A key that a server sends back, and the search for it in whatever an evaluation left."""

from __future__ import annotations

from pathlib import Path

from inspect_ai.log import read_eval_log

KEY = "sk-fixture-Zq9vT1mX7-never-on-disk"


def find_key(folder: Path) -> list[Path]:
    """The files below a folder that hold the key, packed ones too."""
    found = [path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    for path in folder.rglob("*.eval"):
        text = read_eval_log(str(path), resolve_attachments=True).model_dump_json()
        found += [path] if KEY in text or KEY.rpartition("-")[0] in text else []
    return found
