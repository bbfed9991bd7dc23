"""Batching loses no token and marks the right ones as learned."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from teachwhy.errors import DataError
from teachwhy.sprig.packing import (
    TextSource,
    chat_chunk,
    chunk_seed,
    cut_by_length,
    document_chunk,
    group_rows,
)
from teachwhy.sprig.presets import StageRecipe


@settings(max_examples=50, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 90), min_size=1, max_size=60),
    tokens=st.integers(16, 400),
    seed=st.integers(0, 9),
)
def test_batches_hold_each_row_once_and_fit(lengths, tokens, seed):
    lengths = np.asarray(lengths)
    cuts = cut_by_length(lengths, tokens, np.random.default_rng(seed))
    assert sorted(np.concatenate(cuts).tolist()) == list(range(len(lengths)))
    padded = -(-lengths // 16) * 16
    assert all(len(cut) == 1 or len(cut) * padded[cut].max() <= tokens for cut in cuts)


def test_updates_are_of_the_size_asked_for_mix_lengths_and_hold_little_padding():
    lengths = np.random.default_rng(0).integers(20, 200, size=3000)
    rows = [np.zeros(length, dtype=np.int32) for length in lengths]
    recipe = StageRecipe(
        tokens=1, row_length=256, tokens_per_update=4096, tokens_per_pass=1024, learning_rate=1.0
    )
    updates = group_rows(rows, None, recipe, 0, np.random.default_rng(1))
    batches = [batch for update in updates for batch in update]
    assert sum(batch.num_tokens for batch in batches) == lengths.sum() - 3000
    assert sum(batch.num_tokens for batch in batches) / sum(batch.inputs_BT.size for batch in batches) > 0.9
    sizes = [sum(batch.num_tokens for batch in update) for update in updates[:-1]]
    assert np.mean(sizes) == pytest.approx(4096, rel=0.1)
    assert min(sizes) > 3000
    assert np.mean([len({batch.inputs_BT.shape[1] for batch in update}) for update in updates]) > 3


def test_documents_learn_every_id_and_rows_begin_with_their_start(tokenizer, source):
    recipe = StageRecipe(tokens=1, row_length=64, tokens_per_update=256, learning_rate=1.0)
    chunk = document_chunk(tokenizer, source, recipe, 1024, seed=3)
    assert chunk.num_left_out == 0
    starts = 0
    for batch in (batch for update in chunk.updates for batch in update):
        assert batch.inputs_BT.shape[1] <= 64
        assert batch.num_tokens == batch.learned_BT.sum()
        for inputs, targets, learned in zip(*batch[:3], strict=True):
            length = learned.sum()
            assert learned[:length].all(), "padding is on the right"
            assert inputs[1:length].tolist() == targets[: length - 1].tolist()
            starts += tokenizer.convert_ids_to_tokens(int(inputs[0])) in ("<|document|>", "<|system|>")
            assert not np.isin(inputs[1:], tokenizer.convert_tokens_to_ids(["<|document|>"])).any()
    assert starts > 10


def test_chats_learn_only_what_the_assistant_wrote(tokenizer, source):
    recipe = StageRecipe(tokens=1, row_length=256, tokens_per_update=512, learning_rate=1.0)
    chunk = chat_chunk(tokenizer, source, recipe, 1024, seed=3)
    assert chunk.num_left_out == 0
    for batch in (batch for update in chunk.updates for batch in update):
        for targets, learned in zip(batch.targets_BT, batch.learned_BT, strict=True):
            text = tokenizer.decode(targets[learned], skip_special_tokens=False)
            assert text.startswith('I write.<tool_call>{"name": "send_mail"')
            assert text.endswith(" has it.<|end|>")
            assert text.count("<|end|>") == 2


def test_chats_that_do_not_fit_are_counted(tokenizer, source):
    recipe = StageRecipe(tokens=1, row_length=8, tokens_per_update=512, learning_rate=1.0)
    with pytest.raises(DataError, match="row_length: no chat fits in 8 tokens"):
        chat_chunk(tokenizer, source, recipe, 256, seed=3)


def test_a_corpus_that_ends_is_refused(tokenizer, source):
    short = TextSource(lambda seed: iter(()), source.chats, {})
    recipe = StageRecipe(tokens=1, row_length=64, tokens_per_update=256, learning_rate=1.0)
    with pytest.raises(DataError, match="without end"):
        document_chunk(tokenizer, short, recipe, 1024, seed=3)


def test_seeds_of_chunks_differ():
    seeds = {chunk_seed(s, stage, c) for s in range(3) for stage in ("pretraining", "chat") for c in range(5)}
    assert len(seeds) == 30
