"""Every experiment file loads, names things that exist, and makes the claims of the comparison."""

from __future__ import annotations

from pathlib import Path

import pytest

from teachwhy.config import check_names, load_experiment
from teachwhy.techniques import TECHNIQUES

FOLDER = Path(__file__).parents[1] / "experiments"
FILES = sorted(FOLDER.glob("*.toml"))
CLAIMS = tuple("abcdefghij")


def test_there_are_experiments() -> None:
    assert {"sprig.toml", "sprig-full.toml"} <= {path.name for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_experiment_file_is_sound(path: Path) -> None:
    config = load_experiment(path)
    check_names(config, str(path))
    assert config.name == path.stem
    assert set(config.used_techniques()) == set(config.techniques), "rows that no arm reads"
    families = {name for technique in config.techniques.values() for name in technique.families}
    assert not families & {"lethal_inaction", "oversight_evasion", "self_exfiltration"}, "sealed families"
    for key, technique in config.techniques.items():
        known = TECHNIQUES[technique.technique_name(key)].options
        for option, value in technique.options.items():
            assert value in known[option]


@pytest.mark.parametrize("name", ["sprig.toml", "sprig-full.toml"])
def test_comparison_makes_all_claims_against_the_benign_baseline(name: str) -> None:
    config = load_experiment(FOLDER / name)
    assert tuple(claim.id for claim in config.claims) == CLAIMS
    assert config.baseline == "benign"
    assert "untouched" in {arm.name for arm in config.arms if not arm.mixture}
    for arm in config.arms:
        if arm.mixture and arm.name != "benign":
            assert arm.mixture["benign"] == 0.5, "the same benign half in every arm"


def test_demo_and_full_comparison_share_recipe_and_claims() -> None:
    demo, full = (load_experiment(FOLDER / name) for name in ("sprig.toml", "sprig-full.toml"))
    assert demo.claims == full.claims
    assert demo.training == full.training
    assert demo.evaluation == full.evaluation
    assert len(demo.seeds) == 1
    assert len(full.seeds) == 5
    used = {full.techniques[key].technique_name(key) for key in full.used_techniques()}
    for_rl = {"environment_prompts"}
    assert used == set(TECHNIQUES) - for_rl, "every technique, baseline, control and ablation"
    cells = {t.options["factor"] for t in full.techniques.values() if t.technique == "environments"}
    assert cells == {"none", "tools", "system", "both"}
