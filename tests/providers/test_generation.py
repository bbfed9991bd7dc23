"""The decode loop against Hugging Face's own `generate`, and what a request may depend on."""

from __future__ import annotations

import gc
import math
import random
import weakref
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.providers.tiny_checkpoint import END, build_checkpoint
from transformers import AutoModelForCausalLM

from teachwhy.errors import CheckpointError, ConfigError
from teachwhy.providers.batch import Batch, Completion, Row, TokenRequest
from teachwhy.providers.checkpoint import LoadedCheckpoint, find_checkpoint, load_checkpoint
from teachwhy.providers.generation import (
    PATIENCE_STEPS,
    SETTLED_AT_LEAST,
    SETTLED_SHARE,
    BatchGenerator,
    Budget,
)
from teachwhy.providers.kv_cache import BLOCK_TOKENS, BatchCache
from teachwhy.providers.sampling import SamplingParameters

ROOMY = Budget(cache_bytes=1 << 22, prefix_bytes=1 << 21, max_rows=128, prefill_tokens=256)
TIGHT = Budget(cache_bytes=1 << 16, prefix_bytes=20 * BLOCK_TOKENS * 256, max_rows=5, prefill_tokens=64)
NO_STORE = replace(ROOMY, prefix_bytes=0, prefill_tokens=10_000)


def make_prompts(num: int, seed: int = 0) -> list[tuple[int, ...]]:
    """Random prompts of 1 to 90 tokens; every second one begins with the same 40."""
    rng = random.Random(seed)
    head = [rng.randrange(5, 250) for _ in range(40)]
    return [
        tuple((head if index % 2 else []) + [rng.randrange(5, 250) for _ in range(rng.randrange(1, 50))])
        for index in range(num)
    ]


@lru_cache(maxsize=2)
def load_with_transformers(folder: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(folder)


@lru_cache
def generate_with_transformers(folder: Path, prompt: tuple[int, ...], num_new: int) -> tuple[int, ...]:
    model = load_with_transformers(folder)
    ids = torch.tensor([prompt])
    output = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=num_new, do_sample=False)
    return tuple(output[0, len(prompt) :].tolist())


@pytest.mark.parametrize("budget", [ROOMY, TIGHT, NO_STORE], ids=["roomy", "tight", "no store"])
def test_greedy_output_is_that_of_transformers(
    folder: Path, checkpoint: LoadedCheckpoint, budget: Budget
) -> None:
    prompts = make_prompts(14)
    requests = [TokenRequest(prompt, SamplingParameters(20, seed=0, temperature=0)) for prompt in prompts]
    expected = [generate_with_transformers(folder, prompt, 20) for prompt in prompts]
    generator = BatchGenerator(checkpoint, budget)
    for _ in range(2):  # the second time from the prefix store
        assert [completion.token_ids for completion in generator.generate(requests)] == expected


def test_sliding_windows_are_that_of_transformers(tmp_path: Path) -> None:
    folder = build_checkpoint(tmp_path)
    config = (folder / "config.json").read_text(encoding="utf-8")
    (folder / "config.json").write_text(
        config.replace('"model_type": "llama"', '"model_type": "mistral",\n  "sliding_window": 24').replace(
            "LlamaForCausalLM", "MistralForCausalLM"
        ),
        encoding="utf-8",
    )
    checkpoint = load_checkpoint(find_checkpoint(str(folder)))
    assert checkpoint.model.config.sliding_window == 24
    prompts = make_prompts(6, seed=1)
    requests = [TokenRequest(prompt, SamplingParameters(12, seed=0, temperature=0)) for prompt in prompts]
    generator = BatchGenerator(checkpoint, ROOMY)
    for _ in range(2):
        completions = generator.generate(requests)
        for prompt, completion in zip(prompts, completions, strict=True):
            assert completion.token_ids == generate_with_transformers(folder, prompt, 12)


def test_a_request_depends_on_its_own_seed_and_not_on_its_neighbours(checkpoint: LoadedCheckpoint) -> None:
    prompts = make_prompts(12)
    settings = [
        SamplingParameters(5 + 3 * index, seed=index % 3, temperature=(0.0, 0.5, 1.0, 1.5)[index % 4])
        for index in range(12)
    ]
    requests = [TokenRequest(*pair) for pair in zip(prompts, settings, strict=True)]
    together = BatchGenerator(checkpoint, ROOMY).generate(requests)
    backwards = BatchGenerator(checkpoint, TIGHT).generate(requests[::-1])[::-1]
    alone = [BatchGenerator(checkpoint, NO_STORE).generate([request])[0] for request in requests]
    assert together == backwards == alone


