"""manifest.json of a run directory: the experiment as resolved, the hash of its claims, versions, when.

Written before the first episode. Claims that change after episodes were evaluated stay on record.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
from datetime import UTC, datetime
from typing import Any

from teachwhy import __version__
from teachwhy.config import ExperimentConfig
from teachwhy.errors import DataError
from teachwhy.run_dir import LEDGER, RunDir, atomic_write_text, canonical_json, read_object

VERSIONED = ("torch", "transformers", "trl", "peft", "inspect-ai", "numpy", "scipy")


def hash_claims(config: ExperimentConfig) -> str:
    """SHA-256 of the claims as resolved."""
    claims = [claim.model_dump(mode="json") for claim in config.claims]
    return hashlib.sha256(canonical_json(claims).encode()).hexdigest()


def read_manifest(run_dir: RunDir) -> dict[str, Any]:
    """The manifest, or an empty one where there is none. Raises DataError for any other file."""
    if not run_dir.manifest.is_file():
        return {}
    manifest = read_object(run_dir.manifest, experiment=dict, claims_sha256=str)
    if not isinstance(manifest.get("claims_after_results", []), list):
        raise DataError(f"{run_dir.manifest}: claims_after_results is no list. Delete it and run again.")
    return manifest


def write_manifest(run_dir: RunDir, config: ExperimentConfig) -> bool:
    """Record experiment, hash of the claims and versions before the run starts.

    Returns False when episodes had been evaluated under other claims, which the manifest then records for
    good: claims that follow the results are not tests of them.
    """
    old = read_manifest(run_dir)
    claims = hash_claims(config)
    history = list(old.get("claims_after_results", []))
    changed = old.get("claims_sha256") != claims
    if changed and any(run_dir.stages.glob(f"eval-*/{LEDGER}")):
        history.append({"claims_sha256": claims, "replaced": old.get("claims_sha256"), "when": _now()})
    content = {
        "experiment": config.model_dump(mode="json"),
        "claims_sha256": claims,
        "claims_after_results": history,
        "versions": _read_versions(),
        "created": old.get("created") or _now(),
    }
    if content != old:
        atomic_write_text(run_dir.manifest, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return not history


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _read_versions() -> dict[str, str]:
    versions = {"teachwhy": __version__, "python": platform.python_version()}
    for name in VERSIONED:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
