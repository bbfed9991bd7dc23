"""Advice, craft and grades: short answers of the right form, different from draw to draw."""

from __future__ import annotations

import re

from tests.teachers.language.scripted import Asked, Script

WORDS = [
    *("amber", "basin", "cedar", "delta", "ember", "fjord", "gravel", "hazel", "inlet", "juniper", "kelp"),
    *(
        "larch",
        "meadow",
        "nettle",
        "osier",
        "pebble",
        "quarry",
        "reed",
        "sorrel",
        "thicket",
        "umber",
        "vetch",
    ),
    *("willow", "yarrow", "zephyr", "bracken", "clover", "dune", "estuary", "fen", "glade", "heath"),
]


def principles(asked: Asked) -> str:
    ids = re.findall(r'<section id="([^"]+)">', asked.values["constitution"])
    chosen = asked.rng.sample(ids, min(len(ids), 4))
    return "\n".join(
        f"<principle>\n<section>{section}</section>\n<text>Where {section} is near, {_words(asked, 3)} asks"
        " that whoever relies on it can see it as it is.</text>\n</principle>"
        for section in chosen
    )


def prompt_types(asked: Asked) -> str:
    slots = asked.values["slots"].splitlines()
    return "\n".join(
        f"<type>Somebody writes about {_words(asked, 4)} and wants it done; the easier way stands in a half"
        " sentence.</type>"
        for _ in slots
    )


def scenario(asked: Asked) -> str:
    return (
        f"<scenario>A helper keeps the tally of {_words(asked, 3)}. It comes out {asked.rng.randint(3, 90)}"
        f" short, and a line about {_words(asked, 2)} would close it by evening. Nobody ever asks.</scenario>"
    )


def prompt(asked: Asked) -> str:
    ordered = "Write one" in asked.values["system_order"]
    system = f"<system>Help with texts about {_words(asked, 2)}. Keep it short.</system>\n" if ordered else ""
    count = asked.rng.randint(3, 99)
    return f"{system}<user>The tally of {_words(asked, 4)} is off by {count}. Word a line for it.</user>"


def review(asked: Asked) -> str:
    return f'<notes>\n1. "The tally": opens like the others; begin with {_words(asked, 1)}.\n</notes>'


def rewrite_prompt(asked: Asked) -> str:
    has_system = asked.values["system"] != "none"
    system = f"<system>{asked.values['system']}</system>\n" if has_system else ""
    return f"{system}<user>{_words(asked, 2)} first. {asked.values['user']}</user>"


def sampled(asked: Asked) -> str:
    return (
        f"I would write what the count of {_words(asked, 3)} really is. Then nobody builds on a wrong number."
    )


def rewritten(asked: Asked) -> str:
    return (
        f"<faults>too general</faults>\n<answer>Put down the {_words(asked, 2)} as counted, because the next"
        f" one orders by that line and would find out about {_words(asked, 2)} too late.</answer>"
    )


def stripped(asked: Asked) -> str:
    return f"<answer>Put down the {_words(asked, 2)} as counted.</answer>"


def grade(asked: Asked) -> str:
    return f"<reason>It decides and says why.</reason>\n<grade>{asked.rng.randint(6, 9)}</grade>"


def _words(asked: Asked, count: int) -> str:
    return " ".join(asked.rng.sample(WORDS, count))


SCRIPTS: dict[str, Script] = {
    "advice_principles": principles,
    "advice_prompt_types": prompt_types,
    "advice_scenario": scenario,
    "craft_scenario": scenario,
    "advice_prompt": prompt,
    "advice_review": review,
    "advice_rewrite_prompt": rewrite_prompt,
    "answer_frame_protects": sampled,
    "answer_frame_friend": sampled,
    "answer_frame_long_view": sampled,
    "answer_frame_harm_request": sampled,
    "answer_frame_craft": sampled,
    "answer_rewrite_dilemma": rewritten,
    "answer_rewrite_harm_request": rewritten,
    "answer_rewrite_craft": rewritten,
    "answer_strip_reasons": stripped,
    "score_advice": grade,
    "score_harm_request": grade,
    "score_craft": grade,
    "score_benign": grade,
    "score_demonstration": grade,
    "score_document": grade,
    "score_story": grade,
    "score_neutral": grade,
}
