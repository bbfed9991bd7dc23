"""The batched decode loop: many requests of different lengths and settings through one Hugging Face model.

Prompts are read in small groups of similar length, each only as far as its head is not already in the prefix
store; all rows are then decoded together, a token a step. Rows leave when they are finished and new requests
take their places while the others go on, so that the batch stays wide. Calls only the model's own `forward`;
the cache is ours (kv_cache.py). Legend of axes: row B, position S, vocabulary V.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from teachwhy.errors import CheckpointError
from teachwhy.providers import attention
from teachwhy.providers.batch import Batch, Completion, Row, Stop, TokenRequest
from teachwhy.providers.checkpoint import LoadedCheckpoint
from teachwhy.providers.kv_cache import BatchCache, PrefixStore, Window

Arrivals = Callable[[Sequence[int]], Sequence[TokenRequest]]
"""Given the columns that each request under way takes: those that join them now (`BatchGenerator.choose`)."""
Finished = Callable[[int, Completion], None]
"""Told of a request, by its number in order of arrival, as soon as it is done."""
Wanted = Callable[[int], bool]
"""Whether anyone still waits for a request, by its number in order of arrival."""
JOINING_SHARE = 0.15
"""Waiting requests join a running batch when they are this share of it: to read few prompts is slow."""
PATIENCE_STEPS = 32
"""After so many steps without one that joined, any number of them is worth it."""
SETTLED_SHARE = 0.005
"""Of all draws, how many may be settled by reading a row anew (of sprig's 0.1 % are close), beside the first
SETTLED_AT_LEAST.
"""
SETTLED_AT_LEAST = 64
PASS_TOKENS = 128
"""What a pass over a few more prompts costs beside their tokens, in tokens."""
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


class BatchGenerator:
    """Continues batches of requests with one model. Not for two threads at a time."""

    def __init__(self, checkpoint: LoadedCheckpoint, budget: Budget | None = None) -> None:
        self.checkpoint = checkpoint
        self.model: Any = checkpoint.model
        self.device = checkpoint.model.device
        config = self.model.config.get_text_config()
        heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
        head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        self._num_layers = config.num_hidden_layers - (getattr(config, "num_kv_shared_layers", 0) or 0)
        self._bytes_per_token = 2 * self._num_layers * heads * head_dim * self.model.dtype.itemsize
        kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
        has_windows = kinds != {"full_attention"} or bool(getattr(config, "sliding_window", None))
        self._takes_plain_mask = not has_windows and self.model.config._attn_implementation == attention.NAME
        parameters = inspect.signature(self.model.forward).parameters
        self._takes_positions = "position_ids" in parameters
        self._last_logits_only = {"logits_to_keep": 1} if "logits_to_keep" in parameters else {}
        self.budget = budget or default_budget(self.model)
        self._store = PrefixStore(self.budget.prefix_bytes)
        self.num_steps = 0
        self._num_closed_steps = 0
        self._num_drawn = 0
        self._num_settled = 0

    def choose(self, waiting: Sequence[TokenRequest], running: Sequence[int] = ()) -> list[int]:
        """Indices of those waiting requests, given oldest first, that are to be read next.

        The oldest is among them, or none is (while others run); then come those whose heads the store still
        has, since it forgets; then those of similar length. `running`: the columns that each request under
        way takes.
        """
        is_patient = self._num_closed_steps < PATIENCE_STEPS
        num_worthwhile = max(JOINING_SHARE * len(running), 1) if is_patient else 1
        if len(waiting) < num_worthwhile:
            return []
        num_columns = self.budget.cache_bytes // self._bytes_per_token
        chosen: list[int] = []
        longest = max(running, default=0)
        cost = self._planned_columns(waiting[0])
        for index in self._order(waiting, cost):
            longest_now = max(longest, self._planned_columns(waiting[index]))
            num_rows = len(running) + len(chosen) + 1
            fits = num_rows <= self.budget.max_rows and longest_now * num_rows <= num_columns
            if fits or num_rows == 1:
                chosen.append(index)
                longest = longest_now
            elif index == 0 or num_rows > self.budget.max_rows:
                break
        return chosen if len(chosen) >= num_worthwhile else []

    def _order(self, waiting: Sequence[TokenRequest], cost: int) -> Iterator[int]:
        """Indices of waiting requests as they should be taken; put in order when the second is asked for."""
        yield 0
        yield from sorted(
            range(1, len(waiting)),
            key=lambda index: (
                not self._is_known(waiting[index]),
                abs(self._planned_columns(waiting[index]) - cost),
            ),
        )

    def generate(self, requests: Sequence[TokenRequest]) -> list[Completion]:
        """Continue any number of requests; completions in their order."""
        completions: dict[int, Completion] = {}
        waiting = list(range(len(requests)))
        order: list[int] = []

        def arrive(running: Sequence[int]) -> list[TokenRequest]:
            chosen = self.choose([requests[index] for index in waiting], running)
            order.extend(waiting[place] for place in chosen)
            waiting[:] = [index for place, index in enumerate(waiting) if place not in chosen]
            return [requests[index] for index in order[len(order) - len(chosen) :]]

        def keep(number: int, completion: Completion) -> None:
            completions[order[number]] = completion

        while waiting:
            self.run(arrive, keep)
        return [completions[index] for index in range(len(requests))]

    @torch.inference_mode()
    def run(self, arrive: Arrivals, finished: Finished, is_wanted: Wanted = lambda _: True) -> None:
        """Continue requests until all that came are finished; more can come before each step.

        One that is no longer wanted leaves before the next step, and `finished` is not told of it. Raises
        `CheckpointError` when the model's numbers are not numbers.
        """
        batch = Batch(self._num_layers, self.device)
        num_arrived = 0
        next_B = torch.empty(0, dtype=torch.long, device=self.device)
        while True:
            has_holes = batch.drop(is_wanted)
            rows = []
            for request in arrive([self._columns(row) for row in batch.running]):
                room = self._room(request)
                if room < 1:
                    finished(num_arrived, Completion("", (), "model_length", len(request.prompt_ids)))
                else:
                    rows.append(Row(num_arrived, request, min(request.sampling.max_new_tokens, room)))
                num_arrived += 1
            # a finished row is fed until its place is needed, and must not outgrow the model's positions
            outgrows = bool(batch.rows) and batch.width - batch.first_column == self.checkpoint.max_length
            if rows or has_holes or outgrows or batch.is_sparse or batch.is_full:
                next_B = next_B[batch.compact()]
            if rows:
                self._num_closed_steps = 0
                first_B = self._take_in(batch, rows)
                next_B = torch.cat([next_B, first_B])
                self._extend(batch, len(batch.rows) - len(rows), first_B, finished)
            if not batch.running:
                if rows:
                    continue
                return
            self.num_steps += 1
            self._num_closed_steps += 1
            next_B = self._draw(batch, self._advance(batch, next_B), 0)
            self._extend(batch, 0, next_B, finished)

    def _take_in(self, batch: Batch, rows: list[Row]) -> Tensor:
        """Read the prompts of new rows; their first tokens."""
        rows.sort(key=lambda row: (self._num_unknown(row.request), len(row.prompt_ids)), reverse=True)
        places = batch.add(rows)
        logits_BV = self._read_prompts(batch, places)
        return self._draw(batch, logits_BV, places.start)

    def _draw(self, batch: Batch, logits_BV: Tensor, first_place: int) -> Tensor:
        """The next tokens of rows. Where rounding could decide, which depends on who else is in the batch,
        the row is read once more, by itself and from its beginning. Not in half precision, and beyond
        `SETTLED_SHARE` of all draws no longer: there, and for a model that hardly prefers one token to
        another, most draws are close.
        """
        next_B, is_close_B = batch.sampler.draw(logits_BV, first_place)
        self._num_drawn += len(next_B)
        if self.model.dtype != torch.float32 or not bool(is_close_B.any()):
            return next_B
        for place in (is_close_B.nonzero()[:, 0] + first_place).tolist():
            row = batch.rows[place]
            may_settle = self._num_settled < SETTLED_AT_LEAST + SETTLED_SHARE * self._num_drawn
            if not row.is_done and may_settle:
                self._num_settled += 1
                next_B[place - first_place] = batch.sampler.draw_again(self._read_alone(row), place)
        return next_B

    def _read_alone(self, row: Row) -> Tensor:
        """The logits after all tokens of a row, as no other row or storage touches them, float32."""
        input_ids = torch.tensor([[*row.prompt_ids, *row.token_ids]], device=self.device)
        output = self.model(input_ids=input_ids, use_cache=False, **self._last_logits_only)
        logits_1V: Tensor = output.logits[:, -1].float()
        return logits_1V

    def _read_prompts(self, batch: Batch, places: range) -> Tensor:
        """Fill the cache with prompts, group by group; logits at each prompt's last token, float32."""
        logits = []
        start = places.start
        while start < places.stop:
            num_unknown = [self._num_unknown(row.request) for row in batch.rows[start:]]
            end = start + self._size_group(num_unknown)
            logits.append(self._read_group(batch, range(start, end), max(num_unknown[: end - start])))
            heads = [batch.head(place, batch.rows[place].prompt_ids) for place in range(start, end)]
            self._store.put(heads, batch.cache)
            start = end
        logits_BV = torch.cat(logits)
        if bool(logits_BV.amax(-1).isnan().any()):
            raise CheckpointError(
                f"{self.model.name_or_path}: the model's outputs are not numbers (NaN). "
                "The weights are broken, or too large for the number format: try dtype=float32."
            )
        return logits_BV

    def _size_group(self, num_unknown: Sequence[int]) -> int:
        """How many rows are best read in one pass, given the tokens to read in each, mostly falling."""
        most, largest = 1, num_unknown[0]
        for size, num_tokens in enumerate(num_unknown, 1):
            largest = max(largest, num_tokens)
            if size * largest > self.budget.prefill_tokens:
                break
            most = size
        largest = num_unknown[0]
        for size in range(1, most):
            if (largest - max(num_unknown[size:most])) * (most - size) > PASS_TOKENS:
                return size
            largest = max(largest, num_unknown[size])
        return most

    def _read_group(self, batch: Batch, places: range, num_new: int) -> Tensor:
        """Read the last `num_new` tokens of some prompts; what comes before is in the prefix store."""
        prompts = [batch.rows[place].prompt_ids for place in places]
        lengths = list(map(len, prompts))
        longest = max(lengths)
        num_new = min(num_new, longest)
        first_column = batch.width - longest
        input_ids = torch.zeros(len(prompts), num_new, dtype=torch.long)
        known = []
        for offset, prompt_ids in enumerate(prompts):
            tail = prompt_ids[-num_new:]
            input_ids[offset, num_new - len(tail) :] = torch.tensor(tail)
            if len(prompt_ids) > num_new:
                known.append(batch.head(places[offset], prompt_ids, len(prompt_ids) - num_new))
        if known:
            self._store.load(known, batch.cache)
        batch.cache.window = Window(places.start, places.stop, first_column, longest - num_new)
        columns_S = torch.arange(longest, device=self.device)
        padding_B1 = torch.tensor([[longest - length] for length in lengths], device=self.device)
        is_padded = min(lengths) < longest
        return self._forward(
            batch.cache,
            input_ids.to(self.device),
            (columns_S[None, :] >= padding_B1) if is_padded or num_new < longest else None,
            (columns_S[None, longest - num_new :] - padding_B1).clamp(min=0),
        )

    def _advance(self, batch: Batch, next_B: Tensor) -> Tensor:
        """Feed one token a row; the logits for the next, float32."""
        batch.make_column()
        first = batch.first_column
        batch.cache.window = Window(0, len(batch.rows), first, batch.width - first)
        columns_S = torch.arange(first, batch.width + 1, device=self.device)
        padding_B = batch.padding_B
        mask = columns_S[None, :] >= padding_B[:, None]
        if self._takes_plain_mask:
            mask = mask[:, None, None, :]
        positions_B1 = (batch.width - padding_B)[:, None]
        batch.width += 1
        return self._forward(batch.cache, next_B[:, None], mask, positions_B1)

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

    def _extend(self, batch: Batch, first_place: int, next_B: Tensor, finished: Finished) -> None:
        """Add a token to each running row from a place on; tell and remember what is finished."""
        done = []
        for place, token_id in enumerate(next_B.tolist(), first_place):
            row = batch.rows[place]
            if not row.is_done and (completion := self._complete(row, token_id)):
                row.is_done = True
                done.append(batch.head(place, row.fed_ids))  # its next turn will begin with it
                finished(row.index, completion)
        if done:
            self._store.put(done, batch.cache)

    def _complete(self, row: Row, token_id: int) -> Completion | None:
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
        return Completion(text, tuple(row.token_ids), stop, len(row.prompt_ids))

    def _cut_at_stop_string(self, row: Row) -> str | None:
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

    def _num_unknown(self, request: TokenRequest) -> int:
        return len(request.prompt_ids) - self._store.num_known(request.prompt_ids)

    def _is_known(self, request: TokenRequest) -> bool:
        return 2 * self._num_unknown(request) < len(request.prompt_ids)

    def _columns(self, row: Row) -> int:
        """The columns that a row under way takes, or is planned to."""
        return max(self._planned_columns(row.request), len(row.prompt_ids) + len(row.token_ids))

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
    share = max(128 << 20, model.get_memory_footprint() // 4)
    return Budget(cache_bytes=share, prefix_bytes=share, max_rows=128, prefill_tokens=2048)
