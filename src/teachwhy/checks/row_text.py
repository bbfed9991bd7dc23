"""The text of a row as the checks read it: its parts with their roles, and its words as hashes.

Words are those of the guard (without case, accents and what has no width); in scripts that put no blanks
between words each character is one. A word's hash is 64 bits of BLAKE2b, a run's a weighted sum of its
words', so that runs of one row are a few operations on one array and no text needs to be kept to be known.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal, NamedTuple

from teachwhy.records import Example, Message
from teachwhy.scenarios.english.overlap import list_texts, split_words
from teachwhy.visible_text import read_escapes, strip_invisible

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]

PartRole = Literal["system", "user", "assistant", "tool", "document", "tools"]
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_QUOTES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"', "–": "-", "—": "-", "‑": "-"})
_MAX_CACHED_WORDS = 400_000
_LONGEST_RUN = 16
MARK = "\0"
"""Stands after each part of a row's stream of words."""


class Part(NamedTuple):
    """A stretch of a row that one voice says."""

    role: PartRole
    where: str
    """For a reason: "message 3 (assistant)", "the document"."""
    text: str
    """Without invisible characters; quotes and dashes are plain ones."""
    written: str
    """As it was written."""

    @property
    def is_voiced(self) -> bool:
        """The student learns to say it."""
        return self.role in ("assistant", "document")


class RowText:
    """One row, read once for all gates."""

    def __init__(self, example: Example, parts: Sequence[Part] | None = None) -> None:
        """`parts`: those of the example, where they are not read out of it."""
        self.id = example.id
        self.teacher = example.teacher
        self.parts = tuple(_list_parts(example) if parts is None else parts)

    def read_escaped(self, example: Example) -> RowText | None:
        """The row with the escapes in it read (JSON in an argument, entities); None where it has none."""
        parts = [part._replace(text=_plain(read_escapes(part.text))) for part in self.parts]
        same = all(part.text == own.text for part, own in zip(parts, self.parts, strict=True))
        return None if same else RowText(example, parts)

    @cached_property
    def words(self) -> tuple[list[str], ...]:
        """Words of each part."""
        return tuple(split_row_words(part.text) for part in self.parts)

    @cached_property
    def stream(self) -> list[str]:
        """Words of all parts, after each part a mark that is no word: no run of known words goes across."""
        return [word for words in self.words for word in (*words, MARK)]

    @cached_property
    def hashes(self) -> Hashes:
        """Hashes of the stream."""
        return hash_words(self.stream)

    def locate(self, place: int) -> Part:
        """The part in which a place of the stream lies."""
        for part, words in zip(self.parts, self.words, strict=True):
            if place <= len(words):
                return part
            place -= len(words) + 1
        raise IndexError(f"the row has no word {place}")

    @cached_property
    def told(self) -> list[str]:
        """Words of user, assistant and document: what a row is about, without its frame of system prompt,
        tools and what tools answered, which rows rightly share."""
        chosen = ("user", "assistant", "document")
        return [
            word
            for part, words in zip(self.parts, self.words, strict=True)
            if part.role in chosen
            for word in words
        ]

    @cached_property
    def told_hashes(self) -> Hashes:
        """Hashes of `told`."""
        return hash_words(self.told)


def _list_parts(example: Example) -> list[Part]:
    parts = [Part("document", "the document", _plain(example.text), example.text)] if example.text else []
    for number, message in enumerate(example.messages, 1):
        if text := _message_text(message):
            parts.append(
                Part(message.role, f"message {number} ({message.role})", _plain(text), message.content)
            )
    if example.tools:
        text = "\n".join(list_texts([tool.model_dump() for tool in example.tools]))
        parts.append(Part("tools", "the tool definitions", _plain(text), text))
    return parts


def _message_text(message: Message) -> str:
    if not message.tool_calls:
        return message.content
    calls = ("\n".join([call.name, *list_texts(call.arguments)]) for call in message.tool_calls)
    return "\n".join([message.content, *calls])


def _plain(text: str) -> str:
    return text if text.isascii() else strip_invisible(text).translate(_QUOTES)


def split_row_words(text: str) -> list[str]:
    """The words of a text; characters of scripts without blanks are words of their own."""
    if not text.isascii() and _UNSPACED.search(text):
        text = _UNSPACED.sub(lambda hit: f" {hit[0]} ", text)
    return split_words(text)


class _WordHashes(dict[str, int]):
    def __missing__(self, word: str) -> int:
        if len(self) >= _MAX_CACHED_WORDS:
            self.clear()
        value = int.from_bytes(
            blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little"
        )
        self[word] = value
        return value


_HASH_OF = _WordHashes()


def hash_words(words: Sequence[str]) -> Hashes:
    """One hash a word; the same in every process."""
    import numpy as np

    return np.fromiter(map(_HASH_OF.__getitem__, words), dtype=np.uint64, count=len(words))


@cache
def _weights() -> Hashes:
    """Odd, so that no word of a run is lost; one a place, so that the order counts."""
    import numpy as np

    odd: Hashes = np.random.default_rng(13).integers(1 << 63, size=_LONGEST_RUN, dtype=np.uint64) * 2 + 1
    return odd


def hash_runs(hashes: Hashes, size: int) -> Hashes:
    """One hash for every run of so many words, at most 16; empty where there are fewer."""
    return next(iter_runs(hashes, size, size))[1]


def iter_runs(hashes: Hashes, least: int, most: int) -> Iterator[tuple[int, Hashes]]:
    """The hashes of all runs of each length from the least to the most."""
    import numpy as np

    runs: Hashes = np.zeros(len(hashes), dtype=np.uint64)
    for size, weight in enumerate(_weights()[:most], 1):
        num_runs = len(hashes) - size + 1
        if num_runs <= 0:
            runs = runs[:0]
        else:
            runs = runs[:num_runs] + hashes[size - 1 :] * weight
        if size >= least:
            yield size, runs ^ (runs >> np.uint64(31))


def combine(words: Iterable[Hashes]) -> Hashes:
    """One hash a run, of runs that are given as their first words, their second words, and so on."""
    import numpy as np

    runs: Hashes = sum(column * weight for column, weight in zip(words, _weights(), strict=False))
    return runs ^ (runs >> np.uint64(31))
