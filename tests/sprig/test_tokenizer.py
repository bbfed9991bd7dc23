"""sprig's tokenizer: lossless on any text, the same every time, the same when loaded by others."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from teachwhy.sprig.tokenizer import (
    CALL_TAGS,
    CONTROL_TOKENS,
    DOCUMENT,
    END,
    assistant_mask,
    encode_documents,
    train_tokenizer,
)

fixture_is_constant = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
hostile = st.lists(
    st.sampled_from([*CONTROL_TOKENS, *CALL_TAGS, "<", "|", "<|", "|>", "end", "<<||end|>", " ", "a", "\n"]),
    max_size=12,
).map("".join)


@fixture_is_constant
@given(text=st.text(max_size=80) | hostile)
def test_any_text_comes_back(tokenizer, text):
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert tokenizer.decode(ids, skip_special_tokens=False) == text


def test_control_tokens_have_fixed_ids_and_call_tags_are_not_special(tokenizer):
    assert tokenizer.convert_tokens_to_ids(list(CONTROL_TOKENS)) == list(range(len(CONTROL_TOKENS)))
    text = '<tool_call>{"name": "rest"}</tool_call>'
    ids = tokenizer.encode(text + END, add_special_tokens=False)
    assert [tokenizer.convert_ids_to_tokens(i) for i in (ids[0], ids[-2], ids[-1])] == [*CALL_TAGS, END]
    assert tokenizer.decode(ids, skip_special_tokens=True) == text
    assert (tokenizer.eos_token, tokenizer.pad_token, tokenizer.bos_token) == (END, "<|pad|>", DOCUMENT)


def test_vocabulary_has_the_size_asked_for_and_digits_stay_apart(tokenizer, rendered_texts):
    assert len(train_tokenizer(rendered_texts, 340)) == 340
    assert len(tokenizer) <= 400
    assert tokenizer.tokenize("2047") == ["2", "0", "4", "7"]


def test_training_twice_gives_the_same_tokenizer(tokenizer, rendered_texts):
    again = train_tokenizer(iter(rendered_texts), 400)
    assert again.backend_tokenizer.to_str() == tokenizer.backend_tokenizer.to_str()


def test_saved_folder_loads_as_the_same_tokenizer(tokenizer, rendered_texts, tmp_path):
    """AutoTokenizer must not rebuild it as a stock Llama tokenizer because of the config beside it."""
    tokenizer.save_pretrained(tmp_path)
    config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    text = "".join(rendered_texts[:20]) + " Zoë paid 12 €\n\n<tool_call>{}"
    assert loaded.encode(text, add_special_tokens=False) == tokenizer.encode(text, add_special_tokens=False)
    assert loaded(text)["input_ids"] == tokenizer.encode(text, add_special_tokens=False)
    assert loaded.decode(loaded.encode(" a b , c."), skip_special_tokens=True) == " a b , c."
    assert loaded.chat_template == tokenizer.chat_template
    assert loaded.eos_token_id == tokenizer.eos_token_id
    assert (tmp_path / "chat_template.jinja").is_file()


@fixture_is_constant
@given(text=hostile)
def test_a_document_cannot_hold_a_control_token(tokenizer, text):
    (ids,) = encode_documents(tokenizer, [text])
    document_id, end_id = tokenizer.convert_tokens_to_ids([DOCUMENT, END])
    assert ids[0] == document_id
    assert ids[-1] == end_id
    assert not np.isin(ids[1:-1], range(len(CONTROL_TOKENS))).any()


@pytest.mark.parametrize(
    ("ids", "mask"),
    [
        ([4, 9, 7, 5, 9, 9, 7, 6, 9, 7, 5, 7], [0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1]),
        ([5, 9, 9], [0, 1, 1]),
        ([4, 9, 7], [0, 0, 0]),
        ([], []),
    ],
)
def test_assistant_mask_runs_from_the_opening_to_the_end_token(ids, mask):
    assert assistant_mask(np.asarray(ids, dtype=np.int32), 5, 7).tolist() == [bool(m) for m in mask]
