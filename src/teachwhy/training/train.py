"""Trains one arm with one seed: student and plan in, checkpoint and record out.

Writes into `out_dir`: `checkpoint/` (a Hugging Face folder: a full model, or an adapter with its
tokenizer), `training.json` (the record, written last), and while it runs `states/` (see state.py). Called
again after a kill it goes on from the newest state; called again after the end it returns the record.
"""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils.logging import disable_progress_bar, enable_progress_bar, is_progress_bar_enabled
from trl import SFTConfig

from teachwhy.errors import CheckpointError, PlanError
from teachwhy.records import Example, Record
from teachwhy.run_dir import atomic_write_text, hash_checkpoint, remove_stale_partials, storage_errors
from teachwhy.sprig.pretrain import has_fast_bfloat16
from teachwhy.training.mixture import Batches, make_batches
from teachwhy.training.plan import ArmPlan, tokenize_mixture
from teachwhy.training.state import find_latest_state, new_weights_folder
from teachwhy.training.trainer import MixtureTrainer, Progress, RightPad

if TYPE_CHECKING:
    from teachwhy.config import TrainingConfig

MAX_GRADIENT_NORM = 1.0
CHECKPOINTING_PARAMETERS = 1_000_000_000
"""On a GPU, models of at least this size recompute activations to save memory."""


class TrainingRecord(Record):
    """What happened in the training of one arm and seed."""

    arm: str
    seed: int
    method: str
    tokens: int
    """Tokens read, padding not counted."""
    updates: int
    losses: tuple[float, ...]
    """Mean loss per label token of each update."""
    seconds: float
    """Time in the updates of the last process that trained (all of them when never interrupted)."""
    tokens_per_second: float
    resumed_from: int
    """The update that the last process started from (0: from the start)."""
    run_key: str
    """Identifies rows, order, settings and seed."""


def load_tokenizer(student: Path) -> PreTrainedTokenizerBase:
    """The student's tokenizer. Raises CheckpointError when there is none in the folder."""
    if not student.is_dir():
        raise CheckpointError(
            f"student {str(student)!r} is not a folder. Give the folder of a Hugging Face checkpoint."
        )
    if (student / "adapter_config.json").is_file():
        raise CheckpointError(
            f"student {str(student)!r} is an adapter; only a full checkpoint can be trained. Merge it "
            "into its base first."
        )
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(student, local_files_only=True)
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"student {str(student)!r} has no tokenizer that loads: {error}") from error
    return tokenizer


def train_arm(
    student: Path,
    plan: ArmPlan,
    examples_by_technique: Mapping[str, Sequence[Example]],
    config: TrainingConfig,
    seed: int,
    out_dir: Path,
    progress: Progress | None = None,
) -> TrainingRecord:
    """Trains `student` on the planned rows and writes checkpoint and record into `out_dir`.

    Deterministic on one machine and thread count: an interrupted and resumed run ends with the same
    weights. Raises CheckpointError (student), PlanError (the examples are not those of the plan),
    StorageError (disk).
    """
    tokenizer = load_tokenizer(student)
    rows = tokenize_mixture(plan.mixture, examples_by_technique, tokenizer, config)
    batches = make_batches(rows, plan.mixture, config.tokens_per_arm, plan.updates, seed)
    tokens = batches.count_tokens()
    if tokens != plan.tokens_by_seed.get(seed):
        raise PlanError(
            f"arm {plan.arm!r}, seed {seed}: the examples give {tokens} tokens, the plan says "
            f"{plan.tokens_by_seed.get(seed, 'nothing of this seed')}. Plan again with these examples and "
            "seeds."
        )
    run_key = _make_run_key(student, batches, config, seed)
    finished = _read_record(out_dir, run_key)
    if finished is not None:
        return finished
    states_dir = out_dir / "states"
    with storage_errors(out_dir):
        states_dir.mkdir(parents=True, exist_ok=True)
    for folder in (out_dir, states_dir):
        remove_stale_partials(folder)
    state = find_latest_state(states_dir, run_key)
    with quiet_libraries():
        trainer = make_trainer(student, tokenizer, batches, config, seed, states_dir, (run_key, progress))
        started = time.perf_counter()
        trainer.train(resume_from_checkpoint=str(state) if state else None)
        seconds = time.perf_counter() - started
        with new_weights_folder(out_dir / "checkpoint") as folder:
            trainer.save_model(str(folder), _internal_call=True)
    resumed_from = int(state.name.rpartition("-")[2]) if state else 0
    record = TrainingRecord(
        arm=plan.arm,
        seed=seed,
        method=config.method,
        tokens=tokens,
        updates=trainer.state.global_step,
        losses=tuple(entry["loss"] for entry in trainer.state.log_history if "loss" in entry),
        seconds=seconds,
        tokens_per_second=batches.count_tokens(from_update=resumed_from) / seconds,
        resumed_from=resumed_from,
        run_key=run_key,
    )
    atomic_write_text(out_dir / "training.json", record.model_dump_json(indent=1))
    shutil.rmtree(states_dir, ignore_errors=True)
    return record


