"""The card of a dataset: README.md as the Hugging Face hub reads it, from rows, audit and ledger alone.

Nothing stands in it that is not measured or configured. What a model or a person wrote (reasons, names) is
escaped, so that it can be neither markup nor YAML.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from teachwhy.checks.audit_record import Audit, DatasetAudit
from teachwhy.config import GRAMMAR
from teachwhy.data.folder import EXAMPLES, Dataset, Recipe
from teachwhy.data.recipe_toml import write_toml
from teachwhy.errors import ConfigError, InputError
from teachwhy.run_dir import atomic_write_text
from teachwhy.service.ledger import CallLedger, Spending
from teachwhy.techniques import TECHNIQUES
from teachwhy.visible_text import make_visible

SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
SIZE_NAMES = ("n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M", "1M<n<10M", "10M<n<100M")
"""The hub's words for how many rows there are."""
MAX_REASONS = 12
MAX_REASON_CHARACTERS = 200
GATES = ("decontamination", "identity", "injections", "talk_of_tests", "duplicates", "semantic")
"""The gates whose refusals begin with their name."""
MAX_TICS = 20
QUANTILES = ("0", "0.05", "0.5")
"""Of the distances, shown."""
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
_LICENSE = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_MARKDOWN = "\\`*_{}[]<>()#.!|~&$@:^"
"""Every character that begins something in Markdown, in HTML inside it, or in the hub's additions to it."""


class CardSource(NamedTuple):
    """What a card is made from; `audit` and `ledger` are None where there is none."""

    dataset: Dataset
    name: str
    audit: Audit | None
    ledger: CallLedger | None


def write_card(path: Path, source: CardSource, license_name: str = "") -> None:
    """Write the card, whole or not at all; without a license none is named."""
    atomic_write_text(path, make_card(source, license_name))


def make_card(source: CardSource, license_name: str = "") -> str:
    """The whole README.md."""
    parts = [
        _front_matter(source, license_name),
        *_head(source),
        *_yield(source.dataset),
        *_stages(source),
        *_costs(source),
        *_coverage(source.audit),
        *_audit(source.audit),
        *_limits(source),
        *_reproduction(source.dataset.recipe),
    ]
    return "\n".join(parts).rstrip("\n") + "\n"


@contextmanager
def open_card_ledger(dataset: Dataset, path: Path | None) -> Iterator[CallLedger | None]:
    """The ledger at `path`, or the one beside the dataset if there is any. Raises InputError."""
    if path is not None and not path.is_file():
        raise InputError(f"{path}: there is no such ledger. Give another with --ledger, or leave it out.")
    found = path or dataset.ledger
    if not found.is_file():
        yield None
        return
    with CallLedger(found, pays=False) as ledger:
        yield ledger


def check_license(name: str) -> None:
    """Raises ConfigError for what is no name of a license on the hub."""
    if name and not _LICENSE.fullmatch(name):
        raise ConfigError(
            f"--license {name[:80]!r}: is no name of a license; allowed: small letters, digits, . and -, for "
            "example cc-by-4.0. Correct it, or leave it out."
        )


def escape(text: str, limit: int = MAX_REASON_CHARACTERS) -> str:
    r"""A foreign text as one line of plain Markdown.

    >>> escape("[b](c)")
    '\\[b\\]\\(c\\)'
    """
    line = " ".join(make_visible(text).split())
    line = line if len(line) <= limit else f"{line[:limit]} ..."
    return "".join(f"\\{char}" if char in _MARKDOWN else char for char in line)


def _front_matter(source: CardSource, license_name: str) -> str:
    """YAML whose values are all JSON, which is YAML too."""
    num_rows = len(source.dataset.examples)
    size = SIZE_NAMES[sum(num_rows >= bound for bound in SIZES)]
    values: dict[str, Any] = {
        **({"license": license_name} if license_name else {}),
        "language": ["en"],
        "pretty_name": make_visible(source.name),
        "task_categories": ["text-generation"],
        "size_categories": [size],
        "tags": ["synthetic", "alignment", "teachwhy"],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": EXAMPLES}]}],
    }
    lines = [f"{name}: {json.dumps(value)}" for name, value in values.items()]
    return "\n".join(("---", *lines, "---", ""))


