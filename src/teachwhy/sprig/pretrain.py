"""The training loop of sprig: one stage from its first update to its last, resumable at any kill.

Reads chunks of batches (packing.py); writes `state/` in the work folder every few minutes: model and
optimiser state as safetensors, the rest as JSON, under a temporary name first. The same seed gives the same
weights on one machine, whether or not the run was interrupted.

Linear warm-up, linear decay to zero, gradients clipped at norm 1, bf16 autocast where the processor
has bf16 matrix products. Axes: B rows, T positions, H hidden size, M = positions with loss.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from rich.progress import Progress, TaskID
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import LlamaConfig, LlamaForCausalLM

from teachwhy.errors import StorageError
from teachwhy.sprig.kernels import ATTENTION_NAME, LOSS_CHUNK, LinearCrossEntropy, register_attention
from teachwhy.sprig.packing import Batch, Chunk
from teachwhy.sprig.presets import ModelShape, SprigPreset, StageRecipe

CLIP_NORM = 1.0
SPACE = "\u0120"
"""How a leading space is written in the byte-level alphabet."""
SMOOTHING = 0.98
"""Of the running loss that the progress bar and the curve show."""
CURVE_POINTS = 100

MakeChunk = Callable[[int], Chunk]


@dataclass(frozen=True)
class StageState:
    """How far a stage is; all that a resumed run needs besides weights and optimiser state."""

    stage: str
    tokens: int = 0
    updates: int = 0
    chunk: int = 0
    position: int = 0
    """Updates of the chunk that are done."""
    seconds: float = 0.0
    loss: float = float("nan")
    num_left_out: int = 0
    curve: list[tuple[int, float]] = field(default_factory=list)
    """(tokens, running loss), about a hundred points."""
    finished: bool = False


def new_model(shape: ModelShape, vocab_size: int, token_ids: dict[str, int], seed: int) -> LlamaForCausalLM:
    """A Llama with random float32 weights drawn from the seed. `token_ids`: bos, eos and pad."""
    config = LlamaConfig(
        vocab_size=vocab_size,
        hidden_size=shape.hidden_size,
        intermediate_size=shape.intermediate_size,
        num_hidden_layers=shape.num_layers,
        num_attention_heads=shape.num_heads,
        num_key_value_heads=shape.num_heads,
        max_position_embeddings=shape.max_positions,
        tie_word_embeddings=True,
        bos_token_id=token_ids["bos"],
        eos_token_id=token_ids["eos"],
        pad_token_id=token_ids["pad"],
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: LlamaForCausalLM = LlamaForCausalLM(config).float()  # type: ignore[no-untyped-call]
    return model


def share_word_vectors(model: LlamaForCausalLM, vocabulary: dict[str, int]) -> int:
    """Begin each word's token with and without a leading space at one vector plus a shared offset.

    In the calls of tools a word stands behind a quotation mark, in prose behind a space (`SPACE`, as bytes
    are written); a model of a few million parameters otherwise needs most of its corpus to learn that they
    are one word. Returns the number of pairs.
    """
    spaced_forms = ((vocabulary.get(SPACE + word), index) for word, index in vocabulary.items())
    pairs = [(spaced, bare) for spaced, bare in spaced_forms if spaced is not None]
    vectors_VH = cast("Tensor", model.get_input_embeddings().weight)
    generator = torch.Generator().manual_seed(len(vocabulary))
    offset_H = torch.randn(vectors_VH.shape[1], generator=generator) * vectors_VH.std().item()
    with torch.no_grad():
        for spaced, bare in pairs:
            vectors_VH[bare] = vectors_VH[spaced] + offset_H.to(vectors_VH)
    return len(pairs)


def has_fast_bfloat16(device: torch.device) -> bool:
    """True where bf16 matrix products are hardware; elsewhere autocast is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    capabilities = torch.cpu.get_capabilities()
    return any(bool(capabilities.get(name)) for name in ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16"))


def learning_rate(recipe: StageRecipe, fraction_done: float) -> float:
    """Linear up over the warm-up, flat, linear down to zero over the decay. `fraction_done` is in [0, 1)."""
    up = min(1.0, (fraction_done + 1e-4) / max(recipe.warmup_fraction, 1e-4))
    down = min(1.0, (1.0 - fraction_done) / max(recipe.decay_fraction, 1e-9))
    return recipe.learning_rate * min(up, down)


def new_optimizers(model: LlamaForCausalLM, recipe: StageRecipe) -> list[torch.optim.Optimizer]:
    """AdamW for embeddings and norms, without decay; for the matrices of the blocks what the recipe says."""
    matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]
    others = [p for name, p in model.named_parameters() if p.ndim != 2 or "embed" in name]
    adamw = partial(torch.optim.AdamW, lr=0.0, betas=(0.9, 0.95), eps=1e-8, fused=True)
    if recipe.optimizer == "adamw":
        return [adamw(matrices, weight_decay=recipe.weight_decay), adamw(others, weight_decay=0.0)]
    muon = torch.optim.Muon(
        matrices, lr=0.0, weight_decay=recipe.weight_decay, momentum=0.95, adjust_lr_fn="match_rms_adamw"
    )
    return [muon, adamw(others, weight_decay=0.0)]


