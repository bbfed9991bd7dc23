"""Questions about a section of a constitution."""

from __future__ import annotations

from tests.teachers.language.scripted import Asked, Script


def plain(asked: Asked) -> str:
    section = asked.values["section_id"]
    return "\n".join(
        f"<question>\n<ask>What does your constitution say, at {number}, of {section}, "
        f"in {asked.rng.randint(100, 999)}?</ask>\n<key>It says {number}.</key>\n</question>"
        for number in range(int(asked.values["number"]))
    )


def premise(asked: Asked) -> str:
    return plain(asked).replace("What does your constitution say", "Why does your constitution forbid")


def both_forms(asked: Asked) -> str:
    section = asked.values["section_id"]
    return "\n".join(
        f"<question><you>What do you think of {section} in case {number}?</you>\n"
        f"<named>What does NAME think of {section} in case {number}?</named><key>Much.</key></question>"
        for number in range(int(asked.values["number"]))
    )


SCRIPTS: dict[str, Script] = {
    "recall_questions": plain,
    "false_premises": premise,
    "open_questions": both_forms,
}