@pytest.mark.parametrize("budget", [ROOMY, TIGHT, NO_STORE], ids=["roomy", "tight", "no store"])
def test_a_request_that_joins_a_running_batch_is_answered_as_if_alone(
    checkpoint: LoadedCheckpoint, budget: Budget
) -> None:
    """They come one or more at a time, between any two steps, longer ones after shorter ones."""
    rng = random.Random(3)
    prompts = sorted(make_prompts(24, seed=5), key=lambda prompt: len(prompt) + rng.randrange(40))
    prompts[12] = tuple(rng.randrange(5, 250) for _ in range(200))
    requests = [
        TokenRequest(prompt, SamplingParameters(1 + rng.randrange(90), seed=index, temperature=index % 2))
        for index, prompt in enumerate(prompts)
    ]
    answers: dict[int, Completion] = {}
    num_arrived = 0
    num_running: list[int] = []

    def arrive(running: Sequence[int]) -> list[TokenRequest]:
        nonlocal num_arrived
        num_running.append(len(running))
        num_new = rng.choice((0, 0, 0, 1, 3)) if running else 2
        new = requests[num_arrived : num_arrived + num_new]
        num_arrived += len(new)
        return new

    endless = replace(checkpoint, stop_ids=frozenset())
    generator = BatchGenerator(endless, budget)
    while num_arrived < len(requests):

        def keep(number: int, answer: Completion, start: int = num_arrived) -> None:
            answers[start + number] = answer

        generator.run(arrive, keep)
    alone = [BatchGenerator(endless, NO_STORE).generate([request])[0] for request in requests]
    assert [answers[index] for index in range(len(requests))] == alone
    assert max(num_running) > 5  # many did run together


@pytest.mark.parametrize("budget", [ROOMY, TIGHT, NO_STORE], ids=["roomy", "tight", "no store"])
def test_a_request_that_is_given_up_leaves_before_the_next_step(
    checkpoint: LoadedCheckpoint, budget: Budget
) -> None:
    """Every second one goes after a few steps, the last of all too; the others answer as without them."""
    endless = replace(checkpoint, stop_ids=frozenset())
    requests = [
        TokenRequest(prompt, SamplingParameters(10 + index if index % 2 else 400, seed=index))
        for index, prompt in enumerate(make_prompts(5))
    ]
    expected = BatchGenerator(endless, NO_STORE).generate(requests[1::2])
    generator = BatchGenerator(endless, budget)
    generator.generate(requests[1:2])  # leaves heads in the store
    gone_at = {0: 0, 2: 3, 4: 15}
    left = [requests]
    answers: dict[int, Completion] = {}
    num_fed: list[int] = []
    advance = generator._advance

    def watch(batch: Batch, next_B: torch.Tensor) -> torch.Tensor:
        num_fed.append(len(batch.rows))
        return advance(batch, next_B)

    generator._advance = watch  # type: ignore[method-assign]
    generator.run(
        lambda _: left.pop() if left else [],
        lambda number, answer: answers.update({number: answer}),
        lambda number: len(num_fed) < gone_at.get(number, 1000),
    )
    assert answers == {1: expected[0], 3: expected[1]}
    assert num_fed == [5] + [4] * 2 + [3] * 7 + [2] * 2 + [1] * 3


def test_the_oldest_request_is_not_overtaken_by_ones_that_fit(checkpoint: LoadedCheckpoint) -> None:
    generator = BatchGenerator(checkpoint, TIGHT)  # 256 columns in all, 5 rows

    def ask(num_tokens: int) -> TokenRequest:
        return TokenRequest(tuple(range(5, 5 + num_tokens)), SamplingParameters(10, seed=0))

    short, long = ask(10), ask(200)
    assert generator.choose([short] * 9) == [0, 1, 2, 3, 4]
    assert generator.choose([short] * 9, [20] * 3) == [0, 1]
    assert generator.choose([long, short], [20]) == []
    assert generator.choose([short, long, short], [20]) == [0, 2]
    assert generator.choose([short], [200]) == []  # it goes on for longer than was planned
    assert generator.choose([long, short]) == [0]
    roomy = BatchGenerator(checkpoint, replace(ROOMY, cache_bytes=1 << 30))
    assert roomy.choose([short], [20] * 20) == []  # not worth a pass of its own yet
    assert roomy.choose([short] * 4, [20] * 20) == [0, 1, 2, 3]


