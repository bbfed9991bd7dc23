"""Every technique, control and ablation with a scripted model over HTTP, from constitution to card."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.service.http_model import Fault, ModelServer
from tests.teachers.language import http_teacher

from teachwhy.checks.audit_record import Audit
from teachwhy.config import ExperimentConfig, check_names, resolve_experiment
from teachwhy.data.folder import FILES, LEDGER, read_dataset
from teachwhy.environments import load_shipped_prompts
from teachwhy.errors import TeacherError
from teachwhy.generation import Watcher, make_datasets
from teachwhy.records import Example
from teachwhy.service.ledger import CallLedger
from teachwhy.techniques import TECHNIQUES

NUM = 6
WRITER, JUDGE = "openai-api/local/writer", "openai-api/local/judge"
PRICES = {WRITER: (3.0, 15.0), JUDGE: (0.5, 2.0)}


def settle(**generation: Any) -> ExperimentConfig:
    prices = {model: {"input": price[0], "output": price[1]} for model, price in PRICES.items()}
    values = {
        "name": "scripted",
        "teacher": WRITER,
        "dialect": "english",
        "arms": [{"name": "none"}],
        "techniques": {name: {"num_examples": NUM} for name in TECHNIQUES},
        "generation": {
            "judge": JUDGE,
            "prices": prices,
            "connections": 8,
            "gates": {"near_duplicates": 0.0},
            **generation,
        },
    }
    config = resolve_experiment(values, (), "test")
    check_names(config, "test")
    return config


class Counting:
    """A server's writer that adds up what its whole answers cost."""

    def __init__(self) -> None:
        self.tokens: Counter[str] = Counter()
        self.dollars = 0.0

    def write(self, request: Mapping[str, Any]) -> http_teacher.Written:
        written = http_teacher.write(request)
        price = PRICES[f"openai-api/local/{request['model']}"]
        self.tokens["input"] += written.num_input
        self.tokens["output"] += written.num_output
        self.dollars += (written.num_input * price[0] + written.num_output * price[1]) / 1e6
        return written


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Counting, ModelServer]:
    """All datasets, made once."""
    folder = tmp_path_factory.mktemp("data")
    counting = Counting()
    with pytest.MonkeyPatch.context() as patch, ModelServer(counting.write) as server:
        patch.setenv("LOCAL_API_KEY", "none")
        patch.setenv("LOCAL_BASE_URL", server.url)
        make_datasets(settle(), tuple(TECHNIQUES), folder, Watcher())
    return folder, counting, server


def count_calls(ledger: CallLedger, row: Example) -> int:
    """Calls behind a row, each of which the ledger has; its parents are drafts, or a prompt of the set."""
    calls: set[str] = set()
    for parent in row.parents:
        draft = ledger.read_draft(parent)
        if draft is None:
            assert parent in {prompt.id for prompt in load_shipped_prompts()}, parent
            continue
        calls.update(draft.calls)
        assert all(ledger.read_attempts(call_id) for call_id in draft.calls)
    return len(calls)


def test_rows_parents_and_sections_are_whole(made: tuple[Path, Counting, ModelServer]) -> None:
    folder = made[0]
    with CallLedger(folder / LEDGER, pays=False) as ledger:
        for name in TECHNIQUES:
            assert {path.name for path in (folder / name).iterdir()} == set(FILES)
            dataset = read_dataset(folder / name)
            rows = dataset.examples
            assert len(rows) == NUM, (name, [row.reason for row in dataset.rejected])
            assert len({row.id for row in rows}) == NUM
            for row in rows:
                assert row.technique == name
                assert row.teacher == ("transform" if name == "environment_prompts" else WRITER)
                if name != "environment_prompts":
                    assert count_calls(ledger, row) > 0, name


def test_costs_add_up_to_the_cent_and_the_token(made: tuple[Path, Counting, ModelServer]) -> None:
    folder, counting, server = made
    with CallLedger(folder / LEDGER, pays=False) as ledger:
        spent, parts = ledger.spent(), ledger.spent_by_stage().values()
    assert set(server.served.values()) == {1} and spent.num_calls == len(server.served)
    assert (spent.input_tokens, spent.output_tokens) == (counting.tokens["input"], counting.tokens["output"])
    assert spent.cost_usd == pytest.approx(counting.dollars, abs=1e-9)
    assert sum(part.cost_usd or 0.0 for part in parts) == pytest.approx(counting.dollars, abs=1e-9)


