"""Semantic duplicates with an encoder that counts letters, and what is said where there is none."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.checks.rows import chat, make_rows

from teachwhy.checks import Gates
from teachwhy.checks.audit import audit_rows
from teachwhy.checks.semantic import SemanticDuplicates, load_encoder
from teachwhy.config import GateConfig
from teachwhy.constitution import load_constitution
from teachwhy.errors import ConfigError


class LetterModel:
    """A text as the counts of its letters, whatever their order."""

    @staticmethod
    def from_pretrained(path: str) -> LetterModel:
        assert (Path(path) / "config.json").is_file()
        return LetterModel()

    def encode(self, texts: list[str]) -> np.ndarray:
        return np.array([[text.count(chr(97 + place)) for place in range(26)] for text in texts], dtype=float)


@pytest.fixture
def encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "model2vec"}))
    monkeypatch.setitem(sys.modules, "model2vec", SimpleNamespace(StaticModel=LetterModel))
    return str(tmp_path)


def test_a_row_in_other_words_is_refused(encoder: str) -> None:
    gates = Gates(GateConfig(semantic_duplicates=0.999, encoder=encoder), load_constitution())
    first = chat("What now?", "Tell the truth before the others ask you for it.", "first")
    other = chat("What now?", "Before the others ask you for it the truth tell.", "second")
    assert gates.refuse(first) is None
    gates.accept(first)
    assert gates.refuse(other) == "semantic: says what first says: cosine 1.00"
    assert gates.refuse(chat("What now?", "Buzz off, quick fox.", "third")) is None


def test_an_audit_counts_them(encoder: str) -> None:
    rows = [*make_rows(5), chat("Why?", "The sea is deep.", "a"), chat("Why?", "Deep the sea is.", "b")]
    config = GateConfig(semantic_duplicates=0.99999, encoder=encoder)
    found = audit_rows(rows, config, load_constitution())
    assert [(gate.gate, gate.rows[0].id) for gate in found.gates] == [("semantic", "b")]


def test_nothing_is_loaded_without_a_threshold() -> None:
    assert load_encoder(GateConfig(encoder="nowhere")) is None


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"encoder: 'nowhere' is no folder"):
        load_encoder(GateConfig(semantic_duplicates=0.9, encoder="nowhere"))
    with pytest.raises(ConfigError, match=r"no config\.json"):
        load_encoder(GateConfig(semantic_duplicates=0.9, encoder=str(tmp_path)))
    for kind, package in (("model2vec", "model2vec"), ("bert", "sentence_transformers")):
        (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(ConfigError, match="pip install"):
            load_encoder(GateConfig(semantic_duplicates=0.9, encoder=str(tmp_path)))


def test_the_store_grows() -> None:
    store = SemanticDuplicates(0.9)
    rng = np.random.default_rng(1)
    vectors = [vector / np.linalg.norm(vector) for vector in rng.normal(size=(600, 64)).astype(np.float32)]
    for number, vector in enumerate(vectors):
        assert store.find(vector) is None
        store.add(f"row-{number}", vector)
    assert "row-517" in (store.find(vectors[517]) or "")