def _head(source: CardSource) -> Iterator[str]:
    rows, recipe = source.dataset.examples, source.dataset.recipe
    yield f"# {escape(source.name)}\n"
    yield (
        "Training rows made by teachwhy from a constitution. Everything below is counted from the rows, "
        "their audit and the ledger of calls; what could not be measured is said to be so.\n"
    )
    facts = [("Rows", _count(len(rows)))]
    for title, values in (
        ("Kind", [row.kind for row in rows]),
        ("Technique", [row.technique for row in rows]),
        ("Teacher", [row.teacher for row in rows]),
    ):
        facts.append((title, ", ".join(_describe_values(title, values))))
    if recipe is not None:
        judge = escape(recipe.generation.judge) if recipe.generation.judge else "none: rules of the grammar"
        facts += [
            ("Judge", judge),
            ("Constitution", f"{escape(recipe.constitution)}, {len(recipe.sections)} sections"),
            ("Fingerprint of its text", f"`{recipe.constitution_fingerprint}`"),
            ("Seed of the rows", str(recipe.data_seed)),
            ("Made with", f"teachwhy {escape(recipe.version)}"),
        ]
    yield from _table(("", ""), facts)


def _describe_values(title: str, values: Sequence[str]) -> Iterator[str]:
    """Each value with its meaning, and with its number where there are several."""
    counts = Counter(values)
    for value, num in counts.most_common():
        text = escape(value)
        if title == "Technique" and value in TECHNIQUES:
            text += f" ({TECHNIQUES[value].role}: {escape(TECHNIQUES[value].summary)})"
        yield f"{text}: {_count(num)}" if len(counts) > 1 else text


def _yield(dataset: Dataset) -> Iterator[str]:
    num_kept, num_refused = len(dataset.examples), len(dataset.rejected)
    total = num_kept + num_refused
    yield "## Yield\n"
    share = f" ({num_kept / total:.1%})" if total else ""
    yield (
        f"{_count(num_kept)} of {_count(total)} drafts became rows{share}; {_count(num_refused)} were "
        "refused.\n"
    )
    reasons = Counter(_kind_of(row.reason) for row in dataset.rejected)
    if reasons:
        shown = reasons.most_common(MAX_REASONS)
        others = sum(reasons.values()) - sum(num for _, num in shown)
        lines = [(escape(reason), _count(num)) for reason, num in shown]
        yield from _table(
            ("Why drafts were refused", "Drafts"),
            [*lines, *([("other reasons", _count(others))] if others else [])],
        )


def _kind_of(reason: str) -> str:
    """A reason without what is of one row only: a gate by its name, figures left out."""
    gate, colon, _ = reason.partition(": ")
    return gate if colon and gate in GATES else _FIGURE.sub("N", reason)