def make_trainer(
    student: Path,
    tokenizer: PreTrainedTokenizerBase,
    batches: Batches,
    config: TrainingConfig,
    seed: int,
    states_dir: Path,
    run: tuple[str, Progress | None],
) -> MixtureTrainer:
    """Model, rows and arguments, put together; `run` is the run key and the progress callback."""
    on_gpu = torch.cuda.is_available()
    model = load_model(student, config.method, on_gpu)
    lora = LoraConfig(
        r=config.lora_rank, lora_alpha=config.lora_alpha, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    pad_token_id = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    return MixtureTrainer(
        model=model,
        args=_make_arguments(config, seed, states_dir, batches, model.num_parameters() if on_gpu else 0),
        data_collator=RightPad(pad_token_id or 0),
        train_dataset=Dataset.from_dict(
            {
                "input_ids": [list(row.input_ids) for row in batches.rows],
                "labels": [list(row.labels) for row in batches.rows],
            }
        ),
        processing_class=tokenizer,
        peft_config=lora if config.method == "lora" else None,
        batches=batches,
        run_key=run[0],
        progress=run[1],
    )


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keeps the progress bars of transformers off the terminal, which has ours."""
    were_shown = is_progress_bar_enabled()
    disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if were_shown:
            enable_progress_bar()  # type: ignore[no-untyped-call]


def load_model(student: Path, method: str, on_gpu: bool) -> Any:
    """The student's model: float32 to train all of it or on a CPU, its own type under an adapter on a GPU."""
    dtype = "auto" if method == "lora" and on_gpu else torch.float32
    try:
        return AutoModelForCausalLM.from_pretrained(
            student, dtype=dtype, local_files_only=True, use_safetensors=True
        )
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(
            f"student {str(student)!r} is not a causal language model that loads: {error}"
        ) from error


def _make_arguments(
    config: TrainingConfig, seed: int, states_dir: Path, batches: Batches, gpu_parameters: int
) -> SFTConfig:
    """TRL's arguments; `gpu_parameters` is 0 on a CPU. The batch size is the plan's, not the one named
    here."""
    return SFTConfig(
        output_dir=str(states_dir),
        max_steps=config.updates,
        per_device_train_batch_size=1,
        gradient_accumulation_steps=batches.num_micro_batches,
        learning_rate=config.learning_rate,
        warmup_steps=math.ceil(config.updates * config.warmup_fraction),
        lr_scheduler_type="cosine",
        weight_decay=config.weight_decay,
        max_grad_norm=MAX_GRADIENT_NORM,
        optim="adamw_torch_fused",
        bf16=has_fast_bfloat16(torch.device("cuda" if gpu_parameters else "cpu")),
        gradient_checkpointing=gpu_parameters >= CHECKPOINTING_PARAMETERS,
        use_cpu=gpu_parameters == 0,
        dataloader_pin_memory=gpu_parameters > 0,
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        max_length=None,
        seed=seed,
        data_seed=seed,
        logging_strategy="steps",
        logging_steps=1,
        save_strategy="steps" if config.save_every else "no",
        save_steps=config.save_every or config.updates,
        report_to="none",
        disable_tqdm=True,
    )


def _make_run_key(student: Path, batches: Batches, config: TrainingConfig, seed: int) -> str:
    """A digest of all that decides the final weights: student, batches, settings, seed."""
    recipe = json.dumps(config.recipe(), sort_keys=True)
    parts = f"{hash_checkpoint(student)} {batches.digest} {recipe} {seed}"
    return hashlib.sha256(parts.encode()).hexdigest()


def _read_record(out_dir: Path, run_key: str) -> TrainingRecord | None:
    """The record of a finished run of the same key, or None."""
    path = out_dir / "training.json"
    if not path.is_file():
        return None
    record = TrainingRecord.model_validate_json(path.read_text())
    return record if record.run_key == run_key else None
