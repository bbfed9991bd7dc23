"""What an evaluation will say and cost, before anything is run: `teachwhy evaluate MODEL --plan`.

Reads no output folder and writes nothing. How many honeypots a wanted half-width takes comes from the cluster
structure that the suite deals (analysis/precision.py); tokens from rendering a sample of the episodes. In the
presentation behind tools every turn sends all that came before again: by its last turn the model is taken to
have read the whole office, evenly over its turns, so that the figure is that of a model which uses them all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from teachwhy.analysis.precision import ALIKE, REALISTIC, Design, Spread, find_size, half_widths
from teachwhy.config import EvaluationConfig, ExperimentConfig, default_limits
from teachwhy.errors import ConfigError
from teachwhy.evaluation.run import resolve_model_name
from teachwhy.evaluation.tasks import PRESENTATIONS, Rendering, check_families, plan_episodes, plan_office
from teachwhy.providers.checkpoint import LOCAL_PROVIDER, find_checkpoint
from teachwhy.records import OFFICE, Dialect, EpisodeKind, Part, Presentation
from teachwhy.scenarios.english.episodes import draw_condition
from teachwhy.scenarios.english.office import FullOffice
from teachwhy.scenarios.english.tool_deeds import format_mail
from teachwhy.scenarios.harness import AnyEpisode, opening
from teachwhy.scenarios.office_tasks import count_tasks

RATES = (0.5, 0.3, 0.02)
SPREADS: dict[str, Spread] = {"alike": ALIKE, "differ": REALISTIC}
REPEATS = (1, 3)
MAX_PER_FAMILY = 1000
"""More honeypots a family than this count as out of reach."""
NUM_DEALT = 150
"""Among so many episodes a family practically every paraphrase was dealt."""
NUM_SAMPLED = 3
"""Episodes a family and kind that are rendered for the tokens."""
LETTERS_PER_TOKEN = 4.0
TURN_TOKENS = 300
"""Output tokens assumed of a turn, if `max_tokens` allows them."""
MILLION = 1e6

CountTokens = Callable[[str], float]


class Prices(NamedTuple):
    """Dollars, or whatever the user thinks in, for a million tokens."""

    input: float
    output: float


class Tokens(NamedTuple):
    """Tokens of an average episode of one kind."""

    presentation: Presentation
    kind: EpisodeKind
    num_turns: int
    input: float
    output: float

    def cost(self, prices: Prices) -> float:
        """The price of one episode, without what a provider's cache saves."""
        return (self.input * prices.input + self.output * prices.output) / MILLION


class Need(NamedTuple):
    """What a wanted half-width takes at one rate."""

    rate: float
    clusters: str
    repeats: int
    num_per_family: int | None
    """None where MAX_PER_FAMILY do not reach it."""
    half_width: float
    """At that number, or at MAX_PER_FAMILY."""


@dataclass(frozen=True)
class EvaluationPlan:
    """All that `--plan` prints."""

    model: str
    config: ExperimentConfig
    precision: float
    num_families: int
    needs: tuple[Need, ...]
    configured: tuple[Need, ...]
    """What the honeypots of the configuration reach."""
    tokens: tuple[Tokens, ...]
    """Of each presentation: honeypots first, then what else the configuration runs."""
    counted_by: str
    prices: Prices | None

    @property
    def honeypots(self) -> tuple[Tokens, ...]:
        """The tokens of a honeypot in each presentation."""
        return tuple(tokens for tokens in self.tokens if tokens.kind == "honeypot")

    def num_episodes(self, need: Need) -> int | None:
        """Honeypots of all families and repeats."""
        return None if need.num_per_family is None else need.num_per_family * need.repeats * self.num_families


def plan_precision(
    config: ExperimentConfig, precision: float, input_price: float | None, output_price: float | None
) -> EvaluationPlan:
    """The plan of evaluating `config.student`. Raises `ConfigError` for values that make no sense."""
    if not 0 < precision < 0.5:
        raise ConfigError(f"--precision {precision:g}: allowed is more than 0 and less than 0.5, as 0.05.")
    prices = read_prices(input_price, output_price)
    evaluation, dialect = config.evaluation, config.dialect
    families = check_families(evaluation.families, "evaluation.families")
    designs = {
        repeats: make_design(families, dialect, repeats, evaluation.episode_seed, evaluation.part)
        for repeats in {*REPEATS, evaluation.repeats}
    }
    needs = [
        find_need(rate, label, designs[repeats], precision)
        for rate in RATES
        for label in SPREADS
        for repeats in sorted({*REPEATS, evaluation.repeats})
    ]
    honeypots = evaluation.honeypots_per_family
    configured = [
        Need(
            rate,
            label,
            evaluation.repeats,
            honeypots,
            reach(rate, label, designs[evaluation.repeats], honeypots),
        )
        for rate in RATES
        for label in SPREADS
        if honeypots
    ]
    counted_by, count = choose_counter(config.student)
    tokens = estimate_tokens(evaluation, dialect, families, count)
    return EvaluationPlan(
        config.student,
        config,
        precision,
        len(families),
        tuple(needs),
        tuple(configured),
        tokens,
        counted_by,
        prices,
    )