def _stages(source: CardSource) -> Iterator[str]:
    """Stage, version of its prompts, rows that it made a part of."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in source.dataset.examples:
        counts.update(row.stages.items())
    yield "## Stages\n"
    yield "The version of a stage is the digest of its prompt files, or the version of the grammar.\n"
    lines = [(escape(stage), escape(version), _count(num)) for (stage, version), num in counts.items()]
    yield from _table(("Stage", "Version", "Rows"), lines)


def _costs(source: CardSource) -> Iterator[str]:
    yield "## Calls and costs\n"
    if source.ledger is None:
        yield "There is no ledger beside this dataset, so what it cost is not known.\n"
        return
    spending = source.ledger.spent_by_stage()
    if not spending:
        yield "No model was called: the rows come from a grammar, and cost nothing.\n"
        return
    yield (
        "All calls of the ledger beside this dataset. Datasets beside it share that ledger, and a call "
        "that two of them make is paid once. Unusable answers were cut, filtered or unreadable, and are "
        "paid too.\n"
    )
    head = ("Stage", "Role", "Model", "Calls", "Errors", "Unusable", "Tokens in", "Tokens out", "Dollars")
    lines = [
        (escape(stage), escape(role), escape(model), *_describe_spending(spent))
        for (stage, role, model), spent in spending.items()
    ]
    yield from _table(head, [*lines, ("**All**", "", "", *_describe_spending(source.ledger.spent()))])


def _describe_spending(spent: Spending) -> tuple[str, ...]:
    dollars = "not known" if spent.cost_usd is None else f"{spent.cost_usd:.6f}"
    counts = (spent.num_calls, spent.num_errors, spent.num_unusable, spent.input_tokens, spent.output_tokens)
    return (*map(_count, counts), dollars)


def _coverage(audit: Audit | None) -> Iterator[str]:
    if audit is None:
        return
    coverage = audit.coverage
    num_sections = len(coverage.sections)
    yield "## Coverage of the constitution\n"
    yield (
        f"Rows rest on {num_sections - len(coverage.missing)} of {num_sections} sections; "
        f"{_count(coverage.num_without)} rows rest on none, as those of controls do.\n"
    )
    lines = [(escape(found.section), _count(found.num_rows)) for found in coverage.sections]
    lines += [
        (f"{escape(found.section)} (no section of it)", _count(found.num_rows)) for found in coverage.unknown
    ]
    yield from _table(("Section", "Rows"), lines)


def _audit(audit: Audit | None) -> Iterator[str]:
    yield "## Audit\n"
    if audit is None:
        yield "The rows were not audited: run `teachwhy data audit` on them.\n"
        return
    for failure in audit.failures:
        yield f"- **Fails.** {escape(failure)}"
    yield "" if audit.failures else "Nothing in the audit speaks against the rows.\n"
    lines = [(escape(found.gate), _count(found.num_rows)) for found in audit.gates]
    if lines:
        yield from _table(("Gate that refuses rows", "Rows"), lines)
    for found in audit.datasets:
        yield from _describe_rows(found)
    if audit.datasets:
        yield from _distances(audit)


def _describe_rows(found: DatasetAudit) -> Iterator[str]:
    """Lengths, how answers look, what repeats."""
    quantiles = found.lengths.quantiles
    yield (
        f"Words that the student learns to say in a row: {found.lengths.mean:.0f} on average, median "
        f"{quantiles.get('0.5', 0)}, from {quantiles.get('0', 0)} to {quantiles.get('1', 0)}. "
        f"{found.refusal_rate:.0%} of the answers begin by declining, {found.question_rate:.0%} ask "
        "something.\n"
    )
    if not found.tics:
        yield "No opening, closing, phrase or name repeats so often that the audit calls it a tic.\n"
        return
    lines = [(escape(tic.kind), escape(tic.text), f"{tic.share:.0%}") for tic in found.tics[:MAX_TICS]]
    yield f"{_count(len(found.tics))} things repeat in many rows; the commonest:\n"
    yield from _table(("Kind", "What repeats", "Rows"), lines)


def _distances(audit: Audit) -> Iterator[str]:
    """How near the rows are to what is evaluated, beside what that may be compared with."""
    yield "## Distance to the evaluations\n"
    yield (
        "From a row to the nearest evaluated text: 0 is the same words, 1 has no telling word in common. "
        "Evaluated texts to one another, and texts about nothing, stand beside it.\n"
    )
    lines = [
        (name, *(f"{one.quantiles[share]:.2f}" if share in one.quantiles else "-" for share in QUANTILES))
        for name, one in (
            *((f"these rows ({escape(found.technique)})", found.distance) for found in audit.datasets),
            ("evaluated texts", audit.references.evaluated),
            ("texts about nothing", audit.references.neutral),
        )
    ]
    yield from _table(("Texts", "Nearest", "5 %", "Median"), lines)


def _limits(source: CardSource) -> Iterator[str]:
    yield "## Known limits\n"
    teachers = {row.teacher for row in source.dataset.examples}
    if GRAMMAR in teachers:
        yield (
            "- The rows are written by a grammar in the plain English of sprig, the small model organism of "
            "teachwhy: few words, repeated sentences. They are for experiments with that model, and say "
            "nothing about other models."
        )
        yield "- The score of a row is the grammar's own rule, not a judgement of its quality."
    if teachers - {GRAMMAR}:
        yield "- The rows are written by a language model; the score of a row is one model's judgement."
    yield "- Nothing here records that a person has read the rows. `teachwhy data review` shows some of them."
    if source.ledger is not None and source.ledger.spent().cost_usd is None:
        yield "- The price of some calls is not known, so that the dollars above are no total."
    yield ""


def _reproduction(recipe: Recipe | None) -> Iterator[str]:
    yield "## How to make it again\n"
    if recipe is None:
        yield "The folder does not say how the rows were made.\n"
        return
    yield f"Save as `dataset.toml`, then run `teachwhy generate {recipe.key} --config dataset.toml`:\n"
    yield "```toml"
    yield from write_toml(recipe)
    yield "```\n"
    if recipe.teacher == GRAMMAR:
        yield f"The grammar of teachwhy {escape(recipe.version)} makes the same rows.\n"
    else:
        yield (
            "With the ledger of this dataset in the output folder the same rows come out of it and nothing "
            "is paid; without it the model is asked again, and what it answers need not be the same.\n"
        )


def _table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> Iterator[str]:
    """A Markdown table; its cells are Markdown already."""
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    yield from (f"| {' | '.join(line)} |" for line in lines)
    yield ""


def _count(number: int) -> str:
    return f"{number:,}"