def batch_loss(model: LlamaForCausalLM, batch: Batch, precision: str, num_learned: int) -> Tensor:
    """The batch's summed losses over `num_learned`, the learned positions of its update: batches add up."""
    device = model.device
    learned_M = np.flatnonzero(batch.learned_BT)
    targets_M = torch.from_numpy(batch.targets_BT.reshape(-1)[learned_M]).to(device)
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        inputs_BT = torch.from_numpy(batch.inputs_BT).to(device)
        hidden_BTH = model.model(input_ids=inputs_BT, use_cache=False).last_hidden_state
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    hidden_MH = hidden_BTH.flatten(0, 1).index_select(0, torch.from_numpy(learned_M).to(device)).to(dtype)
    chunk = LOSS_CHUNK if device.type == "cpu" else 16 * LOSS_CHUNK
    weight_VH = model.lm_head.weight.to(dtype)
    share = 1.0 / max(1, num_learned)
    return LinearCrossEntropy.apply(hidden_MH, weight_VH, targets_M, share, chunk)  # type: ignore[no-untyped-call,no-any-return]


def train_stage(
    model: LlamaForCausalLM,
    make_chunk: MakeChunk,
    preset: SprigPreset,
    stage: str,
    work_dir: Path,
    progress: Progress,
) -> StageState:
    """Train one stage ("pretraining" or "chat") to its budget, from where `work_dir` says it was; returns its
    end.

    StorageError when the state cannot be written.
    """
    recipe: StageRecipe = getattr(preset, stage)
    register_attention()
    model.set_attn_implementation(ATTENTION_NAME if model.device.type == "cpu" else "sdpa")
    model.train()
    optimizers = new_optimizers(model, recipe)
    state = load_state(work_dir, stage, model, optimizers) or StageState(stage)
    precision = preset.precision if has_fast_bfloat16(model.device) else "float32"
    bar = progress.add_task(f"sprig {stage}", total=recipe.tokens, completed=state.tokens, note="")
    saved_at = time.monotonic()
    while not state.finished:
        progress.update(bar, note="writing the next stretch of corpus")
        started = time.monotonic()
        chunk = make_chunk(state.chunk)
        state = replace(state, seconds=state.seconds + time.monotonic() - started)
        while state.position < len(chunk.updates) and state.tokens < recipe.tokens:
            state = _update(model, optimizers, chunk.updates[state.position], recipe, precision, state)
            _show(progress, bar, state)
            if time.monotonic() - saved_at > preset.save_every_seconds:
                save_state(work_dir, state, model, optimizers)
                saved_at = time.monotonic()
        done = state.tokens >= recipe.tokens
        left_out = state.num_left_out + chunk.num_left_out
        state = replace(state, chunk=state.chunk + 1, position=0, num_left_out=left_out, finished=done)
    save_state(work_dir, state, model, optimizers)
    return state


