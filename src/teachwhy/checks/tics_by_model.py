"""Tics that no count finds: a model scans rows, puts together what it saw, and rates each on fresh rows.

Three stages of the role `judge`. Patterns are named on one half of the sample and rated on the other, so that
the share is no winner of its own search.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from random import Random

from teachwhy.checks.prompt_files import load_prompt
from teachwhy.checks.tics import Tic
from teachwhy.records import Example
from teachwhy.service.calls import Call, Reply, Service, UnreadableReplyError

SAMPLE = 120
"""Rows that are read, half of them to name patterns and half to rate them."""
ROWS_A_CALL = 10
MAX_SCANNED = 5
MAX_PATTERNS = 12
MAX_CHARACTERS = 3000
"""Of a row that a call shows."""
_PATTERN = re.compile(r"<pattern>(.*?)</pattern>", re.DOTALL)
_ROWS = re.compile(r"<rows>\s*(none|[\d\s,]+?)\s*</rows>", re.IGNORECASE)
_MAX_PATTERN_CHARACTERS = 300


async def find_tics_by_model(
    rows: Sequence[Example], service: Service, share: float, seed: int = 0
) -> list[Tic]:
    """The patterns that a model finds in at least this share of rows that it had not seen when it named them.

    Raises what `Service.ask_until` raises.
    """
    sample = Random(seed).sample(list(rows), min(SAMPLE, len(rows)))
    named, fresh = sample[: (len(sample) + 1) // 2], sample[(len(sample) + 1) // 2 :]
    scans = await asyncio.gather(*(_scan(service, batch) for batch in _batches(named)))
    seen = [pattern for patterns in scans for pattern in patterns]
    if not seen or not fresh:
        return []
    patterns = await _cluster(service, seen)
    tics = await asyncio.gather(*(_rate(service, pattern, fresh) for pattern in patterns))
    return sorted((tic for tic in tics if tic.share >= share), key=lambda tic: (-tic.num_rows, tic.text))


async def _scan(service: Service, rows: Sequence[Example]) -> list[str]:
    call = _make_call("scan_tics", {"rows": show_rows(rows), "most": str(MAX_SCANNED)})
    return await service.ask_until(call, lambda reply: read_patterns(reply, MAX_SCANNED, may_be_none=True))


async def _cluster(service: Service, seen: Sequence[str]) -> list[str]:
    told = "\n".join(f"<pattern>{_escape(pattern)}</pattern>" for pattern in seen)
    call = _make_call("cluster_tics", {"patterns": told, "most": str(MAX_PATTERNS)})
    return await service.ask_until(call, lambda reply: read_patterns(reply, MAX_PATTERNS))


async def _rate(service: Service, pattern: str, rows: Sequence[Example]) -> Tic:
    async def rate_batch(batch: Sequence[Example]) -> int:
        call = _make_call("rate_tic", {"pattern": _escape(pattern), "rows": show_rows(batch)})
        return len(await service.ask_until(call, lambda reply: read_numbers(reply, len(batch))))

    count = sum(await asyncio.gather(*(rate_batch(batch) for batch in _batches(rows))))
    return Tic(kind="pattern", text=pattern, share=count / len(rows), num_rows=count)


def _make_call(stage: str, values: dict[str, str]) -> Call:
    prompt = load_prompt(stage)
    return Call(
        stage=stage, role="judge", messages=prompt.render(values), prompts=prompt.digest, temperature=0.0
    )


def _batches(rows: Sequence[Example]) -> list[Sequence[Example]]:
    return [rows[at : at + ROWS_A_CALL] for at in range(0, len(rows), ROWS_A_CALL)]


def show_rows(rows: Sequence[Example]) -> str:
    """Rows in numbered tags, without any tag of their own."""
    return "\n\n".join(
        f'<row number="{number}">\n{_escape(_as_text(row))}\n</row>' for number, row in enumerate(rows, 1)
    )


def _as_text(row: Example) -> str:
    turns = [f"{message.role}: {message.content}" for message in row.messages if message.content]
    return "\n\n".join([row.text, *turns]).strip()[:MAX_CHARACTERS]


def _escape(text: str) -> str:
    return text.replace("<", "&lt;")


def read_patterns(reply: Reply, most: int, may_be_none: bool = False) -> list[str]:
    """The patterns of an answer. Raises UnreadableReplyError where it holds none and does not say so."""
    found = [" ".join(text.split())[:_MAX_PATTERN_CHARACTERS] for text in _PATTERN.findall(reply.text)]
    found = list(dict.fromkeys(filter(None, found)))[:most]
    if not found and not (may_be_none and "<none/>" in reply.text):
        raise UnreadableReplyError("the answer holds no <pattern>...</pattern>")
    return found


def read_numbers(reply: Reply, most: int) -> set[int]:
    """The rows that an answer names. Raises UnreadableReplyError for other numbers or none."""
    hit = _ROWS.search(reply.text)
    if hit is None:
        raise UnreadableReplyError("the answer holds no <rows>...</rows> with numbers or none")
    numbers = {int(number) for number in re.findall(r"\d+", hit[1])}
    if wrong := [number for number in sorted(numbers) if not 1 <= number <= most]:
        raise UnreadableReplyError(f"row {wrong[0]} does not exist; there are 1 to {most}")
    return numbers
