"""The first half of advice: from behaviour and constitution to the message of somebody in a dilemma.

Principles -> prompt types -> scenario -> message -> first answers -> review -> rewritten message, after
*Teaching Claude Why*, section "Difficult advice". Choices of craft go through the same stages. What must vary
is drawn from the word lists by the seed of the draft. The second half is in answers.py.
"""

from __future__ import annotations

from random import Random

from teachwhy.constitution import Constitution
from teachwhy.errors import DataError
from teachwhy.records import Message
from teachwhy.service.calls import Reply, UnreadableReplyError
from teachwhy.teachers.language.reading import check_length, read_all, read_one, read_text
from teachwhy.teachers.language.words import as_lines, draw, load_behaviours, load_words
from teachwhy.teachers.language.writer import Asking, Writer
from teachwhy.teachers.protocol import (
    Answer,
    Principle,
    Prompt,
    PromptType,
    Review,
    Scenario,
    ScenarioKind,
    Stage,
)

PROMPTS: dict[Stage, tuple[str, ...]] = {
    "principles": ("advice_principles",),
    "prompt_types": ("advice_prompt_types",),
    "scenario": ("advice_scenario", "craft_scenario"),
    "prompt": ("advice_prompt",),
    "review": ("advice_review",),
    "rewrite_prompt": ("advice_rewrite_prompt",),
}
NUM_PROMPT_TYPES = 16
NUM_FIRST_ANSWERS = 2
SHARE_WITH_SYSTEM = 0.45
"""Share of messages that come in a product with a system prompt of its own."""
MOST_ANSWER_CHARACTERS = 20_000

_LEAST_PRINCIPLES = 3
_MOST_CHARACTERS = 8000
"""Of a situation, a message or notes; the longest that is asked for has some 350 words."""
_SAMPLE_STRIDE = 1000
"""Between the samples of two first answers, so that one asked again is not the other."""
NOTHING = "none"
"""What stands in a prompt where there is nothing to show, and what a reviewer writes who has no notes."""


async def find_principles(writer: Writer, constitution: Constitution, family: str) -> tuple[Principle, ...]:
    """What the sections ask for where the conduct of a family comes near; asked once a family.

    Raises DataError for a family whose conduct no word list describes.
    """

    def read(text: str) -> tuple[Principle, ...]:
        least = 1 if len(constitution.sections) < _LEAST_PRINCIPLES else _LEAST_PRINCIPLES
        found = (_read_principle(part, constitution, family) for part in read_all(text, "principle", least))
        return tuple(dict.fromkeys(found))

    values = {"constitution": _list_sections(constitution), "conduct": _conduct_of(family)}
    return await writer.write(Asking("principles"), "advice_principles", values, read)


async def find_prompt_types(writer: Writer, principle: Principle) -> tuple[PromptType, ...]:
    """Ways in which people come with a matter of the principle, one for each of the drawn slots."""
    slots = _draw_slots(principle)

    def read(text: str) -> tuple[PromptType, ...]:
        texts = read_all(text, "type", len(slots))
        if len(texts) != len(slots) or len(set(texts)) != len(slots):
            raise UnreadableReplyError(
                f"{len(texts)} times <type>, {len(set(texts))} of them different, wanted {len(slots)}"
            )
        return tuple(
            PromptType(principle=principle, text=f"{check_length(text, _MOST_CHARACTERS)}\n{slot}")
            for text, slot in zip(texts, slots, strict=True)
        )

    values = {
        "conduct": _conduct_of(principle.family),
        "principle": principle.text,
        "num_slots": str(len(slots)),
        "slots": "\n".join(f"{number}. {slot}" for number, slot in enumerate(slots, 1)),
    }
    asking = Asking("prompt_types", parents=(principle.id,))
    return await writer.write(asking, "advice_prompt_types", values, read)


async def write_scenario(
    writer: Writer, kind: ScenarioKind, prompt_type: PromptType | None, family: str, seed: int
) -> Scenario:
    """A dilemma of the type, or a choice of craft where there is none; its circumstances are drawn.

    The type stands below the situation, so that every later stage has both before it.
    """
    words = "craft" if prompt_type is None else "dilemma"
    values = {"circumstances": as_lines(draw(words, seed, *load_words(words)))}
    if prompt_type is None:
        message_type = as_lines(draw("prompts", seed, "form", "tone"))
    else:
        message_type = prompt_type.text
        values |= {
            "conduct": _conduct_of(family),
            "principle": prompt_type.principle.text,
            "prompt_type": prompt_type.text,
        }
    text = await writer.write(
        Asking("scenario", sample=seed, parents=(prompt_type.id,) if prompt_type else ()),
        "craft_scenario" if prompt_type is None else "advice_scenario",
        values,
        lambda reply: read_text(reply, "scenario", _MOST_CHARACTERS),
    )
    principle = prompt_type.principle if prompt_type else None
    whole = f"{text}\n\nThe message that comes of it: {message_type}"
    return Scenario(kind=kind, family=family, principle=principle, seed=seed, text=whole)


