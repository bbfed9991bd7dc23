"""Tries a loaded model out in a batch: does it answer there as it does alone?

What a model computes for a row must not depend on the padding before it, on the rows beside it, or on whether
its states were computed now or kept. Most decoders of transformers are so; encoders used as decoders, models
that count positions themselves and models with a state of another kind are not, and many of these would
answer wrongly without a word.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from teachwhy.errors import CheckpointError, quote_foreign
from teachwhy.providers.batch import Batch, TokenRequest
from teachwhy.providers.checkpoint import LoadedCheckpoint
from teachwhy.providers.generation import BatchGenerator, Budget
from teachwhy.providers.kv_cache import BLOCK_TOKENS
from teachwhy.providers.sampling import SamplingParameters

PROBE_TEXT = "The harbour office reads its letters at nine, and answers each before noon: why not today?"
PROBE_LENGTHS = (3, BLOCK_TOKENS + 4)
"""Tokens of the prompts: the longer one has a head that the prefix store keeps."""
NUM_STEPS = 3
PROBE_BUDGET = Budget(1 << 40, 1 << 26, len(PROBE_LENGTHS), 1024)
"""Only what is used of it is ever taken."""
ALLOWED_DIFFERENCE = 0.01
"""Root mean square over logits, in standard deviations of these. In float32, tiny models of 178 model types
differed by 1.4e-5 at most, and those that a batch does not suit by 0.17 or more."""
ALLOWED_DIFFERENCE_HALF = 0.3
"""The same in half precision: wide, as rounding may send a token to other experts. Tiny models on a CPU
differed by less than 0.001; nothing large and nothing on a GPU was measured."""


def check_batching(checkpoint: LoadedCheckpoint) -> None:
    """Raise `CheckpointError` for a model whose logits in a batch are not those that it gives alone."""
    difference: float | None = None
    fault = ""
    try:
        difference = measure_difference(checkpoint)
    except (CheckpointError, torch.OutOfMemoryError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 (a model that a batch does not suit fails in its own code)
        fault = f"it fails with {type(error).__name__}: {quote_foreign(error)}"
    is_float32 = checkpoint.model.dtype == torch.float32
    allowed = ALLOWED_DIFFERENCE if is_float32 else ALLOWED_DIFFERENCE_HALF
    if difference is not None and difference > allowed:
        fault = f"its logits differ by {difference:.2g} standard deviations (allowed: {allowed})"
    if fault:
        kind = quote_foreign(checkpoint.model.config.model_type)
        raise CheckpointError(
            f"{checkpoint.model.name_or_path}: model type {kind} does not answer in a batch as alone: "
            f"{fault}. Allowed are decoder-only models whose rows can be padded on the left. "
            "Use Inspect's hf/ provider with max_connections = 1 for it."
        )


@torch.inference_mode()
def measure_difference(checkpoint: LoadedCheckpoint) -> float:
    """The root mean square difference of logits in a batch and alone, in standard deviations of the latter.

    Two prompts are continued by a few tokens, twice: the second time from the prefix store.
    """
    roomy = replace(checkpoint, stop_ids=frozenset())
    tokenizer: Any = checkpoint.tokenizer
    text_ids: list[int] = tokenizer(PROBE_TEXT, add_special_tokens=False)["input_ids"] or [0]
    longest = (checkpoint.max_length or max(PROBE_LENGTHS) + NUM_STEPS) - NUM_STEPS
    repeated = text_ids * max(PROBE_LENGTHS)
    sampling = SamplingParameters(1 + NUM_STEPS, seed=0)
    lengths = [max(1, min(length, longest)) for length in PROBE_LENGTHS]
    requests = [TokenRequest(tuple(repeated[:length]), sampling) for length in lengths]
    generator = _ProbedGenerator(roomy)
    for _ in range(2):
        generator.generate(requests)
    differences = torch.stack([given - alone for given, alone in generator.logits])
    spread = torch.stack([alone for _, alone in generator.logits]).std(dim=-1)
    scale = float(spread.square().mean().sqrt())
    difference = float(differences.square().mean().sqrt())
    return difference / scale if scale else float(difference > 0)


class _ProbedGenerator(BatchGenerator):
    """Keeps the logits of each decoding step, and those that the model gives for the same tokens alone."""

    def __init__(self, checkpoint: LoadedCheckpoint) -> None:
        super().__init__(checkpoint, PROBE_BUDGET)
        self.logits: list[tuple[Tensor, Tensor]] = []

    def _advance(self, batch: Batch, next_B: Tensor) -> Tensor:
        logits_BV = super()._advance(batch, next_B)
        self.logits += [
            (logits_V, self._read_alone(row)[0])
            for logits_V, row in zip(logits_BV, batch.rows, strict=False)
            if not row.is_done
        ]
        return logits_BV
