"""Rows that say what an earlier row says, by the vectors of an encoder.

The encoder is a folder on this machine, of Model2Vec or of Sentence Transformers; nothing is downloaded.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teachwhy.config import GateConfig
from teachwhy.errors import ConfigError, quote_foreign

Vector = NDArray[np.float32]
Encode = Callable[[str], Vector]
"""A text as a vector of length one."""


def load_encoder(config: GateConfig) -> Encode | None:
    """The encoder that the config names, None where the gate is off.

    Raises ConfigError for a threshold without a folder, a folder that is none, and a package that is missing.
    """
    if not config.semantic_duplicates:
        return None
    folder = Path(config.encoder)
    if not config.encoder or not folder.is_dir():
        raise ConfigError(
            f"generation.gates.encoder: {config.encoder!r} is no folder; semantic_duplicates needs "
            "the folder of a Model2Vec or Sentence Transformers encoder, or set semantic_duplicates = 0"
        )
    if _is_model2vec(folder):
        static = _import("model2vec", "model2vec==0.10.*").StaticModel.from_pretrained(str(folder))
        return lambda text: _normalise(static.encode([text])[0])
    package = _import("sentence_transformers", "sentence-transformers")
    model = package.SentenceTransformer(str(folder), device="cpu", local_files_only=True)
    return lambda text: _normalise(model.encode([text], show_progress_bar=False)[0])


def _is_model2vec(folder: Path) -> bool:
    """By the config that Model2Vec writes."""
    try:
        settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"generation.gates.encoder: {str(folder)!r} has no config.json that can be read "
            f"({quote_foreign(error)}); give the folder of an encoder"
        ) from error
    return isinstance(settings, dict) and settings.get("model_type") == "model2vec"


def _import(name: str, requirement: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"generation.gates.encoder needs the package {name}, which cannot be loaded "
            f"({quote_foreign(error)}). Install it with: pip install '{requirement}'"
        ) from error


def _normalise(values: Any) -> Vector:
    vector = np.asarray(values, dtype=np.float32).ravel()
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


class SemanticDuplicates:
    """The vectors of the rows that were accepted; a later row is compared with all of them."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._ids: list[str] = []
        self._vectors = np.empty((0, 0), dtype=np.float32)

    def find(self, vector: Vector) -> str | None:
        """The accepted row that the vector is nearest to, where it is as near as the threshold."""
        if not self._ids:
            return None
        similar = self._vectors[: len(self._ids)] @ vector
        place = int(similar.argmax())
        if similar[place] < self._threshold:
            return None
        return f"says what {self._ids[place]} says: cosine {similar[place]:.2f}"

    def add(self, row_id: str, vector: Vector) -> None:
        """Later rows are compared with this one too."""
        place = len(self._ids)
        if place == len(self._vectors):
            grown = np.empty((max(256, 2 * place), len(vector)), dtype=np.float32)
            grown[:place] = self._vectors[:place] if place else 0
            self._vectors = grown
        self._ids.append(row_id)
        self._vectors[place] = vector