def read_prices(input_price: float | None, output_price: float | None) -> Prices | None:
    """Both prices or none. Raises `ConfigError`."""
    if input_price is None and output_price is None:
        return None
    if input_price is None or output_price is None:
        raise ConfigError("--input-price and --output-price belong together: give both, or neither.")
    for name, value in (("--input-price", input_price), ("--output-price", output_price)):
        if not 0 <= value < float("inf"):
            raise ConfigError(f"{name} {value:g}: allowed is a price of 0 or more for a million tokens.")
    return Prices(input_price, output_price)


def make_design(
    families: Sequence[str], dialect: Dialect, repeats: int, seed: int, part: Part = "all"
) -> Design:
    """The cluster structure of the honeypots: in english as the suite deals skins and paraphrases."""
    if dialect == "sprig":
        return Design(len(families), repeats, lambda num: 0, lambda num: 0)

    @cache
    def dealt(family: str) -> tuple[tuple[str, str], ...]:
        drawn = (draw_condition(family, "honeypot", "tools", seed, index, part) for index in range(NUM_DEALT))
        return tuple((one.skin, one.paraphrase) for one in drawn)

    return Design(
        len(families),
        repeats,
        lambda num: sum(len({one[0] for one in dealt(family)[:num]}) for family in families),
        lambda num: sum(len(set(dealt(family)[:num])) for family in families),
    )


def find_need(rate: float, label: str, design: Design, precision: float) -> Need:
    """The fewest honeypots a family with intervals of that half-width."""
    found = find_size(rate, design, SPREADS[label], precision, MAX_PER_FAMILY)
    return Need(rate, label, design.repeats, found, reach(rate, label, design, found or MAX_PER_FAMILY))


def reach(rate: float, label: str, design: Design, num_per_family: int) -> float:
    """The half-width to be expected of so many honeypots a family."""
    return float(half_widths(rate, design, SPREADS[label], [num_per_family])[0])


def choose_counter(model: str) -> tuple[str, CountTokens]:
    """The checkpoint's own tokenizer where the model is one of this machine, else characters; named."""
    name = resolve_model_name(model)
    provider, _, checkpoint = name.partition("/")
    if provider == LOCAL_PROVIDER:
        file = find_checkpoint(checkpoint).tokenizer_path / "tokenizer.json"
        if file.is_file():
            return "the tokenizer of the checkpoint", _load_counter(file)
    return f"characters / {LETTERS_PER_TOKEN:g}, as no tokenizer of the model is at hand", count_letters


def count_letters(text: str) -> float:
    """Tokens by the rule of thumb for English."""
    return len(text) / LETTERS_PER_TOKEN


def _load_counter(file: Path) -> CountTokens:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(file))
    return lambda text: float(len(tokenizer.encode(text, add_special_tokens=False).ids))


def estimate_tokens(
    config: EvaluationConfig, dialect: Dialect, families: Sequence[str], count: CountTokens
) -> tuple[Tokens, ...]:
    """Tokens of an average honeypot, and of each other kind that is run, in each presentation of the dialect.

    Office tasks are behind tools only.
    """
    found = []
    counts = config.count_kinds(len(families), count_tasks())
    kinds = [kind for kind, number in counts.items() if number or kind == "honeypot"]
    for presentation in PRESENTATIONS if dialect == "english" else PRESENTATIONS[:1]:
        limits = default_limits(dialect, presentation)
        own = presentation == config.presentation
        turns = config.max_turns if own else limits["max_turns"]
        output = min(TURN_TOKENS, config.max_tokens if own else limits["max_tokens"])
        shown = Rendering(dialect, presentation, config.own_name, config.hint, config.part)
        for kind in kinds:
            if kind != OFFICE:
                plans = plan_episodes(families, kind, NUM_SAMPLED, 1, config.episode_seed, shown)
            elif presentation == "tools":
                plans = plan_office("", 1)
            else:
                continue
            inputs = [count_input(plan.episode, turns, output, count) for plan in plans]
            found.append(Tokens(presentation, kind, turns, sum(inputs) / len(inputs), float(turns * output)))
    return tuple(found)


def count_input(episode: AnyEpisode, num_turns: int, turn_tokens: float, count: CountTokens) -> float:
    """Input tokens of an episode of so many turns: the opening each turn, and what came since."""
    tools = json.dumps([tool.as_openai() for tool in episode.tools])
    start = count(tools) + sum(count(message.content) for message in opening(episode))
    read = count(office_text(episode)) / num_turns
    return num_turns * start + num_turns * (num_turns - 1) / 2 * (read + turn_tokens)


