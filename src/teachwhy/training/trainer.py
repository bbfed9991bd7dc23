"""TRL's SFTTrainer with our own batches, a lean loss, and checkpoints without pickle.

Three things differ from the parent. Batches are fixed beforehand (`mixture.Batches`), so an arm is a
function of mixture and seed and can go on where it was killed. The loss projects only the positions that
carry loss onto the vocabulary (in chat rows about a third) and computes no extra metrics. Checkpoints are
safetensors and JSON.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, Sampler
from transformers import PrinterCallback, TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME
from trl import SFTTrainer

from teachwhy.training.cpu_step import compute_cpu_loss, use_cpu_step
from teachwhy.training.formatting import IGNORED
from teachwhy.training.mixture import Batches
from teachwhy.training.state import load_generators, load_optimizer, new_weights_folder, save_state

Progress = Callable[[int, int], None]
"""Called after each update with the updates done and the updates in all."""


class FixedBatches(Sampler[list[int]]):
    """Row numbers of each micro-batch, in a fixed order."""

    def __init__(self, batches: Batches) -> None:
        self._micro_batches = [list(numbers) for numbers in batches.micro_batches]

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self._micro_batches)

    def __len__(self) -> int:
        return len(self._micro_batches)


class RightPad:
    """Collates token rows into `input_ids` and `labels`, both (batch, longest row).

    There is no attention mask: in a causal model no token sees the padding to its right, and padding
    carries no loss. An empty batch becomes one token without loss.
    """

    def __init__(self, pad_token_id: int) -> None:
        self._pad_token_id = pad_token_id

    def __call__(self, rows: Sequence[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
        longest = max((len(row["input_ids"]) for row in rows), default=1)
        input_ids_BT = torch.full((max(len(rows), 1), longest), self._pad_token_id)
        labels_BT = torch.full_like(input_ids_BT, IGNORED)
        for index, row in enumerate(rows):
            input_ids_BT[index, : len(row["input_ids"])] = torch.tensor(row["input_ids"])
            labels_BT[index, : len(row["labels"])] = torch.tensor(row["labels"])
        return {"input_ids": input_ids_BT, "labels": labels_BT}


class _ReportProgress(TrainerCallback):
    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        self._progress(state.global_step, state.max_steps)


class MixtureTrainer(SFTTrainer):  # type: ignore[misc]
    """Trains on `batches`, whose row numbers point into the training dataset (columns input_ids and
    labels)."""

    def __init__(
        self, *args: Any, batches: Batches, run_key: str, progress: Progress | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._batches = batches
        self._run_key = run_key
        self.model_accepts_loss_kwargs = True  # the loss below is divided by the labels of the whole update
        self.remove_callback(PrinterCallback)
        if progress is not None:
            self.add_callback(_ReportProgress(progress))
        self._positions: torch.Tensor | None = None
        longest = max(row.num_tokens for row in batches.rows)
        self._on_cpu_step = use_cpu_step(self.model, longest)
        self.model.get_output_embeddings().register_forward_pre_hook(self._keep_positions)

    def get_train_dataloader(self) -> DataLoader:  # type: ignore[type-arg]
        """Every micro-batch, in the order fixed by the plan."""
        return DataLoader(
            self.train_dataset, batch_sampler=FixedBatches(self._batches), collate_fn=self.data_collator
        )

    def _keep_positions(self, module: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> Any:
        """Before the output projection: hidden states (batch, length, width) -> (1, positions with loss,
        width)."""
        if self._positions is None:
            return inputs
        hidden_BTD = inputs[0]
        return (hidden_BTD.flatten(0, 1)[self._positions].unsqueeze(0), *inputs[1:])

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        num_items_in_batch: torch.Tensor | None = None,
    ) -> Any:
        """Cross entropy summed over the micro-batch, divided by the label tokens of the whole update."""
        labels_BT = inputs["labels"]
        targets_BT = torch.full_like(labels_BT, IGNORED)
        targets_BT[:, :-1] = labels_BT[:, 1:]
        targets = targets_BT.flatten()
        positions_N = (targets != IGNORED).nonzero().squeeze(1)
        targets_N = targets[positions_N]
        if self._on_cpu_step and not return_outputs:
            outputs = None
            total = compute_cpu_loss(model, inputs["input_ids"], positions_N, targets_N, self.args.bf16)
        else:
            self._positions = positions_N
            try:
                outputs = model(input_ids=inputs["input_ids"], use_cache=False)
            finally:
                self._positions = None
            total = cross_entropy(outputs.logits.squeeze(0).float(), targets_N, reduction="sum")
        count = targets_N.numel() if num_items_in_batch is None else num_items_in_batch
        loss = total / max(int(count), 1)
        return (loss, outputs) if return_outputs else loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Keeps the history without the parent's metrics, which nothing computes here."""
        super(SFTTrainer, self).log(logs, start_time)

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Not counted: counting walks over all modules at every step."""
        return 0

    def _save(self, output_dir: str | None = None, state_dict: dict[str, torch.Tensor] | None = None) -> None:
        """Model and tokenizer as safetensors and JSON (the parent also writes its arguments as pickle)."""
        folder = output_dir or self.args.output_dir
        extra = {"save_embedding_layers": False} if hasattr(self.model, "peft_config") else {}
        self.model.save_pretrained(folder, state_dict=state_dict, **extra)
        self.processing_class.save_pretrained(folder)
        (Path(folder) / "README.md").unlink(missing_ok=True)  # PEFT's empty model card

    def _save_checkpoint(self, model: torch.nn.Module, trial: Any) -> None:
        """A state folder that holds all a killed run needs; the one before it is removed."""
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        with new_weights_folder(folder) as partial:
            self.save_model(str(partial), _internal_call=True)
            save_state(partial, self.optimizer, self.lr_scheduler, self._run_key)
            self.state.save_to_json(str(partial / TRAINER_STATE_NAME))
        for older in folder.parent.glob("checkpoint-*"):
            if older != folder:
                gone = older.with_name(f".{older.name}.old")
                older.rename(gone)  # a kill while deleting leaves no half folder under a state's name
                shutil.rmtree(gone)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            load_optimizer(Path(checkpoint), self.optimizer, self.lr_scheduler)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            load_generators(Path(checkpoint))

    def _load_scaler(self, checkpoint: str | None) -> None:
        """There is no loss scaler: training runs in float32 or bfloat16."""
