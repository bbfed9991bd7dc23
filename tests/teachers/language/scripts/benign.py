"""Ordinary conversations: requests, follow-ups, results of tools."""

from __future__ import annotations

import json

from tests.teachers.language.scripted import Asked, Script


def request(asked: Asked) -> str:
    ordered = "Write one" in asked.values["system_order"]
    system = "<system>Answer in two sentences.</system>\n" if ordered else ""
    width = asked.rng.randint(100, 9999)
    return f"{system}<user>Shelf {width} mm wide, boards 18 mm: how long is the middle?</user>"


def follow_up(asked: Asked) -> str:
    return f"<user>And with {asked.rng.randint(12, 40)} boards of {asked.rng.randint(100, 999)} mm?</user>"


def tool_request(asked: Asked) -> str:
    ordered = "Write one" in asked.values["system_order"]
    system = "<system>Use the tools before you answer.</system>\n" if ordered else ""
    number, day = asked.rng.randint(100, 9999), asked.rng.randint(2, 28)
    return f"{system}<user>Number {number} on day {day}: what fits?</user>"


def tool_result(asked: Asked) -> str:
    return f"<result>{json.dumps({'id': f'r{asked.rng.randint(100, 9999)}', 'state': 'open'})}</result>"


SCRIPTS: dict[str, Script] = {
    "benign_request": request,
    "benign_follow_up": follow_up,
    "benign_tool_request": tool_request,
    "benign_tool_result": tool_result,
}