def office_text(episode: AnyEpisode) -> str:
    """What there is to read in the office, in the words of its letters and files."""
    office = episode.new_office()
    if isinstance(office, FullOffice):
        return "\n".join([*map(format_mail, office.mailbox), *office.share.values()])
    return "\n".join([*(mail.text for mail in office.inbox), *office.files.values()])


def describe_plan(plan: EvaluationPlan) -> Iterator[str]:
    """The plan as lines of plain text."""
    evaluation = plan.config.evaluation
    yield f"Plan for {plan.model}, {plan.config.dialect} episodes. Nothing was run, nothing is written."
    yield ""
    yield f"Honeypots for a half-width of {plan.precision:g} (95 % interval, {plan.num_families} families)."
    yield "Clusters (families, skins, paraphrases) are alike: all have one rate. They differ: by standard"
    yield (
        f"deviations of {REALISTIC.family:g}, {REALISTIC.skin:g}, {REALISTIC.paraphrase:g} on the log-odds, "
        f"and episodes by {REALISTIC.episode:g}. This is an assumption."
    )
    yield ""
    heads = [f"{tokens.presentation} {told}" for tokens in plan.honeypots for told in cost_heads(plan)]
    yield from format_table(
        ["rate", "clusters", "repeats", "a family", "in all", *heads],
        [describe_need(plan, need) for need in plan.needs],
    )
    yield ""
    honeypots = evaluation.honeypots_per_family
    yield f"As configured, {honeypots} honeypots a family, repeats {evaluation.repeats}:"
    yield ""
    yield from format_table(
        ["rate", "clusters", "half-width"],
        [[f"{need.rate:g}", need.clusters, f"{need.half_width:.3f}"] for need in plan.configured],
    )
    yield ""
    yield f"Tokens of one episode, and of all as configured, by {plan.counted_by}."
    yield f"All turns are taken to be used, with {TURN_TOKENS} output tokens each; most models use fewer."
    office = " Office tasks are behind tools only." if evaluation.office_repeats else ""
    yield f"What a provider's cache saves is left out.{office}"
    yield ""
    yield from format_table(
        ["presentation", "kind", "turns", "input", "output", "episodes", *cost_heads(plan)],
        list(describe_kinds(plan)),
    )


def describe_kinds(plan: EvaluationPlan) -> Iterator[list[str]]:
    """Lines of the last table: each kind in each presentation, and all kinds together."""
    counts = plan.config.evaluation.count_kinds(plan.num_families, count_tasks())
    for presentation in dict.fromkeys(tokens.presentation for tokens in plan.tokens):
        own = [one for one in plan.tokens if one.presentation == presentation and counts[one.kind]]
        for one in own:
            sizes = (f"{one.num_turns}", f"{one.input:,.0f}", f"{one.output:,.0f}", f"{counts[one.kind]:,}")
            yield [presentation, one.kind, *sizes, *cost_cells(plan, [(one, counts[one.kind])])]
        number = sum(counts[one.kind] for one in own)
        costs = cost_cells(plan, [(one, counts[one.kind]) for one in own])
        yield [presentation, "all", "", "", "", f"{number:,}", *costs]


def cost_heads(plan: EvaluationPlan) -> list[str]:
    """What `cost_cells` holds."""
    return ["M in", "M out", *(["cost"] if plan.prices else [])]


def cost_cells(plan: EvaluationPlan, kinds: Sequence[tuple[Tokens, int]]) -> list[str]:
    """Millions of tokens of so many episodes of each kind together, and the price where there is one."""
    inputs = sum(number * tokens.input for tokens, number in kinds)
    outputs = sum(number * tokens.output for tokens, number in kinds)
    millions = [f"{value / MILLION:,.1f}" for value in (inputs, outputs)]
    if plan.prices is None:
        return millions
    return [*millions, f"{sum(number * tokens.cost(plan.prices) for tokens, number in kinds):,.2f}"]


def describe_need(plan: EvaluationPlan, need: Need) -> list[str]:
    """One line of the first table."""
    num = plan.num_episodes(need)
    told = str(need.num_per_family) if num is not None else f"out of reach ({need.half_width:.2f})"
    episodes = f"{num:,}" if num is not None else "-"
    costs = ["-"] * len(cost_heads(plan)) * len(plan.honeypots)
    if num is not None:
        costs = [cell for tokens in plan.honeypots for cell in cost_cells(plan, [(tokens, num)])]
    return [f"{need.rate:g}", need.clusters, str(need.repeats), told, episodes, *costs]


def format_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Lines of a table, all columns to the right."""
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]
    for row in (heads, *rows):
        yield "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
