"""Packing and batching lose no token and mark the right ones as learned."""

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
    pack_documents,
)
from teachwhy.sprig.presets import StageRecipe


@settings(max_examples=50, deadline=None)
@given(lengths=st.lists(st.integers(2, 40), max_size=30), row_length=st.integers(4, 20))
def test_packing_keeps_every_document_whole_that_fits(lengths, row_length):
    documents = [np.arange(length) + 1000 * number for number, length in enumerate(lengths)]
    rows = pack_documents(documents, row_length)
    assert all(1 < len(row) <= row_length + 1 for row in rows)
    packed = np.concatenate(rows) if rows else np.asarray([])
    assert len(packed) == len(set(packed.tolist()))
    for document in documents:
        if len(document) <= row_length + 1:
            (row,) = [row for row in rows if document[0] in row]
            start = row.tolist().index(document[0])
            assert row[start : start + len(document)].tolist() == document.tolist()
        else:
            # A cut may leave one id alone, which has no target and is dropped.
            assert np.isin(document, packed).sum() >= len(document) - 1


def test_packing_fills_rows():
    lengths = np.random.default_rng(0).integers(10, 120, size=500)
    rows = pack_documents([np.zeros(length, dtype=np.int32) for length in lengths], 256)
    assert sum(map(len, rows)) / (len(rows) * 257) > 0.97


def test_batches_hold_each_row_once_and_bound_the_padding():
    lengths = np.random.default_rng(0).integers(10, 200, size=400)
    cuts = cut_by_length(lengths, 1024, np.random.default_rng(1))
    assert sorted(np.concatenate(cuts).tolist()) == list(range(400))
    assert all(len(cut) * lengths[cut].max() <= 1024 for cut in cuts)
    padded = sum(len(cut) * int(lengths[cut].max()) for cut in cuts)
    assert lengths.sum() / padded > 0.85


def test_documents_learn_every_id(tokenizer, source):
    recipe = StageRecipe(tokens=1, row_length=64, tokens_per_update=256, learning_rate=1.0)
    chunk = document_chunk(tokenizer, source, recipe, 1024, seed=3)
    assert len(chunk.batches) == 4
    for batch in chunk.batches:
        assert batch.inputs_BT.shape == (4, 64)
        assert batch.num_tokens == batch.learned_BT.sum()
        inner = batch.learned_BT[:, 1:]
        assert (batch.inputs_BT[:, 1:][inner] == batch.targets_BT[:, :-1][inner]).all()


def test_chats_learn_only_what_the_assistant_wrote(tokenizer, source):
    recipe = StageRecipe(tokens=1, row_length=256, tokens_per_update=512, learning_rate=1.0)
    chunk = chat_chunk(tokenizer, source, recipe, 1024, seed=3)
    batch = chunk.batches[0]
    assert chunk.num_left_out == 0
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
