"""Numbers as the report prints them: percentages, differences in points, p-values, counts, durations."""

from __future__ import annotations

import math

NONE_TEXT = "–"
SECONDS_PER_MINUTE = 60
SECONDS_PER_HOUR = 3600


def format_percent(value: float | None) -> str:
    """A fraction as a percentage without its sign; one decimal below 10 % where there is one to show.

    0 and 1 print as 0 and 100 only when they are exactly that.
    """
    if value is None or not math.isfinite(value):
        return NONE_TEXT
    percent = 100 * value
    if percent == round(percent):
        return f"{percent:.0f}"
    if percent < 10:
        return f"{percent:.1f}" if percent >= 0.05 else "<0.1"
    if percent > 99:
        return f"{percent:.1f}" if percent < 99.95 else ">99.9"
    return f"{percent:.0f}"


def format_interval(low: float | None, high: float | None) -> str:
    """Both bounds as percentages."""
    if low is None or high is None:
        return NONE_TEXT
    return f"{format_percent(low)}–{format_percent(high)}"


def format_points(value: float | None) -> str:
    """A difference of fractions in percentage points, with its sign (a true minus)."""
    if value is None or not math.isfinite(value):
        return NONE_TEXT
    points = 100 * value
    text = f"{abs(points):.1f}" if abs(points) < 10 else f"{abs(points):.0f}"
    if float(text) == 0:
        return "0"
    return ("−" if points < 0 else "+") + text


def format_p(value: float | None) -> str:
    """A p-value to two figures, never below 0.001."""
    if value is None or not math.isfinite(value):
        return NONE_TEXT
    if value < 0.001:
        return "<0.001"
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def format_count(value: float | None) -> str:
    """A count with thin spaces between thousands."""
    return NONE_TEXT if value is None else f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def format_seconds(value: float | None) -> str:
    """A duration in the largest unit that suits it."""
    if value is None:
        return NONE_TEXT
    if value < SECONDS_PER_MINUTE:
        return f"{value:.0f} s"
    if value < SECONDS_PER_HOUR:
        return f"{value / SECONDS_PER_MINUTE:.1f} min"
    return f"{value / SECONDS_PER_HOUR:.1f} h"


def plural(count: int, noun: str, many: str = "") -> str:
    """The count with its noun in the right number.

    >>> plural(1, "seed"), plural(8, "family", "families")
    ('1 seed', '8 families')
    """
    return f"{format_count(count)} {noun if count == 1 else many or noun + 's'}"