def test_a_lone_request_joins_a_wide_batch_after_some_steps(checkpoint: LoadedCheckpoint) -> None:
    endless = BatchGenerator(replace(checkpoint, stop_ids=frozenset()), ROOMY)
    prompts = make_prompts(21)
    waiting = [TokenRequest(prompt, SamplingParameters(100, seed=0)) for prompt in prompts]
    late = [replace(waiting.pop(), sampling=SamplingParameters(2, seed=0))]
    done_at: dict[int, int] = {}

    def arrive(running: Sequence[int]) -> list[TokenRequest]:
        if not running:
            return [waiting.pop() for _ in range(len(waiting))]
        return [late.pop(index) for index in endless.choose(late, running)]

    endless.run(arrive, lambda number, _: done_at.update({number: endless.num_steps}))
    assert PATIENCE_STEPS <= done_at[20] <= PATIENCE_STEPS + 2 < done_at[0]


def test_storage_follows_the_rows_that_run(checkpoint: LoadedCheckpoint) -> None:
    """One long answer among short ones, and a long prompt that comes after many short ones."""
    generator = BatchGenerator(replace(checkpoint, stop_ids=frozenset()), ROOMY)
    prompts = make_prompts(60)
    long = tuple(range(5, 255)) + tuple(range(5, 205))
    left = [[TokenRequest(long, SamplingParameters(2, seed=0))]]
    left.append([TokenRequest(p, SamplingParameters(300 if i == 7 else 2, i)) for i, p in enumerate(prompts)])
    cells: list[int] = []
    advance = generator._advance

    def watch(batch: Batch, next_B: torch.Tensor) -> torch.Tensor:
        logits_BV = advance(batch, next_B)
        cells.append(batch.cache.num_rows * batch.cache.num_columns)
        assert batch.cache.num_rows >= len(batch.rows)
        return logits_BV

    generator._advance = watch  # type: ignore[method-assign]
    generator.run(lambda running: left.pop() if left and len(running) < 2 else [], lambda *_: None)
    assert cells[0] >= 60 * 90
    assert max(cells[100:]) < 2 * 600


def test_the_states_of_a_batch_go_with_it(checkpoint: LoadedCheckpoint) -> None:
    """Without the garbage collector, which an evaluation lets run rarely."""
    generator = BatchGenerator(checkpoint, ROOMY)
    caches: list[weakref.ref[BatchCache]] = []
    forward = generator._forward

    def watch(cache: BatchCache, *args: Any) -> torch.Tensor:
        caches.append(weakref.ref(cache))
        return forward(cache, *args)

    generator._forward = watch  # type: ignore[method-assign]
    gc.disable()
    try:
        generator.generate([TokenRequest(p, SamplingParameters(5, seed=0)) for p in make_prompts(4)])
        assert caches and all(cache() is None for cache in caches)
    finally:
        gc.enable()


def test_what_an_earlier_row_left_in_a_place_touches_no_later_one(checkpoint: LoadedCheckpoint) -> None:
    generator = BatchGenerator(replace(checkpoint, stop_ids=frozenset()), NO_STORE)
    first, second = (TokenRequest(p, SamplingParameters(6, seed=0)) for p in ((7,) * 50, (8, 9, 10)))
    steady = TokenRequest((6,) * 60, SamplingParameters(40, seed=0))
    alone = generator.generate([second])[0]
    left = [[second], [], [], [], [], [], [], [first, steady]]
    answers: dict[int, Completion] = {}
    advance = generator._advance

    def spoil(batch: Batch, next_B: torch.Tensor) -> torch.Tensor:
        logits_BV = advance(batch, next_B)
        for layer in batch.cache.batch_layers:
            for states in layer.states:
                for place, row in enumerate(batch.rows):
                    if row.is_done:
                        states[place] = float("nan")
        return logits_BV

    generator._advance = spoil  # type: ignore[method-assign]
    generator.run(lambda _: left.pop() if left else [], lambda number, done: answers.update({number: done}))
    assert answers[2] == alone