def test_techniques_of_one_lineage_share_ids_and_prompts(made: tuple[Path, Counting, ModelServer]) -> None:
    by_lineage: dict[str, dict[str, set[str]]] = {}
    for name, technique in TECHNIQUES.items():
        rows = read_dataset(made[0] / name).examples
        by_lineage.setdefault(technique.lineage.name, {})[name] = {row.id for row in rows}
    assert len(by_lineage) == 8
    for ids in by_lineage.values():
        assert len({frozenset(each) for each in ids.values()}) == 1, ids.keys()


def test_no_row_holds_words_of_a_sampling_prompt_and_the_audits_are_clean(
    made: tuple[Path, Counting, ModelServer],
) -> None:
    for name in TECHNIQUES:
        audit = Audit.model_validate_json((made[0] / name / "audit.json").read_text())
        assert not audit.failures, (name, audit.failures)


def test_the_same_command_again_asks_nobody_and_makes_the_same_files(
    made: tuple[Path, Counting, ModelServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made[0]
    monkeypatch.setenv("LOCAL_API_KEY", "none")
    monkeypatch.setenv("LOCAL_BASE_URL", "http://127.0.0.1:9/v1")  # nobody is there
    names = ("advice", "advice_without_rewrite", "documents")
    before = {name: (folder / name / "examples.jsonl").read_bytes() for name in names}
    make_datasets(settle(), names, folder, Watcher())
    assert {name: (folder / name / "examples.jsonl").read_bytes() for name in names} == before


def test_faults_change_no_row(
    made: tuple[Path, Counting, ModelServer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Failures that pass leave the dataset as it is; cut answers are asked again and others may come."""

    def fail(request: Mapping[str, Any]) -> tuple[Fault, ...]:
        kinds: tuple[tuple[Fault, ...], ...] = (
            (),
            ("rate_limit",),
            ("server_error", "cut_body"),
            ("not_json",),
        )
        return kinds[request["seed"] % len(kinds)]

    monkeypatch.setenv("LOCAL_API_KEY", "none")
    monkeypatch.setattr("teachwhy.service.service.FIRST_WAIT_SECONDS", 0.0)
    with ModelServer(http_teacher.write, fail) as server:
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        make_datasets(settle(), ("advice", "demonstrations"), tmp_path, Watcher())
    for name in ("advice", "demonstrations"):
        rows = [(path / name / "examples.jsonl").read_text() for path in (made[0], tmp_path)]
        assert json.loads(rows[0].splitlines()[0])["id"] == json.loads(rows[1].splitlines()[0])["id"]
        assert rows[0] == rows[1]


def test_a_shortfall_leaves_the_rows_that_there_are_and_those_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(request: Mapping[str, Any]) -> http_teacher.Written:
        written = http_teacher.write(request)
        return (
            written._replace(text=written.text.replace("<grade>", "<grade>0<"))
            if _is_judge(request)
            else written
        )

    def _is_judge(request: Mapping[str, Any]) -> bool:
        return str(request["model"]) == "judge" and request["seed"] % 24 > 0

    monkeypatch.setenv("LOCAL_API_KEY", "none")
    config = settle(attempts=1)
    technique = config.techniques["craft_deliberation"].model_copy(update={"num_examples": 30})
    config = config.model_copy(update={"techniques": {"craft_deliberation": technique}})
    with ModelServer(write) as server:
        monkeypatch.setenv("LOCAL_BASE_URL", server.url)
        with pytest.raises(TeacherError, match=r"craft_deliberation has the \d+ rows, and those refused"):
            make_datasets(config, ("craft_deliberation",), tmp_path, Watcher())
    dataset = read_dataset(tmp_path / "craft_deliberation")
    assert 0 < len(dataset.examples) < 30 and len(dataset.rejected) > 200
