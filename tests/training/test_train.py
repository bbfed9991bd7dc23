"""Training for real, on a tiny random Llama."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from tests.training.tiny import make_arm, make_config
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedTokenizerFast

from teachwhy.config import TrainingConfig
from teachwhy.errors import CheckpointError, PlanError
from teachwhy.records import Example
from teachwhy.training.formatting import IGNORED
from teachwhy.training.mixture import make_batches
from teachwhy.training.plan import ArmPlan, plan_training, tokenize_mixture
from teachwhy.training.train import TrainingRecord, make_trainer, train_arm
from teachwhy.training.trainer import Progress

Rows = dict[str, list[Example]]


class KilledError(Exception):
    """Stands for the end of the process in the middle of training."""


def make_plan(examples: Rows, tokenizer: PreTrainedTokenizerFast, config: TrainingConfig) -> ArmPlan:
    return plan_training([make_arm()], examples, tokenizer, config, [1, 2]).arms[0]


def kill_at(update: int) -> Progress:
    def progress(done: int, total: int) -> None:
        assert total == 24
        if done == update:
            raise KilledError

    return progress


def weights_of(out_dir: Path, name: str = "model") -> dict[str, torch.Tensor]:
    return load_file(out_dir / "checkpoint" / f"{name}.safetensors")


@pytest.fixture(scope="module")
def trained(
    student: Path,
    examples: Rows,
    tokenizer: PreTrainedTokenizerFast,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Path, TrainingRecord]:
    """An undisturbed run."""
    out_dir = tmp_path_factory.mktemp("trained")
    config = make_config()
    return out_dir, train_arm(student, make_plan(examples, tokenizer, config), examples, config, 1, out_dir)


def test_the_student_learns_and_the_record_says_how(trained: tuple[Path, TrainingRecord]) -> None:
    out_dir, record = trained
    assert record.updates == len(record.losses) == 24
    assert abs(record.tokens / 6000 - 1) < 0.02
    assert record.losses[0] == pytest.approx(math.log(320), rel=0.05)
    assert record.losses[-1] < record.losses[0] - 1
    assert record.tokens_per_second == pytest.approx(record.tokens / record.seconds)
    assert TrainingRecord.model_validate_json((out_dir / "training.json").read_text()) == record


def test_the_checkpoint_is_a_plain_folder_without_pickle(trained: tuple[Path, TrainingRecord]) -> None:
    out_dir, _ = trained
    suffixes = {path.suffix for path in out_dir.rglob("*") if path.is_file()}
    assert suffixes == {".json", ".safetensors", ".jinja"}
    assert {path.name for path in out_dir.iterdir()} == {"checkpoint", "training.json"}
    model = AutoModelForCausalLM.from_pretrained(out_dir / "checkpoint")
    tokenizer = AutoTokenizer.from_pretrained(out_dir / "checkpoint")
    assert tokenizer.chat_template
    ids = tokenizer("the tide", return_tensors="pt")["input_ids"]
    assert model(ids).logits.shape[-1] == 320


@pytest.mark.parametrize("on_cpu_step", [True, False])
def test_the_loss_is_the_plain_one(
    trained: tuple[Path, TrainingRecord],
    examples: Rows,
    tokenizer: PreTrainedTokenizerFast,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    on_cpu_step: bool,
) -> None:
    """Loss and gradients of one update against a padded batch with an attention mask and all logits."""
    monkeypatch.setattr("teachwhy.training.train.has_fast_bfloat16", lambda device: False)
    monkeypatch.setattr("teachwhy.training.cpu_step.LONGEST_ROW", 512 if on_cpu_step else 0)
    config, mixture = make_config(), {"advice": 0.5, "documents": 0.5}
    rows = tokenize_mixture(mixture, examples, tokenizer, config)
    batches = make_batches(rows, mixture, config.tokens_per_arm, config.updates, 1)
    learned = trained[0] / "checkpoint"  # at random weights every token costs the same, which hides shifts
    trainer = make_trainer(learned, tokenizer, batches, config, 1, tmp_path, ("key", None))
    trainer.create_optimizer_and_scheduler(24)
    loader = iter(trainer.get_train_dataloader())
    batch = [next(loader) for _ in range(batches.num_micro_batches)]
    count = sum((part["labels"][:, 1:] != IGNORED).sum() for part in batch)
    losses = [trainer.compute_loss(trainer.model, part, num_items_in_batch=count) for part in batch]
    sum(losses).backward()

    first = [batches.rows[n] for group in batches.micro_batches[: len(batch)] for n in group]
    longest = max(row.num_tokens for row in first)
    ids_BT = torch.tensor([[*row.input_ids, *[0] * (longest - row.num_tokens)] for row in first])
    mask_BT = torch.tensor([[1] * row.num_tokens + [0] * (longest - row.num_tokens) for row in first])
    labels_BT = torch.tensor([[*row.labels, *[-100] * (longest - row.num_tokens)] for row in first])
    model = AutoModelForCausalLM.from_pretrained(learned)
    logits_BTV = model(input_ids=ids_BT, attention_mask=mask_BT).logits
    loss = cross_entropy(logits_BTV[:, :-1].flatten(0, 1), labels_BT[:, 1:].flatten())
    loss.backward()
    assert sum(losses).item() == pytest.approx(loss.item(), rel=1e-5)
    for (name, expected), got in zip(model.named_parameters(), trainer.model.parameters(), strict=True):
        torch.testing.assert_close(got.grad, expected.grad, rtol=1e-3, atol=1e-6, msg=name)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_killed_run_ends_with_the_weights_of_an_undisturbed_one(
    student: Path, examples: Rows, tokenizer: PreTrainedTokenizerFast, tmp_path: Path, method: str
) -> None:
    config = make_config(method=method, save_every=5)
    plan = make_plan(examples, tokenizer, config)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    undisturbed = train_arm(student, plan, examples, config, 1, whole)
    with pytest.raises(KilledError):
        train_arm(student, plan, examples, config, 1, killed, kill_at(13))
    assert [path.name for path in (killed / "states").iterdir()] == ["checkpoint-10"]
    suffixes = {path.suffix for path in killed.rglob("*") if path.is_file()}
    assert suffixes == {".json", ".safetensors", ".jinja"}
    half = killed / "states" / ".checkpoint-15.999999999.partial"
    shutil.copytree(killed / "states" / "checkpoint-10", half)
    (half / "optimizer.safetensors").write_bytes(b"cut off")
    rarely = make_config(method=method, save_every=0)  # how often states are saved is no part of the run
    resumed = train_arm(student, plan, examples, rarely, 1, killed)
    assert resumed.resumed_from == 10
    assert resumed.losses == undisturbed.losses
    name = "model" if method == "full" else "adapter_model"
    expected, got = weights_of(whole, name), weights_of(killed, name)
    assert expected.keys() == got.keys()
    assert all(torch.equal(expected[key], got[key]) for key in expected)
    assert {path.name for path in killed.iterdir()} == {"checkpoint", "training.json"}


def test_a_finished_run_is_not_trained_again(
    student: Path, examples: Rows, tokenizer: PreTrainedTokenizerFast, trained: tuple[Path, TrainingRecord]
) -> None:
    out_dir, record = trained
    plan = make_plan(examples, tokenizer, make_config())
    assert train_arm(student, plan, examples, make_config(), 1, out_dir, kill_at(1)) == record


def test_a_state_of_other_settings_is_not_used(
    student: Path, examples: Rows, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    for learning_rate in (1e-3, 2e-3):
        config = make_config(save_every=2, learning_rate=learning_rate)
        plan = make_plan(examples, tokenizer, config)
        seen: list[int] = []

        def progress(done: int, total: int, seen: list[int] = seen) -> None:
            seen.append(done)
            if done == 5:
                raise KilledError

        with pytest.raises(KilledError):
            train_arm(student, plan, examples, config, 1, tmp_path, progress)
        assert (tmp_path / "states" / "checkpoint-4").is_dir()
        assert seen == [1, 2, 3, 4, 5]


def test_seeds_differ(
    student: Path,
    examples: Rows,
    tokenizer: PreTrainedTokenizerFast,
    tmp_path: Path,
    trained: tuple[Path, TrainingRecord],
) -> None:
    other = train_arm(
        student, make_plan(examples, tokenizer, make_config()), examples, make_config(), 2, tmp_path
    )
    assert other.losses != trained[1].losses


def test_lora_trains_an_adapter_that_loads(
    student: Path, examples: Rows, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    config = make_config(method="lora", learning_rate=1e-2)
    record = train_arm(student, make_plan(examples, tokenizer, config), examples, config, 1, tmp_path)
    assert record.losses[-1] < record.losses[0] - 0.1
    folder = tmp_path / "checkpoint"
    assert {path.name for path in folder.iterdir()} >= {"adapter_model.safetensors", "tokenizer_config.json"}
    assert not (folder / "model.safetensors").exists()
    base = AutoModelForCausalLM.from_pretrained(student)
    ids = tokenizer("the tide", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        before = base(ids).logits
        after = PeftModel.from_pretrained(base, folder)(ids).logits
    assert not torch.allclose(before, after)
    targets = json.loads((folder / "adapter_config.json").read_text())["target_modules"]
    assert {target.rpartition(".")[2] for target in targets} == {
        "q_proj",
        "k_proj",
        "v_proj",
        "o_proj",
        "gate_proj",
        "up_proj",
        "down_proj",
    }


def test_other_examples_than_planned_are_refused(
    student: Path, examples: Rows, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    plan = make_plan(examples, tokenizer, make_config())
    fewer = examples | {"advice": examples["advice"][:7]}
    with pytest.raises(PlanError, match="the plan says"):
        train_arm(student, plan, fewer, make_config(), 1, tmp_path / "out")
    with pytest.raises(PlanError, match="nothing of this seed"):
        train_arm(student, plan, examples, make_config(), 9, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_student_that_is_no_checkpoint_is_refused(
    examples: Rows, tokenizer: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    plan = make_plan(examples, tokenizer, make_config())
    with pytest.raises(CheckpointError, match="not a folder"):
        train_arm(tmp_path / "nowhere", plan, examples, make_config(), 1, tmp_path)
    tokenizer.save_pretrained(tmp_path / "no-model")
    with pytest.raises(CheckpointError, match="not a causal language model"):
        train_arm(tmp_path / "no-model", plan, examples, make_config(), 1, tmp_path / "out")
