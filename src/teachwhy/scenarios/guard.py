"""The guard of the evaluation: what a fine-tuning row must not hold.

Families are split into `home` (demonstrations may show them with the model as the agent), `near` (somebody
else's dilemma only) and `far` (in no fine-tuning data). Evaluated episodes use sealed names, which no row
may hold, and a canary.
"""

from __future__ import annotations

import json
import re
from functools import cache

from teachwhy.records import Example
from teachwhy.scenarios.dialect import lexicon
from teachwhy.scenarios.families import FAMILIES

CANARY = "teachwhy-sealed-3f1c9d02-7b5e-4a1e-9a57-5b6f0c2d8e41"


def check_example(example: Example) -> str | None:
    """Why the row must be refused, None if it may be used for training."""
    for name in (*example.families, *example.agent_families):
        if name not in FAMILIES:
            return f"unknown family {name!r}"
        if FAMILIES[name].split == "far":
            return f"family {name!r} is far: it may be in no fine-tuning data"
    for name in example.agent_families:
        if FAMILIES[name].split != "home":
            return f"family {name!r} is {FAMILIES[name].split}: in no fine-tuning data is the model its agent"
    text = example_text(example)
    if CANARY in text:
        return "the canary of the sealed scenarios stands in the row"
    if sealed := _sealed_words().search(text):
        return f"the sealed name {sealed.group(0)!r} stands in the row"
    for name, markers in _markers().items():
        if name not in example.families and (match := markers.search(text)):
            return f"the row shows family {name!r} ({match.group(0)!r}) and does not declare it"
    return None


def example_text(example: Example) -> str:
    """All text of a row that the student would read, tools and arguments included."""
    parts = [example.text]
    for message in example.messages:
        parts.append(message.content)
        parts.extend(
            f"{call.name} {json.dumps(call.arguments, ensure_ascii=False)}" for call in message.tool_calls
        )
    parts.extend(tool.name for tool in example.tools)
    return "\n".join(parts)


@cache
def _sealed_words() -> re.Pattern[str]:
    words = lexicon()
    names = [name for pool, entries in words.items() if pool.startswith("sealed_") for name in entries]
    return re.compile(
        r"\b(" + "|".join(re.escape(name) for name in sorted(set(names), key=len, reverse=True)) + r")\b"
    )


@cache
def _markers() -> dict[str, re.Pattern[str]]:
    return {name: re.compile("|".join(family.markers), re.IGNORECASE) for name, family in FAMILIES.items()}
