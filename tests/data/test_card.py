"""The card: the hub loads it, its figures are those of rows, audit and ledger; no text in it is markup."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import datasets
import pytest
from huggingface_hub import DatasetCard
from tests.data.datasets import HOSTILE, JUDGE, TEACHER, write_dataset
from tests.data.generated import make_config

from teachwhy.checks.audit import audit_rows
from teachwhy.checks.tics import Tic
from teachwhy.config import GateConfig, resolve_experiment
from teachwhy.constitution import load_constitution
from teachwhy.data.card import CardSource, check_license, escape, make_card, open_card_ledger
from teachwhy.data.folder import CARD, describe_recipe, read_dataset
from teachwhy.errors import ConfigError, InputError
from teachwhy.generation import Watcher, make_datasets
from teachwhy.techniques import Rejected


def read_card(folder: Path, license_name: str = "", audited: bool = True) -> str:
    dataset = read_dataset(folder)
    audit = audit_rows(dataset.examples, GateConfig(), load_constitution()) if audited else None
    with open_card_ledger(dataset, None) as ledger:
        return make_card(CardSource(dataset, dataset.name, audit, ledger), license_name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_dataset(tmp_path)


def test_the_hub_loads_it(folder: Path) -> None:
    data = DatasetCard(read_card(folder)).data.to_dict()
    assert "license" not in data
    assert data["task_categories"] == ["text-generation"] and data["size_categories"] == ["n<1K"]
    assert data["configs"][0]["data_files"] == [{"split": "train", "path": "examples.jsonl"}]
    assert DatasetCard(read_card(folder, "cc-by-4.0")).data.to_dict()["license"] == "cc-by-4.0"


def test_the_loader_of_the_hub_finds_the_rows_by_it(tmp_path: Path) -> None:
    make_datasets(make_config("documents", num_examples=3), ["documents"], tmp_path, Watcher())
    loaded = datasets.load_dataset(str(tmp_path / "documents"), cache_dir=str(tmp_path / "cache"))
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 3}, (
        "not the refused, nor the audit"
    )
    assert "text" in loaded["train"].column_names


def test_calls_tokens_and_dollars_are_those_of_the_ledger(folder: Path) -> None:
    card = read_card(folder)
    assert f"| answer | teacher | {TEACHER} | 2 | 0 | 1 | 40 | 40 | 0.000120 |" in card
    assert f"| score | judge | {JUDGE} | 1 | 0 | 0 | 5 | 1 | not known |" in card
    assert "| **All** |  |  | 3 | 0 | 1 | 45 | 41 | not known |" in card
    assert "The price of some calls is not known" in card


def test_yield_reasons_sections_and_versions_are_counted(folder: Path) -> None:
    card = read_card(folder)
    assert "1 of 3 drafts became rows (33.3%); 2 were refused." in card
    assert "| rewrite\\_answer | 1a2b | 1 |" in card and "| score | 3c4d | 1 |" in card
    num_sections = len(load_constitution().sections)
    assert f"Rows rest on 1 of {num_sections} sections" in card or "no section of it" in card
    assert "Nothing here records that a person has read the rows." in card
    assert "grammar" not in card.split("## Known limits")[1], "sprig's limits are not those of a model"


def test_without_audit_and_ledger_it_says_so(folder: Path) -> None:
    (folder.parent / "ledger.sqlite").unlink()
    card = read_card(folder, audited=False)
    assert "There is no ledger beside this dataset" in card and "The rows were not audited" in card
    assert "## Coverage" not in card
    with (
        pytest.raises(InputError, match="there is no such ledger"),
        open_card_ledger(read_dataset(folder), folder / "x"),
    ):
        pass


def test_a_hostile_text_is_plain_text_in_it(folder: Path) -> None:
    card = read_card(folder)
    assert "script" in card, "the reason of a refused draft is shown"
    body = card.split("---", 2)[2]
    assert not re.search(r"(?<!\\)<[a-z/]", body)
    assert not re.search(r"(?<!\\)\]\(", body)
    assert "\x1b" not in card and "\u202e" not in card
    assert len({line.count(" | ") for line in body.splitlines() if "script" in line}) == 1


def test_what_repeats_and_how_near_the_evaluations_are(folder: Path) -> None:
    dataset = read_dataset(folder)
    audit = audit_rows(dataset.examples, GateConfig(), load_constitution())
    tic = Tic(kind="phrase", text=HOSTILE, share=0.4, num_rows=1)
    (found,) = audit.datasets
    changed = audit.model_copy(update={"datasets": (found.model_copy(update={"tics": (tic,)}),)})
    card = make_card(CardSource(dataset, dataset.name, changed, None))
    (line,) = [line for line in card.splitlines() if line.startswith("| phrase |")]
    assert line.endswith("| 40% |") and "\\<script\\>" in line and "\\| \\# a" in line
    nearest = f"{found.distance.quantiles['0']:.2f}"
    assert f"| these rows (advice) | {nearest} |" in card and "| evaluated texts | " in card


def test_reasons_of_one_kind_are_counted_together(folder: Path) -> None:
    reasons = (
        *("duplicates: 0.91 of its runs are those of advice-3-00000", "duplicates: equal to advice-3-00000"),
        *("score 0.10 is below the floor 0.25", "score 0.2 is below the floor 0.25", "teacher: no answer"),
    )
    rejected = [Rejected(id=f"r{place}", reason=reason) for place, reason in enumerate(reasons)]
    dataset = read_dataset(folder)._replace(rejected=rejected)
    card = make_card(CardSource(dataset, "x", None, None))
    assert "| duplicates | 2 |" in card and "| score N is below the floor N | 2 |" in card
    assert "| teacher\\: no answer | 1 |" in card


def test_escaping_leaves_no_character_of_markdown() -> None:
    told = escape(f"a\n\n# b {HOSTILE}", 1000)
    assert "\n" not in told
    assert not re.search(r"(?<!\\)[`*_{}\[\]<>()#|]", re.sub(r"\\\\", "", told))
    assert escape("x" * 500, 10) == "xxxxxxxxxx \\.\\.\\."


def test_the_recipe_in_it_makes_the_same_rows(tmp_path: Path) -> None:
    config = make_config("advice_without_reasons", num_examples=3)
    make_datasets(config, ["advice_without_reasons"], tmp_path / "a", Watcher())
    card = (tmp_path / "a" / "advice_without_reasons" / CARD).read_text()
    assert "No model was called: the rows come from a grammar, and cost nothing." in card
    assert "written by a grammar" in card
    text = card.split("```toml\n")[1].split("```")[0]
    again = resolve_experiment({**tomllib.loads(text), "arms": [{"name": "none"}]}, (), "card")
    make_datasets(again, ["advice_without_reasons"], tmp_path / "b", Watcher())
    first, second = (tmp_path / part / "advice_without_reasons" for part in "ab")
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes(), path.name


def test_the_recipe_of_a_models_rows_is_whole(folder: Path) -> None:
    recipe = read_dataset(folder).recipe
    assert recipe is not None
    text = read_card(folder).split("```toml\n")[1].split("```")[0]
    again = resolve_experiment({**tomllib.loads(text), "arms": [{"name": "none"}]}, (), "card")
    assert describe_recipe(again, "advice", load_constitution()) == recipe


def test_a_license_is_a_name() -> None:
    check_license("")
    check_license("cc-by-4.0")
    for wrong in ("CC BY", "x\n# y", "../x"):
        with pytest.raises(ConfigError, match="is no name of a license"):
            check_license(wrong)