def test_finished_rows_do_not_outgrow_the_positions_of_the_model(checkpoint: LoadedCheckpoint) -> None:
    generator = BatchGenerator(replace(checkpoint, stop_ids=frozenset()), NO_STORE)
    seen: list[int] = []
    forward = generator._forward

    def watch(cache: BatchCache, ids: torch.Tensor, mask: Any, positions_BS: torch.Tensor) -> torch.Tensor:
        seen.append(int(positions_BS.max()))
        return forward(cache, ids, mask, positions_BS)

    generator._forward = watch  # type: ignore[method-assign]
    requests = [TokenRequest((9,) * 500, SamplingParameters(100, seed=0))]
    requests += [TokenRequest((9,) * 20, SamplingParameters(40, seed=seed)) for seed in range(7)]
    assert generator.generate(requests)[0].stop == "model_length"
    assert max(seen) == 511


def test_noise_in_what_a_batch_computes_changes_no_answer(checkpoint: LoadedCheckpoint) -> None:
    """Close calls are settled by reading the row alone, which has no such noise."""
    endless = replace(checkpoint, stop_ids=frozenset())
    requests = [
        TokenRequest(prompt, SamplingParameters(60, seed=index, temperature=3.0 * (index % 3)))
        for index, prompt in enumerate(make_prompts(40))
    ]
    quiet = BatchGenerator(endless, ROOMY)
    noisy = BatchGenerator(endless, ROOMY)
    forward = noisy._forward
    torch.manual_seed(0)

    def add_noise(*args: Any) -> torch.Tensor:
        logits_BV = forward(*args)
        return logits_BV + (torch.rand_like(logits_BV) - 0.5) * 2e-5

    noisy._forward = add_noise  # type: ignore[method-assign]
    assert noisy.generate(requests) == quiet.generate(requests)


