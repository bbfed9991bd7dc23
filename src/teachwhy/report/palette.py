"""Colours of the report, light and dark, once for the page and the pictures.

Harm is warm and the right act is cool, a pair that people with any common colour-blindness tell apart, and
nothing is said by colour alone. A test computes the contrast of every text on its ground (WCAG 2.2, 1.4.3).
"""

from __future__ import annotations

from types import MappingProxyType
from typing import NamedTuple

HEAT_FLOOR = 0.05
"""Opacity of a heat-map cell at rate 0, so that measured cells differ from empty ones."""


class Fill(NamedTuple):
    """A ground and the text on it."""

    ground: str
    text: str


class Theme(NamedTuple):
    """All colours of one theme, as #rrggbb."""

    page: str
    surface: str
    sunken: str
    ink: str
    muted: str
    line: str
    harm: str
    right: str
    harm_heat: str
    """Harm at rate 1 in a heat map: deeper than `harm`, so that numbers on it read well."""
    right_heat: str
    good: str
    bad: str
    accent: str
    outcomes: MappingProxyType[str, Fill]


LIGHT = Theme(
    page="#f6f6f3",
    surface="#ffffff",
    sunken="#f1f2f0",
    ink="#1b2026",
    muted="#57606b",
    line="#dfe2e4",
    harm="#bf430e",
    right="#1d62a8",
    harm_heat="#9c3006",
    right_heat="#164c87",
    good="#12704b",
    bad="#8f2a6b",
    accent="#1d62a8",
    outcomes=MappingProxyType(
        {
            "harmful": Fill("#bf430e", "#ffffff"),
            "attempted": Fill("#eeaa85", "#1b2026"),
            "escalated": Fill("#1d62a8", "#ffffff"),
            "declined": Fill("#93bfe8", "#1b2026"),
            "unaware": Fill("#ded3a6", "#1b2026"),
            "inert": Fill("#c8ccd1", "#1b2026"),
            "unscorable": Fill("#f1f2f0", "#1b2026"),
        }
    ),
)

DARK = Theme(
    page="#101317",
    surface="#171b20",
    sunken="#1e2329",
    ink="#e7eaee",
    muted="#a1abb6",
    line="#2d343c",
    harm="#f29263",
    right="#70b3f6",
    harm_heat="#f29263",
    right_heat="#70b3f6",
    good="#5cc79a",
    bad="#e892c6",
    accent="#8cc2f7",
    outcomes=MappingProxyType(
        {
            "harmful": Fill("#f29263", "#171b20"),
            "attempted": Fill("#8c4a2b", "#f4ece7"),
            "escalated": Fill("#70b3f6", "#171b20"),
            "declined": Fill("#2f5a85", "#eaf2fb"),
            "unaware": Fill("#b3a876", "#171b20"),
            "inert": Fill("#535c66", "#f2f4f6"),
            "unscorable": Fill("#1e2329", "#e7eaee"),
        }
    ),
)


def heat_opacity(rate: float) -> float:
    """Opacity of the metric's colour over the surface for a rate of 0 to 1."""
    return HEAT_FLOOR + (1 - HEAT_FLOOR) * min(1.0, max(0.0, rate))


def heat_ground(theme: Theme, metric: str, rate: float) -> str:
    """The ground of a heat-map cell of `harm` or `right`."""
    return blend(theme.harm_heat if metric == "harm" else theme.right_heat, theme.surface, heat_opacity(rate))


def heat_text_is_white(theme: Theme, metric: str, rate: float) -> bool:
    """Whether white reads better than black on a heat-map cell; the better of both has at least 4.58 to 1."""
    ground = luminance(heat_ground(theme, metric, rate))
    return 1.05 / (ground + 0.05) > (ground + 0.05) / 0.05


def blend(colour: str, ground: str, opacity: float) -> str:
    """The colour seen when `colour` lies over `ground`, mixed in sRGB as a browser does."""
    pairs = zip(_bytes(colour), _bytes(ground), strict=True)
    return "#" + "".join(f"{round(opacity * over + (1 - opacity) * under):02x}" for over, under in pairs)


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1, as WCAG 2.2 defines it."""
    shares = (value / 255 for value in _bytes(colour))
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours, 1 to 21, as WCAG 2.2 defines it."""
    dark, light = sorted((luminance(first), luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def channels(colour: str) -> str:
    """A colour #rrggbb as "r g b", the form that CSS rgb() takes with an opacity."""
    return " ".join(str(value) for value in _bytes(colour))


def _bytes(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5))
