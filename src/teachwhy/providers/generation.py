"""The batched decode loop: many requests of different lengths and settings through one Hugging Face model.

Rows are padded on the left. Prompts are read in small groups of similar length, each only as far as its head
is not already in the prefix store; all rows are then decoded together, and finished rows are dropped from the
batch. Calls only the model's own `forward`; the cache is ours (kv_cache.py). Legend of axes: row B, position
S, vocabulary V.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from teachwhy.errors import CheckpointError
from teachwhy.providers.checkpoint import LoadedCheckpoint
from teachwhy.providers.kv_cache import GROWTH_COLUMNS, BatchCache, PrefixStore, Window
from teachwhy.providers.sampling import Sampler, SamplingParameters, request_key

Stop = Literal["stop", "max_tokens", "model_length"]
KEEP_SHARE = 0.75
"""Finished rows are dropped once fewer than this share of the batch is still running."""
PLANNED_NEW_TOKENS = 128
"""A batch is sized as if no row went on for longer: most end their turn far earlier."""


@dataclass(frozen=True)
class Budget:
    """How large batches may grow."""

    cache_bytes: int
    """Keys and values of one batch."""
    prefix_bytes: int
    """Keys and values of prompt heads kept between batches."""
    max_rows: int
    prefill_tokens: int
    """Tokens of prompts in one forward pass: on a CPU, more than fit its caches are slower."""


@dataclass(frozen=True)
class TokenRequest:
    """A prompt and how to continue it."""

    prompt_ids: tuple[int, ...]
    sampling: SamplingParameters


@dataclass(frozen=True)
class Completion:
    """What the model wrote."""

    text: str
    """Without the token or the string that ended it; other special tokens are kept."""
    token_ids: tuple[int, ...]
    """All that was drawn, the end-of-turn token included."""
    stop: Stop
    num_input_tokens: int


@dataclass
class _Row:
    """A request under way."""

    index: int
    request: TokenRequest
    max_new_tokens: int
    token_ids: list[int] = field(default_factory=list)


class BatchGenerator:
    """Continues batches of requests with one model. Not for two threads at a time."""

    def __init__(self, checkpoint: LoadedCheckpoint, budget: Budget | None = None) -> None:
        self.checkpoint = checkpoint
        self.model: Any = checkpoint.model
        self.device = checkpoint.model.device
        config = self.model.config.get_text_config()
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        self._num_layers = config.num_hidden_layers
        self._bytes_per_token = 2 * self._num_layers * heads * head_dim * self.model.dtype.itemsize
        kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
        self._sees_all_columns = kinds == {"full_attention"} and not getattr(config, "sliding_window", None)
        parameters = inspect.signature(self.model.forward).parameters
        self._takes_positions = "position_ids" in parameters
        self._last_logits_only = {"logits_to_keep": 1} if "logits_to_keep" in parameters else {}
        self.budget = budget or default_budget(self.model)
        self._store = PrefixStore(self.budget.prefix_bytes)
        self.num_batches = 0

    def choose(self, requests: Sequence[TokenRequest]) -> list[int]:
        """Indices of those requests, given oldest first, that make the next batch.

        The oldest is in it; then come those whose heads the store still has, since it forgets; then those of
        similar length.
        """
        costs = [self._planned_columns(request) for request in requests]
        others = sorted(
            range(1, len(requests)),
            key=lambda index: (not self._is_known(requests[index]), abs(costs[index] - costs[0])),
        )
        num_columns = self.budget.cache_bytes // self._bytes_per_token
        chosen, longest = [0], costs[0]
        for index in others:
            if len(chosen) == self.budget.max_rows:
                break
            if max(longest, costs[index]) * (len(chosen) + 1) <= num_columns:
                chosen.append(index)
                longest = max(longest, costs[index])
        return chosen

    def generate(self, requests: Sequence[TokenRequest]) -> list[Completion]:
        """Continue any number of requests; completions in their order."""
        completions: dict[int, Completion] = {}
        waiting = list(range(len(requests)))
        while waiting:
            batch = [waiting[place] for place in self.choose([requests[index] for index in waiting])]

            def keep(place: int, completion: Completion, batch: list[int] = batch) -> None:
                completions[batch[place]] = completion

            self.run_batch([requests[index] for index in batch], keep)
            waiting = [index for index in waiting if index not in completions]
        return [completions[index] for index in range(len(requests))]

    @torch.inference_mode()
    def run_batch(
        self, requests: Sequence[TokenRequest], finished: Callable[[int, Completion], None]
    ) -> None:
        """Continue requests in one batch; `finished` is told (index, completion) as soon as each is done.

        Raises `CheckpointError` when the model's numbers are not numbers.
        """
        self.num_batches += 1
        rows = []
        for index, request in enumerate(requests):
            room = self._room(request)
            if room < 1:
                finished(index, Completion("", (), "model_length", len(request.prompt_ids)))
            else:
                rows.append(_Row(index, request, min(request.sampling.max_new_tokens, room)))
        if rows:
            rows.sort(
                key=lambda row: (self._num_unknown(row.request), len(row.request.prompt_ids)), reverse=True
            )
            self._decode(rows, finished)

    def _decode(self, rows: list[_Row], finished: Callable[[int, Completion], None]) -> None:
        width = max(len(row.request.prompt_ids) for row in rows)
        num_new = max(row.max_new_tokens for row in rows)
        cache = BatchCache(self._num_layers, len(rows), width + min(num_new, GROWTH_COLUMNS))
        logits_BV = self._read_prompts(rows, cache, width)
        sampler = Sampler(
            [row.request.sampling for row in rows],
            [request_key(row.request.sampling.seed, row.request.prompt_ids) for row in rows],
            self.device,
        )
        paddings = [width - len(row.request.prompt_ids) for row in rows]
        padding_B = torch.tensor(paddings, device=self.device)
        live: list[_Row | None] = list(rows)
        step = 0
        while True:
            next_B = sampler.draw(logits_BV, step)
            for position, token_id in enumerate(next_B.tolist()):
                row = live[position]
                if row is not None and (completion := self._extend(row, token_id)):
                    self._remember(row, cache, position, paddings[position])
                    live[position] = None
                    finished(row.index, completion)
            running = [position for position, row in enumerate(live) if row is not None]
            if not running:
                return
            if len(running) < KEEP_SHARE * len(live):
                first_column = min(paddings[position] for position in running)
                cache.keep_rows(running, first_column)
                sampler.keep_rows(running)
                live = [live[position] for position in running]
                paddings = [paddings[position] - first_column for position in running]
                padding_B = torch.tensor(paddings, device=self.device)
                next_B = next_B[running]
                width -= first_column
            step += 1
            logits_BV = self._advance(cache, next_B, padding_B, width + step - 1)

    def _read_prompts(self, rows: Sequence[_Row], cache: BatchCache, width: int) -> Tensor:
        """Fill the cache with all prompts, group by group; logits at each prompt's last token, float32."""
        logits = []
        start = 0
        while start < len(rows):
            num_unknown = [self._num_unknown(rows[start].request)]
            end = start + 1
            while end < len(rows):
                num_next = self._num_unknown(rows[end].request)
                if max(*num_unknown, num_next) * (end + 1 - start) > self.budget.prefill_tokens:
                    break
                num_unknown.append(num_next)
                end += 1
            logits.append(self._read_group(rows[start:end], cache, start, width, max(num_unknown)))
            for position in range(start, end):
                prompt_ids = rows[position].request.prompt_ids
                self._store.put(prompt_ids, cache, position, width - len(prompt_ids))
            start = end
        logits_BV = torch.cat(logits)
        if bool(logits_BV.amax(-1).isnan().any()):
            raise CheckpointError(
                f"{self.model.name_or_path}: the model's outputs are not numbers (NaN). "
                "The weights are broken, or too large for the number format: try dtype=float32."
            )
        return logits_BV

    def _read_group(
        self, rows: Sequence[_Row], cache: BatchCache, first_row: int, width: int, num_new: int
    ) -> Tensor:
        """Read the last `num_new` tokens of some prompts; what comes before is in the prefix store."""
        lengths = [len(row.request.prompt_ids) for row in rows]
        longest = max(lengths)
        num_new = min(num_new, longest)
        first_column = width - longest
        input_ids = torch.zeros(len(rows), num_new, dtype=torch.long)
        for offset, (row, length) in enumerate(zip(rows, lengths, strict=True)):
            tail = row.request.prompt_ids[-num_new:]
            input_ids[offset, num_new - len(tail) :] = torch.tensor(tail)
            if length > num_new:
                slots = self._store.find(row.request.prompt_ids)
                self._store.load(slots, cache, first_row + offset, width - length, length - num_new)
        cache.window = Window(first_row, first_row + len(rows), first_column, longest - num_new)
        columns_S = torch.arange(longest, device=self.device)
        padding_B1 = torch.tensor([[longest - length] for length in lengths], device=self.device)
        is_padded = min(lengths) < longest
        return self._forward(
            cache,
            input_ids.to(self.device),
            (columns_S[None, :] >= padding_B1) if is_padded or num_new < longest else None,
            (columns_S[None, longest - num_new :] - padding_B1).clamp(min=0),
        )

    def _advance(self, cache: BatchCache, next_B: Tensor, padding_B: Tensor, num_filled: int) -> Tensor:
        """Feed one token a row; the logits for the next, float32."""
        cache.ensure_columns(num_filled + 1)
        cache.window = Window(0, cache.num_rows, 0, num_filled)
        columns_S = torch.arange(num_filled + 1, device=self.device)
        mask = columns_S[None, :] >= padding_B[:, None]
        if self._sees_all_columns:
            mask = mask[:, None, None, :]
        return self._forward(cache, next_B[:, None], mask, (num_filled - padding_B)[:, None])

    def _forward(
        self, cache: BatchCache, input_ids_BS: Tensor, mask: Tensor | None, positions_BS: Tensor
    ) -> Tensor:
        positions = {"position_ids": positions_BS} if self._takes_positions else {}
        output = self.model(
            input_ids=input_ids_BS,
            attention_mask=mask,
            past_key_values=cache,
            use_cache=True,
            **positions,
            **self._last_logits_only,
        )
        logits_BV: Tensor = output.logits[:, -1].float()
        return logits_BV

    def _extend(self, row: _Row, token_id: int) -> Completion | None:
        """Add a token to a row; its completion if that ends it."""
        row.token_ids.append(token_id)
        stop: Stop | None = None
        ids, text = row.token_ids, None
        if token_id in self.checkpoint.stop_ids:
            stop, ids = "stop", row.token_ids[:-1]
        elif (text := self._cut_at_stop_string(row)) is not None:
            stop = "stop"
        elif len(row.token_ids) >= row.max_new_tokens:
            stop = (
                "max_tokens" if row.max_new_tokens == row.request.sampling.max_new_tokens else "model_length"
            )
        if stop is None:
            return None
        if text is None:
            text = self._text(ids)
        return Completion(text, tuple(row.token_ids), stop, len(row.request.prompt_ids))

    def _cut_at_stop_string(self, row: _Row) -> str | None:
        """The text before the first stop string, if one has just been completed."""
        stop_strings = row.request.sampling.stop_strings
        if not stop_strings:
            return None
        num_recent = 4 * max(map(len, stop_strings)) + 4  # a character is at most four byte tokens
        recent = self._text(row.token_ids[-num_recent:])
        if not any(stop in recent for stop in stop_strings):
            return None
        text = self._text(row.token_ids)
        return text[: min((at for stop in stop_strings if (at := text.find(stop)) >= 0), default=len(text))]

    def _text(self, token_ids: Sequence[int]) -> str:
        tokenizer: Any = self.checkpoint.tokenizer
        text: str = tokenizer.decode(token_ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text

    def _remember(self, row: _Row, cache: BatchCache, position: int, padding: int) -> None:
        """Keep what the row was and wrote: its next turn begins with it. The last token was never fed."""
        self._store.put((*row.request.prompt_ids, *row.token_ids[:-1]), cache, position, padding)

    def _num_unknown(self, request: TokenRequest) -> int:
        return len(request.prompt_ids) - self._store.num_known(request.prompt_ids)

    def _is_known(self, request: TokenRequest) -> bool:
        return 2 * self._num_unknown(request) < len(request.prompt_ids)

    def _planned_columns(self, request: TokenRequest) -> int:
        return len(request.prompt_ids) + min(request.sampling.max_new_tokens, PLANNED_NEW_TOKENS)

    def _room(self, request: TokenRequest) -> int:
        """New tokens that fit the model's context after the prompt; an empty prompt has none."""
        if not request.prompt_ids:
            return 0
        if self.checkpoint.max_length is None:
            return request.sampling.max_new_tokens
        return self.checkpoint.max_length - len(request.prompt_ids)


def default_budget(model: Any) -> Budget:
    """What suits a laptop (in proportion to a large model), or a share of the GPU memory that is free now."""
    if model.device.type == "cuda":
        free_bytes, _ = torch.cuda.mem_get_info(model.device)
        return Budget(
            cache_bytes=free_bytes // 3, prefix_bytes=free_bytes // 6, max_rows=512, prefill_tokens=32768
        )
    share = max(160 << 20, model.get_memory_footprint() // 4)
    return Budget(cache_bytes=share, prefix_bytes=share, max_rows=128, prefill_tokens=2048)