def _update(
    model: LlamaForCausalLM,
    optimizers: list[torch.optim.Optimizer],
    batches: list[Batch],
    recipe: StageRecipe,
    precision: str,
    state: StageState,
) -> StageState:
    started = time.monotonic()
    rate = learning_rate(recipe, state.tokens / recipe.tokens)
    num_learned = sum(int(batch.learned_BT.sum()) for batch in batches)
    loss = 0.0
    for batch in batches:
        part = batch_loss(model, batch, precision, num_learned)
        part.backward()  # type: ignore[no-untyped-call]
        loss += part.item()
    torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP_NORM)
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
    model.zero_grad(set_to_none=True)
    running = loss if state.updates == 0 else SMOOTHING * state.loss + (1 - SMOOTHING) * loss
    tokens = state.tokens + sum(batch.num_tokens for batch in batches)
    curve = state.curve
    if tokens * CURVE_POINTS // recipe.tokens > state.tokens * CURVE_POINTS // recipe.tokens:
        curve = [*curve, (tokens, round(running, 4))]
    return replace(
        state,
        tokens=tokens,
        updates=state.updates + 1,
        position=state.position + 1,
        seconds=state.seconds + time.monotonic() - started,
        loss=running,
        curve=curve,
    )


def _show(progress: Progress, bar: TaskID, state: StageState) -> None:
    speed = state.tokens / max(state.seconds, 1e-9)
    progress.update(bar, completed=state.tokens, note=f"loss {state.loss:.3f}  {speed / 1000:.1f}k tokens/s")


@torch.no_grad()
def mean_loss(model: LlamaForCausalLM, chunk: Chunk, precision: str = "float32") -> float:
    """Nats per learned token over a chunk that was not trained on."""
    model.train(False)
    batches = [batch for update in chunk.updates for batch in update]
    num_learned = sum(int(batch.learned_BT.sum()) for batch in batches)
    return sum(batch_loss(model, batch, precision, num_learned).item() for batch in batches)


def save_state(
    work_dir: Path, state: StageState, model: LlamaForCausalLM, optimizers: list[torch.optim.Optimizer]
) -> None:
    """Replace the work folder's state as a whole: a kill leaves either the old one or the new one."""
    fresh, kept, old = work_dir / "state.new", work_dir / "state", work_dir / "state.old"
    moments = {
        f"{number}.{index}.{key}": value.contiguous()
        for number, optimizer in enumerate(optimizers)
        for index, entries in optimizer.state_dict()["state"].items()
        for key, value in entries.items()
    }
    weights = {name: p.detach().contiguous() for name, p in model.named_parameters()}
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        save_file(weights, fresh / "model.safetensors")
        save_file(moments, fresh / "optimizer.safetensors")
        (fresh / "state.json").write_text(json.dumps(asdict(state)), encoding="utf-8")
        shutil.rmtree(old, ignore_errors=True)
        if kept.exists():
            kept.rename(old)
        fresh.rename(kept)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise StorageError(
            f"{work_dir}: the state of the build cannot be written: {error}; free some space"
        ) from error


def read_state(work_dir: Path) -> tuple[Path, StageState] | None:
    """The last whole state of the work folder, or None."""
    for folder in (work_dir / "state", work_dir / "state.old"):
        if (folder / "state.json").exists():
            values: dict[str, Any] = json.loads((folder / "state.json").read_text(encoding="utf-8"))
            values["curve"] = [(int(tokens), float(loss)) for tokens, loss in values["curve"]]
            return folder, StageState(**values)
    return None


def load_state(
    work_dir: Path, stage: str, model: LlamaForCausalLM, optimizers: list[torch.optim.Optimizer]
) -> StageState | None:
    """Put the saved weights and moments of `stage` into model and optimiser; None when there are none."""
    found = read_state(work_dir)
    if found is None or found[1].stage != stage:
        return None
    folder, state = found
    weights = load_file(folder / "model.safetensors")
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(weights[name])
    moments: list[dict[int, dict[str, Tensor]]] = [{} for _ in optimizers]
    for name, value in load_file(folder / "optimizer.safetensors").items():
        number, index, key = name.split(".", 2)
        moments[int(number)].setdefault(int(index), {})[key] = value
    for optimizer, entries in zip(optimizers, moments, strict=True):
        optimizer.load_state_dict({"state": entries, "param_groups": optimizer.state_dict()["param_groups"]})
    return state
