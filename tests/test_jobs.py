"""What one stage writes is what the next one reads."""

from __future__ import annotations

import json
from pathlib import Path

from teachwhy.config import ArmConfig, ExperimentConfig, TechniqueConfig, TrainingConfig
from teachwhy.jobs import generate_rows, plan_arms, read_plan
from teachwhy.report.run_files import PlanFile
from teachwhy.sprig import checkpoint_path


def test_the_report_reads_the_plan_that_a_run_writes(tmp_path: Path) -> None:
    config = ExperimentConfig(
        name="x",
        techniques={key: TechniqueConfig(num_examples=60) for key in ("benign", "documents")},
        training=TrainingConfig(tokens_per_arm=8000, updates=4, min_updates=1),
        arms=(
            ArmConfig(name="benign", mixture={"benign": 1.0}),
            ArmConfig(name="both", mixture={"benign": 0.5, "documents": 0.5}),
        ),
        baseline="benign",
    )
    data = {key: tmp_path / key for key in config.techniques}
    for key, folder in data.items():
        folder.mkdir()
        assert generate_rows(config, key, folder, lambda done, total: None)["num_examples"] == 60
    path = tmp_path / "plan.json"
    plan_arms(config, data, checkpoint_path(), path)
    shown = PlanFile.model_validate(json.loads(path.read_text()))
    for arm, plan in zip(shown.arms, read_plan(path).arms, strict=True):
        assert (arm.arm, arm.updates) == (plan.arm, plan.updates) and arm.updates == 4
        assert arm.rows == sum(source.num_drawn for source in plan.sources) and arm.rows > 0
        assert arm.loss_tokens == sum(source.loss_tokens for source in plan.sources)
        assert 0 < arm.loss_tokens < 8400 and arm.truncated_tokens == 0
