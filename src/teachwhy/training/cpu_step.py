"""A faster training step on a CPU for plain Llama models, sprig among them: the same loss, other kernels.

transformers' step is right for every model, and slow on a CPU for small ones. Where the model is a Llama with
nothing added (no attention dropout, no bias on the output projection) and its rows are short, attention and
loss run through sprig's kernels. Everything else, and everything on a GPU, takes the general path.

Axes: B rows, T positions, D hidden size, N positions with loss, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
from peft import PeftModel

from teachwhy.sprig.kernels import ATTENTION_NAME, LOSS_CHUNK, LinearCrossEntropy, register_attention

LONGEST_ROW = 512
"""The attention kernel keeps T x T weights, which for longer rows cost more memory than they save time."""


def plain_model(model: Any) -> Any:
    """The model without adapter wrapping."""
    return model.get_base_model() if isinstance(model, PeftModel) else model


def use_cpu_step(model: Any, longest_row: int) -> bool:
    """Whether `compute_cpu_loss` fits model and rows; if so, the model's attention is set for it."""
    inner = plain_model(model)
    config = inner.config
    fits = (
        inner.device.type == "cpu"
        and config.model_type == "llama"
        and config.attention_dropout == 0
        and type(inner.lm_head) is torch.nn.Linear
        and getattr(inner.lm_head, "bias", None) is None
        and longest_row <= LONGEST_ROW
    )
    if fits:
        register_attention()
        inner.set_attn_implementation(ATTENTION_NAME)
    return fits


def compute_cpu_loss(
    model: Any, input_ids_BT: torch.Tensor, positions_N: torch.Tensor, targets_N: torch.Tensor, bf16: bool
) -> torch.Tensor:
    """Cross entropy summed over the positions with loss (numbered in the flattened batch)."""
    inner = plain_model(model)
    dtype = torch.bfloat16 if bf16 else torch.float32
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        hidden_BTD = inner.model(input_ids=input_ids_BT, use_cache=False).last_hidden_state
    hidden_ND = hidden_BTD.flatten(0, 1).index_select(0, positions_N).to(dtype)
    loss: torch.Tensor = LinearCrossEntropy.apply(  # type: ignore[no-untyped-call]
        hidden_ND, inner.lm_head.weight.to(dtype), targets_N, 1.0, LOSS_CHUNK
    )
    return loss
