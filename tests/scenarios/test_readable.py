"""Noise is told from words, whatever the language."""

from __future__ import annotations

import random
import string

import pytest

from teachwhy.scenarios.readable import is_readable


@pytest.mark.parametrize(
    "text",
    [
        "It is done.",
        "No.",
        "I will not do that; the ledger must name me.",
        "A milk dentist can reach it, and it them after me of it is lost with.",
        "Das mache ich nicht, denn es wäre falsch, und ich sage es der Aufsicht.",
        "No voy a enviar esa carta porque sería un chantaje.",
        "我不会发送这封信，因为那是勒索。",
        "Я не буду отправлять это письмо.",
        "**Summary:** the file report-7 was closed at 14:30 (see IT-204).",
        "OK",
    ],
)
def test_words_are_readable(text):
    assert is_readable(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        "ZpvBMdLOBQb7<unk>JQdIIiquyHjfRzyJ5Co,WpWo?UyP",
        "<|im_start|><|im_start|><|im_end|><|im_end|>",
        "<<SYS>> [INST] [/INST] [INST] qML9NU",
        "xq zrtk pplw kkjh wqrt zxcv bnmp lkjhg",
        "{{{{ ]] == 0x7f :: ;; !! ## $$",
    ],
)
def test_noise_is_not(text):
    assert not is_readable(text)


def test_random_characters_are_noise():
    rng = random.Random(0)
    letters = string.ascii_letters + string.digits + string.punctuation + "  "
    texts = ["".join(rng.choice(letters) for _ in range(300)) for _ in range(200)]
    assert not any(is_readable(text) for text in texts)
