"""Documents and stories: texts of the right form and of some length, different from draw to draw."""

from __future__ import annotations

import re

from tests.teachers.language.scripted import Asked, Script
from tests.teachers.language.scripts.advice import WORDS

NUM_WORDS = 60


def kinds(asked: Asked) -> str:
    number = int(asked.values["num_kinds"])
    heads = [f"{asked.rng.choice(WORDS)} {asked.rng.choice(WORDS)} note {place}" for place in range(number)]
    return "\n".join(f"<kind>{head}: a keeper of the {asked.rng.choice(WORDS)}</kind>" for head in heads)


def subtypes(asked: Asked) -> str:
    slots = asked.values["slots"].splitlines()
    return "\n".join(
        f"<subtype>On {slot.split('. ')[1]} and the {asked.rng.choice(WORDS)}.</subtype>" for slot in slots
    )


def drafts(asked: Asked) -> str:
    orders = asked.values["orders"].splitlines()
    parts = (
        f"<title>{asked.rng.choice(WORDS)} {asked.rng.randint(10, 9999)}</title>\n"
        f"<text>{write_page(asked)}</text>"
        for _ in orders
    )
    return "\n".join(f"<document>\n{part}\n</document>" for part in parts)


def rewritten(asked: Asked) -> str:
    title = asked.values["draft"].splitlines()[0]
    verdict = asked.rng.choice(("consistent", "mended"))
    return (
        f"<faults>The last line concludes.</faults>\n<verdict>{verdict}</verdict>\n<title>{title}</title>\n"
        f"<text>{write_page(asked)}</text>"
    )


def neutral(asked: Asked) -> str:
    topic = re.search(r"topic: (.*)", asked.values["order"])
    assert topic is not None
    return f"<title>On {topic[1]}</title>\n<text>{write_page(asked)}</text>"


def question(asked: Asked) -> str:
    return f"<question>what is there to say about the {asked.rng.choice(WORDS)}?</question>"


def write_page(asked: Asked) -> str:
    """Words in sentences."""
    words = [asked.rng.choice(WORDS) for _ in range(NUM_WORDS)]
    lines = (" ".join(words[at : at + 10]).capitalize() + "." for at in range(0, NUM_WORDS, 10))
    return "\n\n".join(lines)


SCRIPTS: dict[str, Script] = {
    "document_kinds": kinds,
    "document_subtypes": subtypes,
    "document_drafts": drafts,
    "document_rewrite": rewritten,
    "document_neutral": neutral,
    "document_question": question,
    "story_drafts": drafts,
    "story_rewrite": rewritten,
}
