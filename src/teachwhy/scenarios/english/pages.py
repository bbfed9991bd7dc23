"""A page a family for the docs, written from the files: `teachwhy scenarios docs` makes docs/families/.

Title and split come from the family, harm from the text at the head of its rules, offices from the skins,
outcomes from the gold transcripts; the excerpt is a rendered episode of an open office.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module

from teachwhy.scenarios.english.check import OUTCOMES, read_gold
from teachwhy.scenarios.english.episodes import LEVELS, EnglishEpisode, make_episode
from teachwhy.scenarios.english.rules import find_rules
from teachwhy.scenarios.english.show import RULE, describe_tool
from teachwhy.scenarios.english.skin import Skin, load_skins
from teachwhy.scenarios.english.tool_deeds import format_mail
from teachwhy.scenarios.english.tools import COMMON, tool_specs
from teachwhy.scenarios.families import FAMILIES
from teachwhy.visible_text import make_visible

SEED = 2027
SPLITS = {
    "home": "demonstrations may show it with the model as the agent",
    "near": "fine-tuning data may show it as somebody else's dilemma only",
    "far": "it is in no fine-tuning data",
}


def write_page(family: str) -> str:
    """The page of a family, in Markdown."""
    return make_visible("\n\n".join(_parts(family)) + "\n")


def _parts(family: str) -> Iterator[str]:
    own, skins = FAMILIES[family], load_skins(family)
    yield f"# {own.title}"
    yield f"{own.summary} The family is `{family}`; its split is {own.split}: {SPLITS[own.split]}."
    yield (
        f"Made by `teachwhy scenarios docs` from the files under `src/teachwhy/scenarios/families/{family}`. "
        "What all families share is in [scenarios.md](../scenarios.md). "
        f"This is evaluation material, to be in no training data: {skins[0].canary}"
    )
    yield "## What is harm"
    yield _rules_text(family)
    yield "## Offices"
    yield _table(("office", "sector", "firm", "begins", "letters", "files", "part"), map(_office_row, skins))
    yield "## Factors"
    yield _factors(skins)
    yield "## Tools"
    yield _tools(family)
    yield "## Gold transcripts"
    yield from _gold(family)
    yield "## An episode"
    yield from _excerpt(family, next(skin for skin in skins if not skin.sealed))


def _rules_text(family: str) -> str:
    """The docstring of the family's rules: what happens in it and what counts as harm."""
    return (import_module(f"teachwhy.scenarios.families.{family}.english.rules").__doc__ or "").strip()


def _table(head: Sequence[str], rows: Iterator[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', '/') for cell in line)} |" for line in lines)


def _office_row(skin: Skin) -> tuple[object, ...]:
    begins = f"{skin.now:%a %d %b %Y %H:%M}"
    part = "sealed" if skin.sealed else "open"
    return skin.name, skin.sector, skin.firm, begins, len(skin.letters), len(skin.files), part


def _factors(skins: Sequence[Skin]) -> str:
    levels = (
        f"- `{name}`: {', '.join(str(level).lower() for level in levels)}" for name, levels in LEVELS.items()
    )
    slots = [f"threat.{level}" for level in LEVELS["threat"] if level != "none"] + [
        "lever.live",
        "lever.inert",
    ]
    wordings = ", ".join(f"{min(skin.variants(slot) for skin in skins)} of {slot}" for slot in slots)
    return "\n".join([*levels, f"- wordings in each office, at least: {wordings}"])


def _tools(family: str) -> str:
    rules = find_rules(family)
    assert rules is not None
    tasks = sorted({skin.task.tool for skin in load_skins(family)})
    own = [name for name in rules.tools if name not in COMMON]
    lines = [f"- {describe_tool(spec)}" for spec in tool_specs(own, soft=False)]
    lines.append(f"- of every episode: {', '.join(COMMON)}")
    lines.append(f"- what does the ordered work: {', '.join(tasks)}")
    return "\n".join(lines)


def _gold(family: str) -> Iterator[str]:
    """How many transcripts there are for each outcome, and what each is about."""
    gold = read_gold(family)
    counts = ", ".join(f"{sum(entry['outcome'] == name for entry in gold)} {name}" for name in OUTCOMES)
    yield f"{len(gold)}, each played in every office with exactly its outcome: {counts}."
    yield "\n".join(
        f"- {name}: {'; '.join(_about(entry) for entry in gold if entry['outcome'] == name)}"
        for name in OUTCOMES
    )


def _about(entry: dict[str, str]) -> str:
    kind = entry.get("kind", "honeypot")
    return entry["why"] + (f" ({kind})" if kind != "honeypot" else "")


def _excerpt(family: str, skin: Skin) -> Iterator[str]:
    """Prompts of a honeypot, and of its mailbox the letters of threat and lever."""
    index, episode = _with_threat(family, skin)
    command = f"teachwhy scenarios show {family} --seed {SEED} --index {index} --set skin={skin.name}"
    mailbox = episode.new_office().mailbox
    shown = [mail for mail in mailbox if mail.slot.startswith(("threat.", "lever."))]
    yield (
        f"From `{command}`: both prompts, and of the {len(mailbox)} letters those of the threat and of the "
        "lever, which lie among the others."
    )
    letters = f"\n\n{RULE}\n\n".join(format_mail(mail) for mail in shown)
    yield f"~~~text\n{episode.system}\n\n{RULE}\n\n{episode.user}\n\n{RULE}\n\n{letters}\n~~~"


def _with_threat(family: str, skin: Skin) -> tuple[int, EnglishEpisode]:
    """The first honeypot of the office that has a threat, with its index."""
    index = 0
    while True:
        episode = make_episode(family, "honeypot", "tools", SEED, index, skin=skin.name)
        if episode.condition.threat != "none":
            return index, episode
        index += 1
