"""Where every stage of an experiment is, or will be: folders named by the fingerprint of what goes into them.

A stage's fingerprint covers its section of the config, the fingerprints of its inputs, the source that makes
it, and the seed, so that a change invalidates what depends on it and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from teachwhy.config import ExperimentConfig
from teachwhy.errors import CheckpointError
from teachwhy.jobs import ArmJob, Results, is_evaluated
from teachwhy.run_dir import RunDir, expand_home, fingerprint, hash_checkpoint, is_whole

DATA_CODE = (
    "records.py",
    "prompts.py",
    "generation.py",
    "constitution",
    "scenarios",
    "environments",
    "checks",
    "sprig/grammar",
    "teachers",
    "techniques",
)
TRAINING_CODE = ("records.py", "training", "sprig/kernels.py", "sprig/pretrain.py")
EVALUATION_CODE = ("records.py", "prompts.py", "scenarios", "evaluation", "providers")
ANALYSIS_CODE = ("records.py", "analysis")
REPORT_CODE = ("report", "visible_text.py")

LOCAL_PREFIX = "teachwhy/"
"""Before the folder of a checkpoint in the names of Inspect."""

Until = Literal["train", "report"]


@dataclass(frozen=True)
class Layout:
    """Every stage of an experiment with its place, and what the results must have been made from."""

    student: str
    data: dict[str, Path]
    """Key in [techniques] -> stage folder."""
    plan: Path | None
    """None where nothing is trained."""
    jobs: tuple[ArmJob, ...]
    results: Results


def lay_out(config: ExperimentConfig, run_dir: RunDir) -> Layout:
    """Where every stage of the experiment is, or will be. Reads the student's files and the constitution."""
    keys = config.used_techniques()
    student, student_hash = identify_model(config.student, is_trained=bool(keys))
    data_digits = {key: _data_digits(config, key) for key in keys} if keys else {}
    plan_digits = fingerprint(
        code=TRAINING_CODE,
        data=data_digits,
        arms=[(arm.name, arm.mixture) for arm in config.arms],
        training=config.training.recipe(),
        seeds=config.seeds,
        student=student_hash,
    )
    jobs = []
    for arm in config.arms:
        for seed in config.seeds:
            train_digits = fingerprint(
                code=TRAINING_CODE,
                data={key: data_digits[key] for key in arm.mixture},
                mixture=arm.mixture,
                training=config.training.recipe(),
                seed=seed,
                student=student_hash,
            )
            eval_digits = fingerprint(
                code=EVALUATION_CODE,
                model=train_digits if arm.mixture else student_hash,
                evaluation=config.evaluation.conditions(),
                dialect=config.dialect,
                seed=seed,
            )
            jobs.append(
                ArmJob(
                    arm=arm.name,
                    seed=seed,
                    model=student,
                    train_dir=run_dir.train_stage(arm.name, seed, train_digits) if arm.mixture else None,
                    eval_dir=run_dir.eval_stage(arm.name, seed, eval_digits),
                )
            )
    plan = run_dir.plan_file(plan_digits) if keys else None
    return Layout(
        student=student,
        data={key: run_dir.data_stage(key, digits) for key, digits in data_digits.items()},
        plan=plan,
        jobs=tuple(jobs),
        results=_results_digits(config, jobs, plan_digits, plan),
    )


def identify_model(name: str, *, is_trained: bool) -> tuple[str, str]:
    """What to hand on as the model, and what changes when it does: the hash of a checkpoint, or a name.

    An adapter, whose base counts with it, can be evaluated and not trained. Raises CheckpointError for what
    is neither a checkpoint nor the name of a provider's model.
    """
    from teachwhy.providers.checkpoint import find_checkpoint
    from teachwhy.sprig import SPRIG, check_model_name, resolve_student

    if is_trained:
        if (expand_home(name) / "adapter_config.json").is_file():
            raise CheckpointError(
                f"student: {name} is an adapter, and only a full model can be trained. Merge it into its "
                "base (merge_and_unload of PEFT), save model and tokenizer into one folder, and give that."
            )
        path = resolve_student(name).resolve()
        return str(path), hash_checkpoint(path)
    bare = name.removeprefix(LOCAL_PREFIX)
    if bare == SPRIG or name.startswith(LOCAL_PREFIX) or expand_home(bare).exists():
        folder = find_checkpoint(bare)
        return str(folder.path), folder.hash()
    return check_model_name(name), name


def _data_digits(config: ExperimentConfig, key: str) -> str:
    from teachwhy.constitution import load_constitution

    technique = config.techniques[key]
    return fingerprint(
        code=DATA_CODE,
        technique=technique.technique_name(key),
        settings=technique.model_dump(exclude={"technique"}),
        prompts=hash_prompts(technique.options.get("prompts", "")),
        teacher=config.teacher,
        generation=config.generation.conditions(),
        dialect=config.dialect,
        constitution=load_constitution(config.constitution, config.dialect).fingerprint(),
        seed=config.data_seed,
    )


def hash_prompts(path: str) -> str:
    """What changes with a file of prompts; empty for none. Raises DataError for one that cannot be read."""
    if not path:
        return ""
    from teachwhy.environments import load_prompts

    told = "\n".join(prompt.model_dump_json() for prompt in load_prompts(expand_home(path)))
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


def _results_digits(
    config: ExperimentConfig, jobs: Sequence[ArmJob], plan_digits: str, plan: Path | None
) -> Results:
    scores = fingerprint(rows=[(job.arm, job.seed, job.eval_dir.name) for job in jobs], code=("jobs.py",))
    summary = fingerprint(
        code=ANALYSIS_CODE,
        scores=scores,
        name=config.name,
        arms=[arm.name for arm in config.arms],
        baseline=config.baseline,
        claims=config.claims,
        training=[job.train_dir.name if job.train_dir else "" for job in jobs],
    )
    report = fingerprint(code=REPORT_CODE, summary=summary, experiment=config, plan=plan_digits)
    used = (plan, *(job.train_dir for job in jobs), *(job.eval_dir for job in jobs))
    return Results(scores, summary, report, stages=tuple(path.name for path in used if path))


def find_open_jobs(layout: Layout, until: Until) -> list[ArmJob]:
    """The arms and seeds of which something is not done."""
    if until == "train":
        return [job for job in layout.jobs if job.train_dir and not is_whole(job.train_dir)]
    return [job for job in layout.jobs if not is_evaluated(job.eval_dir)]
