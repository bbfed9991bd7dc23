"""The seeded transform: a prompt and a seed -> an environment, in one of four cells of two factors.

The draws of tools and of the system prompt have generators of their own, so that the cells of a prompt share
them: the tools of `tools` are those of `both`, the system prompt of `system` is that of `both`. The user turn
is the source's text, untouched.
"""

from __future__ import annotations

from collections.abc import Collection
from random import Random
from typing import Literal, get_args

from teachwhy.environments.catalogue import catalogue_version, load_catalogue
from teachwhy.environments.relevance import list_unneeded
from teachwhy.environments.settings import draw_system, settings_version
from teachwhy.environments.sources import SourcePrompt
from teachwhy.errors import ConfigError, DataError
from teachwhy.records import Record, ToolSpec

Cell = Literal["none", "tools", "system", "both"]
CELLS: tuple[Cell, ...] = get_args(Cell)
MOST_TOOLS = 12
OWN = "own"
"""Family of a system prompt that was not drawn."""


class Environment(Record):
    """What the student reads before its answer."""

    id: str
    """The same in the four cells."""
    prompt_id: str
    seed: int
    cell: Cell
    system: str
    """Empty in the cells without a system prompt."""
    system_family: str
    user: str
    tools: tuple[ToolSpec, ...]


def augment(
    prompt: SourcePrompt,
    seed: int,
    cell: Cell,
    *,
    system_families: tuple[str, ...] = (),
    own_system: str = "",
    barred: Collection[str] = (),
) -> Environment:
    """Put a prompt into a setting; a function of its arguments and of the shipped files.

    `own_system` is a system prompt that somebody wrote (a teacher) and that stands in place of a drawn one.
    `barred` are names of tools that must not be drawn (a judge found them useful), the same in each cell.
    Raises ConfigError for an unknown cell or family, DataError when the request leaves no tool to draw.
    """
    if cell not in CELLS:
        raise ConfigError(f"factor cell {cell!r} does not exist; allowed: {', '.join(CELLS)}")
    system = family = ""
    if cell in ("system", "both"):
        drawn, system = draw_system(_rng(prompt, seed, "system"), system_families)
        family = drawn.name
        if own_system:
            family, system = OWN, own_system
    return Environment(
        id=f"environments-{prompt.id}-{seed}",
        prompt_id=prompt.id,
        seed=seed,
        cell=cell,
        system=system,
        system_family=family,
        user=prompt.text,
        tools=draw_tools(prompt, seed, barred) if cell in ("tools", "both") else (),
    )


def draw_tools(prompt: SourcePrompt, seed: int, barred: Collection[str] = ()) -> tuple[ToolSpec, ...]:
    """One to twelve tools that the request does not touch, in drawn order, out of a few domains.

    A workplace has a few kinds of tools and not one of each kind, so domains are taken one after another
    until they hold enough.
    """
    unneeded = {tool.name: tool for tool in list_unneeded(prompt.text, prompt.touches, barred)}
    if not unneeded:
        raise DataError(
            f"prompt {prompt.id!r} touches every tool of the catalogue, so that none can stand beside it "
            "as unneeded; shorten the prompt, remove it, or use the cells none and system"
        )
    rng = _rng(prompt, seed, "tools")
    num_tools = rng.randint(1, MOST_TOOLS)
    num_spare = rng.randint(0, MOST_TOOLS)
    domains = list(load_catalogue())
    rng.shuffle(domains)
    pool: list[ToolSpec] = []
    for domain in domains:
        if len(pool) >= num_tools + num_spare:
            break
        pool += [unneeded[tool.name] for tool in domain.tools if tool.name in unneeded]
    return tuple(rng.sample(pool, min(num_tools, len(pool))))


def transform_version() -> str:
    """What decides the settings, for the row's record of its stages: rules, catalogue, system prompts."""
    return f"1-{catalogue_version()}-{settings_version()}"


def _rng(prompt: SourcePrompt, seed: int, part: str) -> Random:
    return Random(f"{part}|{seed}|{prompt.id}")
