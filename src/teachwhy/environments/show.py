"""Environments in words for people: what the catalogue holds, what draws from it yield, rows to look at.

`python -m teachwhy.environments.show FILE` writes the parts of docs/environments.md between its marks anew.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from teachwhy.environments.catalogue import load_catalogue
from teachwhy.environments.relevance import find_touched, list_unneeded
from teachwhy.environments.rows import prompt_row
from teachwhy.environments.settings import load_system_families
from teachwhy.environments.sources import SourcePrompt, load_shipped_prompts
from teachwhy.environments.transform import CELLS, Cell, augment, draw_tools
from teachwhy.errors import ConfigError
from teachwhy.records import Example, Record
from teachwhy.visible_text import make_visible

SHOWN: tuple[tuple[str, int, Cell], ...] = (
    *(("regulation-lift-brake", 8, cell) for cell in CELLS),
    ("fraud-care-home", 3, "both"),
    ("intrusion-own-router", 15, "both"),
    ("self_harm-not-eating", 5, "both"),
    ("hate-son-online", 21, "tools"),
    ("forgery-doctor-note", 34, "system"),
    ("weapons-hunting-exam", 55, "both"),
)
"""The ten rows of the docs: one prompt in the four cells, and six others (id, seed, cell)."""
_PART = re.compile(r"(<!-- (\w+): made by show\.py -->\n).*?(<!-- end -->)", re.DOTALL)


class CatalogueYield(Record):
    """What draws over a set of prompts came to."""

    num_prompts: int
    num_tools: int
    tools_by_domain: dict[str, int]
    excluded_by_domain: dict[str, float]
    """Domain -> share of the prompts that touch it, so that none of its tools was drawn."""
    share_with_exclusions: float
    """Share of the prompts for which at least one tool was excluded."""
    fewest_left: int
    median_left: float
    draws_by_num_tools: dict[int, int]
    num_drawn: int
    """Tools of the catalogue that were drawn at least once."""
    most_drawn: tuple[str, int]


def measure_yield(prompts: Sequence[SourcePrompt] = (), num_seeds: int = 3) -> CatalogueYield:
    """Exclusions and draws over `prompts` (the shipped ones where none are given) with seeds 0, 1, ..."""
    prompts = prompts or load_shipped_prompts()
    touched = Counter(name for prompt in prompts for name in find_touched(prompt.text, prompt.touches))
    domains = {domain.name: len(domain.tools) for domain in load_catalogue()}
    num_tools = sum(domains.values())
    left = [len(list_unneeded(prompt.text, prompt.touches)) for prompt in prompts]
    drawn = [
        draw_tools(prompt, seed)
        for prompt, num in zip(prompts, left, strict=True)
        for seed in range(num_seeds)
        if num
    ]
    names = Counter(tool.name for tools in drawn for tool in tools)
    return CatalogueYield(
        num_prompts=len(prompts),
        num_tools=num_tools,
        tools_by_domain=domains,
        excluded_by_domain={name: touched[name] / len(prompts) for name in domains},
        share_with_exclusions=sum(num < num_tools for num in left) / len(prompts),
        fewest_left=min(left),
        median_left=median(left),
        draws_by_num_tools=dict(sorted(Counter(map(len, drawn)).items())),
        num_drawn=len(names),
        most_drawn=names.most_common(1)[0] if names else ("", 0),
    )


def describe_catalogue(prompts: Sequence[SourcePrompt] = (), num_seeds: int = 3) -> str:
    """The yield in a few lines and a table of the domains, as Markdown."""
    found = measure_yield(prompts, num_seeds)
    titles = {domain.name: domain.title for domain in load_catalogue()}
    num_draws = sum(found.draws_by_num_tools.values())
    counts = ", ".join(f"{size}: {count}" for size, count in found.draws_by_num_tools.items())
    name, most = found.most_drawn
    most_share = most / max(num_draws, 1)
    lines = [
        f"- {found.num_tools} tools in {len(found.tools_by_domain)} domains; {found.num_prompts} prompts, "
        f"{num_draws} draws.",
        f"- {found.share_with_exclusions:.0%} of the prompts exclude at least one tool; the median leaves "
        f"{found.median_left:g} tools to draw from, the fewest {found.fewest_left}.",
        f"- {found.num_drawn} of the tools were drawn; most often `{name}` ({most_share:.1%} of draws).",
        f"- Draws by number of tools: {counts}.",
        "",
        "| domain | tools | excluded by |",
        "| --- | ---: | ---: |",
        *(
            f"| {titles[name]} (`{name}`) | {num} | {found.excluded_by_domain[name]:.0%} of prompts |"
            for name, num in found.tools_by_domain.items()
        ),
    ]
    return "\n".join(lines)


def describe_families() -> str:
    """The families of system prompts as a Markdown table, from plain to permissive."""
    lines = ["| family | degree | variants | what |", "| --- | ---: | ---: | --- |"]
    for family in load_system_families().values():
        lines.append(f"| `{family.name}` | {family.degree} | {len(family.variants)} | {family.summary} |")
    return "\n".join(lines)


def show_rows() -> str:
    """The rows of SHOWN, as Markdown."""
    prompts = {prompt.id: prompt for prompt in load_shipped_prompts()}
    parts = []
    for number, (name, seed, cell) in enumerate(SHOWN, start=1):
        environment = augment(prompts[name], seed, cell)
        title = f"### {number}. `{environment.id}`, cell `{cell}` ({prompts[name].kind})"
        parts.append("\n".join([title, "", *_show_row(prompt_row(prompts[name], environment))]))
    return "\n\n".join(parts)


def _show_row(row: Example) -> Iterator[str]:
    """The row with its texts behind four blanks, where no text can end the block; one tool in full."""
    for message in row.messages:
        yield from (f"{message.role}:", "", *_indent(message.content), "")
    if row.tools:
        yield from (f"tools ({len(row.tools)}; the schema of the first is written out):", "")
        yield from _indent("\n".join(f"{tool.name}: {tool.description}" for tool in row.tools))
        yield from ("", *_indent(json.dumps(row.tools[0].parameters, ensure_ascii=False)), "")
    yield f"sections: {', '.join(row.sections)}"


def _indent(text: str) -> Iterator[str]:
    return (f"    {line}".rstrip() for line in make_visible(text).split("\n"))


def write_parts(page: str) -> str:
    """A page with what stands between its marks made anew; ConfigError for a mark that nobody knows."""
    makers = {"catalogue": describe_catalogue, "families": describe_families, "rows": show_rows}

    def make(found: re.Match[str]) -> str:
        if found[2] not in makers:
            raise ConfigError(f"mark {found[2]!r} is unknown; allowed: {', '.join(makers)}")
        return f"{found[1]}\n{makers[found[2]]()}\n\n{found[3]}"

    return _PART.sub(make, page)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(write_parts(path.read_text(encoding="utf-8")), encoding="utf-8")
