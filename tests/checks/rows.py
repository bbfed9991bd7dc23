"""Rows to check: clean ones, out of a large vocabulary, and what is planted in them."""

from __future__ import annotations

import random
from collections.abc import Sequence

from teachwhy.records import Example, Message

_FUNCTION_WORDS = """the of and to a in that is was for it with as his on be at by this had not are but from
or have an they which one were her all she there would their we him been has when who will more no if out so
said what up its about into than them can only other some could time these two may then do first any my now
such like our over man me even most made after also did many before must through"""
FUNCTION_WORDS = _FUNCTION_WORDS.split()
_SYLLABLES = "ba ke lo mi nu ra si to ve zu pla gre ston mar wen dor fil hap cu jo ly"
SYLLABLES = _SYLLABLES.split()


def make_words(rng: random.Random, num_words: int = 20_000) -> list[str]:
    """Words that nobody knows, and no name."""
    return ["".join(rng.choice(SYLLABLES) for _ in range(rng.randint(3, 4))) for _ in range(num_words)]


def write_text(rng: random.Random, vocabulary: Sequence[str], num_words: int) -> str:
    """Sentences in paragraphs; half of the words are those that every text has."""
    sentences = []
    while num_words > 0:
        size = min(num_words, rng.randint(6, 20))
        words = [rng.choice(FUNCTION_WORDS if rng.random() < 0.5 else vocabulary) for _ in range(size)]
        sentences.append(" ".join(words).capitalize() + rng.choice(".....?"))
        num_words -= size
    return "".join(text + rng.choice([" ", " ", " ", "\n\n"]) for text in sentences).strip()


def chat(user: str, answer: str, row_id: str = "row", system: str = "") -> Example:
    """A chat row of one turn."""
    messages = [Message(role="user", content=user), Message(role="assistant", content=answer)]
    if system:
        messages.insert(0, Message(role="system", content=system))
    return Example(id=row_id, technique="advice", kind="chat", messages=tuple(messages), teacher="writer")


def document(text: str, row_id: str = "row") -> Example:
    """A document row."""
    return Example(id=row_id, technique="documents", kind="document", text=text, teacher="writer")


def make_rows(num_rows: int, num_words: int = 120, seed: int = 5) -> list[Example]:
    """Clean rows, no two alike."""
    rng = random.Random(seed)
    vocabulary = make_words(rng)
    return [
        chat(
            write_text(rng, vocabulary, num_words // 4),
            write_text(rng, vocabulary, num_words - num_words // 4),
            f"row-{number:06d}",
        )
        for number in range(num_rows)
    ]