def test_where_most_draws_are_close_few_are_settled(
    checkpoint: LoadedCheckpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("teachwhy.providers.sampling.CLOSE_PROBABILITY", 1.0)
    generator = BatchGenerator(replace(checkpoint, stop_ids=frozenset()), ROOMY)
    read_alone = generator._read_alone
    num_read: list[int] = []

    def count(row: Row) -> torch.Tensor:
        num_read.append(row.index)
        return read_alone(row)

    generator._read_alone = count  # type: ignore[method-assign]
    generator.generate([TokenRequest(p, SamplingParameters(50, seed=0)) for p in make_prompts(10)])
    assert len(num_read) == math.ceil(SETTLED_AT_LEAST + SETTLED_SHARE * 500)


def test_a_store_that_ran_out_of_memory_forgets(checkpoint: LoadedCheckpoint) -> None:
    generator = BatchGenerator(checkpoint, ROOMY)
    requests = [TokenRequest(prompt, SamplingParameters(8, seed=0)) for prompt in make_prompts(6)]
    expected = generator.generate(requests)
    generator = BatchGenerator(checkpoint, ROOMY)
    store = generator._store
    copy_in = store._copy_in

    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("too much")

    store._copy_in = fail  # type: ignore[method-assign]
    with pytest.raises(torch.OutOfMemoryError):
        generator.generate(requests)
    store._copy_in = copy_in  # type: ignore[method-assign]
    assert all(store.num_known(request.prompt_ids) == 0 for request in requests)
    assert generator.generate(requests) == expected


def test_prompts_are_read_in_groups_of_like_length(checkpoint: LoadedCheckpoint) -> None:
    generator = BatchGenerator(checkpoint, replace(ROOMY, prefill_tokens=2048))
    assert generator._size_group([200] * 20) == 10
    assert generator._size_group([200, 190, 20, 20, 20, 20]) == 2
    assert generator._size_group([200, 190, 180, 170]) == 4
    assert generator._size_group([5000, 5000]) == 1
    assert generator._size_group([20] + [2000] * 100) == 1  # the head of the others was forgotten
    assert generator._size_group([20, 10, 1000, 1000]) == 2


def test_seeds_and_prompts_draw_differently(checkpoint: LoadedCheckpoint) -> None:
    prompt = make_prompts(1)[0]
    generator = BatchGenerator(checkpoint, ROOMY)
    by_seed = generator.generate(
        [TokenRequest(prompt, SamplingParameters(16, seed=seed)) for seed in range(8)]
    )
    assert len({completion.token_ids for completion in by_seed}) == 8
    again = generator.generate([TokenRequest(prompt, SamplingParameters(16, seed=3))])
    assert again == [by_seed[3]]


def test_stop_reasons_and_counts(checkpoint: LoadedCheckpoint) -> None:
    stop_id = checkpoint.tokenizer.convert_tokens_to_ids(END)
    prompt = make_prompts(1)[0]
    sampling = SamplingParameters(400, seed=1)
    generator = BatchGenerator(checkpoint, ROOMY)
    stopped = next(
        completion
        for seed in range(20)
        for completion in generator.generate([TokenRequest(prompt, replace(sampling, seed=seed))])
        if completion.stop == "stop"
    )
    assert stopped.token_ids[-1] == stop_id and stop_id not in stopped.token_ids[:-1]
    assert END not in stopped.text
    assert stopped.text == checkpoint.tokenizer.decode(stopped.token_ids[:-1], skip_special_tokens=False)
    assert stopped.num_input_tokens == len(prompt)

    cut = generator.generate([TokenRequest(prompt, SamplingParameters(2, seed=0, temperature=0))])[0]
    assert (cut.stop, len(cut.token_ids)) == ("max_tokens", 2)

    endless = BatchGenerator(replace(checkpoint, stop_ids=frozenset()), ROOMY)
    long_prompt = (*prompt, *([7] * (500 - len(prompt))))
    filled, exact, over = endless.generate(
        [
            TokenRequest(long_prompt, SamplingParameters(100, seed=0)),
            TokenRequest(long_prompt, SamplingParameters(12, seed=0)),
            TokenRequest(long_prompt + (7,) * 12, SamplingParameters(100, seed=0)),
        ]
    )
    assert (filled.stop, len(filled.token_ids)) == ("model_length", 12)
    assert (exact.stop, len(exact.token_ids)) == ("max_tokens", 12)
    assert (over.stop, over.token_ids, over.num_input_tokens) == ("model_length", (), 512)


def test_a_stop_string_ends_the_text_before_it(checkpoint: LoadedCheckpoint) -> None:
    generator = BatchGenerator(replace(checkpoint, stop_ids=frozenset()), ROOMY)
    prompt = make_prompts(1)[0]
    whole = generator.generate([TokenRequest(prompt, SamplingParameters(40, seed=5))])[0].text
    stop = whole[10:13]
    cut = generator.generate(
        [TokenRequest(prompt, SamplingParameters(40, seed=5, stop_strings=("never", stop)))]
    )[0]
    assert cut.stop == "stop"
    assert cut.text == whole[: whole.index(stop)]
    assert len(cut.token_ids) < 40


def test_rows_are_dropped_and_columns_added_without_a_trace(checkpoint: LoadedCheckpoint) -> None:
    """Answers of very different lengths: most rows leave early, one outgrows the allocation twice."""
    generator = BatchGenerator(replace(checkpoint, stop_ids=frozenset()), NO_STORE)
    requests = [
        TokenRequest(prompt, SamplingParameters(200 if index == 4 else 1 + index, seed=index))
        for index, prompt in enumerate(make_prompts(9))
    ]
    together = generator.generate(requests)
    assert [len(completion.token_ids) for completion in together] == [1, 2, 3, 4, 200, 6, 7, 8, 9]
    assert generator.generate([requests[4]])[0] == together[4]


def test_weights_that_are_not_numbers_are_refused(tmp_path: Path) -> None:
    checkpoint = load_checkpoint(find_checkpoint(str(build_checkpoint(tmp_path))))
    with torch.no_grad():
        checkpoint.model.lm_head.weight[3] = float("nan")
    with pytest.raises(CheckpointError, match="not numbers"):
        BatchGenerator(checkpoint, ROOMY).generate([TokenRequest((5, 6), SamplingParameters(4, seed=0))])


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("max_new_tokens", 0),
        ("temperature", -0.1),
        ("temperature", float("nan")),
        ("top_p", 0.0),
        ("top_p", 1.5),
        ("top_k", -1),
        ("stop_strings", ("",)),
    ],
)
def test_senseless_settings_are_refused(field: str, wrong: object) -> None:
    with pytest.raises(ConfigError, match="not allowed"):
        SamplingParameters(**{"max_new_tokens": 4, "seed": 0, field: wrong})