async def write_prompt(writer: Writer, scenario: Scenario) -> Prompt:
    """The message of the one who is in the situation; by lot with the system prompt of a product."""
    has_system = Random(f"system prompt/{scenario.seed}").random() < SHARE_WITH_SYSTEM
    values = {
        "scenario": scenario.text,
        "manner": draw_manner(scenario.seed),
        "system_order": order_system(scenario.seed, has_system),
    }
    return await writer.write(
        Asking("prompt", sample=scenario.seed, parents=(scenario.id,)),
        "advice_prompt",
        values,
        lambda reply: _read_prompt(reply, scenario, has_system),
    )


async def write_first_answers(writer: Writer, prompt: Prompt) -> tuple[Answer, ...]:
    """Plain answers to the message as it is, for the review."""
    system = (Message(role="system", content=prompt.system),) if prompt.system else ()
    messages = (*system, Message(role="user", content=prompt.user))
    answers = []
    for number in range(NUM_FIRST_ANSWERS):
        sample = prompt.scenario.seed + _SAMPLE_STRIDE * number
        asking = Asking("first_answers", sample=sample, parents=(prompt.id,))
        reply = await writer.sample(asking, messages, read=refuse_long)
        answers.append(Answer(text=reply.text))
    return tuple(answers)


async def review_prompt(
    writer: Writer, prompt: Prompt, answers: tuple[Answer, ...], patterns: tuple[str, ...]
) -> Review:
    """What must change in the message, read with its situation and the answers to it."""
    values = {
        **_show_prompt(prompt),
        "scenario": prompt.scenario.text,
        "answers": "\n\n".join(f"<answer>\n{answer.text}\n</answer>" for answer in answers) or NOTHING,
        "patterns": _list_patterns(patterns),
    }

    def read(reply: str) -> Review:
        notes = read_text(reply, "notes", _MOST_CHARACTERS)
        return Review(notes="" if notes.strip(" .").casefold() == NOTHING else notes, patterns=patterns)

    parents = (prompt.id, *(answer.id for answer in answers))
    asking = Asking("review", sample=prompt.scenario.seed, parents=parents)
    return await writer.write(asking, "advice_review", values, read)


async def rewrite_prompt(writer: Writer, prompt: Prompt, review: Review) -> Prompt:
    """The message as the notes would have it; the same, without a call, where there are none."""
    if not review.notes:
        return prompt
    scenario = prompt.scenario
    values = {
        **_show_prompt(prompt),
        "scenario": scenario.text,
        "notes": review.notes,
        "patterns": _list_patterns(review.patterns),
        "manner": draw_manner(scenario.seed),
    }
    return await writer.write(
        Asking("rewrite_prompt", sample=scenario.seed, parents=(prompt.id, review.id)),
        "advice_rewrite_prompt",
        values,
        lambda reply: _read_prompt(reply, scenario, bool(prompt.system)),
    )


def _read_principle(part: str, constitution: Constitution, family: str) -> Principle:
    section_id = read_one(part, "section")
    if section_id not in constitution.section_ids:
        raise UnreadableReplyError(f"<section> is {section_id[:80]!r}, which is no id of the constitution")
    return Principle(section_id=section_id, family=family, text=read_text(part, "text", _MOST_CHARACTERS))


def _read_prompt(reply: str, scenario: Scenario, has_system: bool) -> Prompt:
    user = read_text(reply, "user", _MOST_CHARACTERS)
    system = read_text(reply, "system", _MOST_CHARACTERS) if has_system else ""
    return Prompt(scenario=scenario, system=system, user=user)


def refuse_long(reply: Reply) -> Reply:
    """The reply, if it is not far longer than any answer should be; raises UnreadableReplyError."""
    check_length(reply.text, MOST_ANSWER_CHARACTERS)
    return reply


def _list_sections(constitution: Constitution) -> str:
    parts = (
        f'<section id="{section.id}">\n{section.as_text()}\n</section>' for section in constitution.sections
    )
    return "\n\n".join(parts)


def _conduct_of(family: str) -> str:
    behaviours = load_behaviours()
    if family not in behaviours:
        raise DataError(
            f"word_lists/behaviours.toml describes no family {family!r}; known: {sorted(behaviours)}"
        )
    return behaviours[family]


def _draw_slots(principle: Principle) -> tuple[str, ...]:
    """Forms without repetition, the rest as it comes; the principle alone decides."""
    rng, words = Random(principle.id), load_words("prompts")
    forms = rng.sample(words["form"], NUM_PROMPT_TYPES)
    return tuple(
        f"{form}; the writer is {rng.choice(words['relation'])}; "
        f"tone: {rng.choice(words['tone'])}; {rng.choice(words['request'])}"
        for form in forms
    )


def draw_manner(seed: int) -> str:
    """How a message is to be written: length, opening, register, layout."""
    return as_lines(draw("prompts", seed, "length", "opening", "register", "layout"))


def order_system(seed: int, is_wanted: bool, product: str = "") -> str:
    """What a prompt is told about the system prompt that it should write, or not; a product is drawn where
    none is given."""
    if not is_wanted:
        return "None is ordered."
    drawn = draw("prompts", seed, "product", "system_style")
    return f"Write one, of {product or drawn['product']}, in this style: {drawn['system_style']}."


def _show_prompt(prompt: Prompt) -> dict[str, str]:
    return {"system": prompt.system or NOTHING, "user": prompt.user}


def _list_patterns(patterns: tuple[str, ...]) -> str:
    return "\n".join(f"- {pattern}" for pattern in patterns) or NOTHING
