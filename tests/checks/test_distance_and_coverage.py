"""Distance to the evaluation grows with what a text is about; coverage counts sections."""

from __future__ import annotations

import pytest
from tests.checks.rows import chat, make_rows

from teachwhy.checks.audit import audit_rows
from teachwhy.checks.distance import describe_distances, load_meter
from teachwhy.checks.row_text import RowText, hash_words, split_row_words
from teachwhy.checks.suites import load_suites
from teachwhy.config import GateConfig
from teachwhy.constitution import parse_constitution

CONSTITUTION = parse_constitution("# One\n\nDo good.\n\n# Two\n\nBe open.\n", "small")


def distances(texts: list[str]) -> list[float]:
    meter = load_meter()
    measured = meter.measure([hash_words(split_row_words(text)) for text in texts])
    return [1 - float(row.max()) for row in measured.by_suite]


def test_an_evaluated_text_is_near_and_random_words_are_far() -> None:
    suite = load_suites()[1]
    item = suite.items[0]
    near, half, far = distances(
        [
            "\n".join(item.texts),
            "\n".join(item.texts)[:700] + make_rows(1, 200)[0].messages[1].content,
            make_rows(1, 200)[0].messages[1].content,
        ]
    )
    assert near < 0.35 < half < far
    assert far > 0.85


def test_the_nearest_text_is_named_and_the_quantiles_are_in_order() -> None:
    meter = load_meter()
    suite = load_suites()[1]
    measured = meter.measure([hash_words(split_row_words("\n".join(suite.items[3].texts)))])
    assert meter.items[int(measured.nearest[0])] == (suite.name, suite.items[3].id)
    described = describe_distances(meter, measured.by_suite)
    assert set(described.suites) == {each.name for each in load_suites()}
    values = list(described.quantiles.values())
    assert values == sorted(values)


def test_references_stand_on_both_sides_of_an_audit() -> None:
    references = load_meter().measure_references()
    assert references.evaluated.quantiles["0.5"] < references.neutral.quantiles["0.5"]
    assert references.neutral.num_rows == 200


def test_empty_rows_are_at_distance_one() -> None:
    assert distances(["", "…"]) == [1.0, 1.0]
    assert load_meter().measure([]).by_suite.shape == (0, len(load_meter().suites))


def test_coverage_counts_rows_of_each_section() -> None:
    rows = [
        chat("A?", "B.", "a").model_copy(update={"sections": sections})
        for sections in (("one", "one"), ("x",), ())
    ]
    found = audit_rows(rows, GateConfig(), CONSTITUTION).coverage
    assert [(each.section, each.num_rows) for each in found.sections] == [("one", 1), ("two", 0)]
    assert (found.missing, found.num_without, found.share) == (("two",), 1, 0.5)
    assert [(each.section, each.num_rows) for each in found.unknown] == [("x", 1)]


@pytest.mark.parametrize("text", ["I said so.", "A — b"])
def test_places_of_a_row_are_found_again(text: str) -> None:
    row = RowText(chat("One two.", text))
    assert row.locate(0).role == "user" and row.locate(3).role == "assistant"
    with pytest.raises(IndexError):
        row.locate(99)
