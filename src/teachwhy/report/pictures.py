"""PNG pictures of the figures, for a README or slides: harm_and_right.png, heatmap.png, outcomes.png.

Matplotlib is imported when a picture is drawn, with the Agg canvas and no global state, so that reading files
and rendering the page need neither.
"""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from teachwhy.report.figures import METRIC_TITLES, HeatFigure, OutcomeRow, RateFigure
from teachwhy.report.palette import LIGHT, heat_ground
from teachwhy.visible_text import make_visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES = 10.0
ROW_INCHES = 0.36
PIXELS_PER_INCH = 160
LABEL_CHARACTERS = 36
NOTE_CHARACTERS = 125
METRIC_COLOURS = {"harm": LIGHT.harm, "right": LIGHT.right}


def draw_rates(figure: RateFigure, path: Path, note: str) -> None:
    """Dots with intervals, arms as rows, one panel a metric."""
    canvas = _new_figure(len(figure.rows), extra_inches=1.35)
    panels = canvas.subplots(1, len(figure.metrics), sharey=True)
    places = range(len(figure.rows))
    for column, (metric, axes) in enumerate(zip(figure.metrics, panels, strict=True)):
        colour = METRIC_COLOURS[metric]
        mark = figure.baseline_marks[column]
        if mark is not None:
            axes.axvline(mark, color=LIGHT.muted, linewidth=1.1, linestyle=(0, (3, 2.4)), zorder=1)
        for place, row in zip(places, figure.rows, strict=True):
            cell = row.cells[column]
            if cell.estimate is None:
                continue
            if cell.low is not None and cell.high is not None:
                axes.plot(
                    [cell.low, cell.high], [place, place], color=colour, linewidth=2.4, alpha=0.45, zorder=2
                )
            axes.plot(
                cell.estimate, place, "o", color=colour, markersize=7.5, zorder=3, markeredgecolor="white"
            )
            axes.text(106, place, cell.text, va="center", ha="left", fontsize=9, color=LIGHT.ink)
        axes.set_title(f"{METRIC_TITLES[metric]} (%)", loc="left", fontsize=11.5, color=colour, weight="bold")
        axes.set_xlim(-2, 102)
        axes.set_xticks([0, 25, 50, 75, 100])
        axes.grid(axis="x", color=LIGHT.line, linewidth=0.8)
        _plain_axes(axes)
    _label_rows(panels[0], [row.title for row in figure.rows], [row.is_baseline for row in figure.rows])
    _save(canvas, path, note)


def draw_heat_maps(figures: Sequence[HeatFigure], path: Path, note: str) -> None:
    """Arm by family, one panel a metric, families grouped by split."""
    canvas = _new_figure(len(figures[0].rows), extra_inches=2.4)
    panels = canvas.subplots(1, len(figures), sharey=True)
    for axes, figure in zip(panels, figures, strict=True):
        for place, (_, cells) in enumerate(figure.rows):
            for column, cell in enumerate(cells):
                ground = LIGHT.surface if cell.rate is None else heat_ground(LIGHT, figure.metric, cell.rate)
                _draw_heat_cell(axes, column, place, ground)
                text = "white" if cell.white_in_light else "black"
                _write_inside(axes, column, place, cell.text, text)
        start = 0
        for split, families in figure.groups:
            middle = start + (len(families) - 1) / 2
            axes.text(middle, -0.72, split, ha="center", va="bottom", fontsize=9, color=LIGHT.muted)
            if start:
                axes.axvline(start - 0.5, color=LIGHT.ink, linewidth=1.2)
            start += len(families)
        axes.set_xlim(-0.5, start - 0.5)
        names = [_short(family.replace("_", " ")) for family in figure.families]
        axes.set_xticks(range(start), names, rotation=40, ha="right", rotation_mode="anchor")
        title = f"{METRIC_TITLES[figure.metric]} (%)"
        axes.set_title(
            title, loc="left", fontsize=11.5, weight="bold", color=METRIC_COLOURS[figure.metric], pad=20
        )
        _plain_axes(axes)
    rows = [row for row, _ in figures[0].rows]
    _label_rows(panels[0], [row.title for row in rows], [row.is_baseline for row in rows])
    _save(canvas, path, note)


def draw_outcomes(rows: Sequence[OutcomeRow], path: Path, note: str) -> None:
    """Stacked bars of the shares of all outcomes."""
    canvas = _new_figure(len(rows), extra_inches=1.6)
    axes = canvas.subplots()
    seen: set[str] = set()
    for place, row in enumerate(rows):
        left = 0.0
        for segment in row.segments:
            fill = LIGHT.outcomes[segment.outcome]
            hatch = "////" if segment.outcome == "unscorable" else None
            label = segment.outcome if segment.outcome not in seen else None
            seen.add(segment.outcome)
            axes.barh(
                place,
                segment.percent,
                0.74,
                left,
                color=fill.ground,
                label=label,
                hatch=hatch,
                edgecolor=LIGHT.muted if hatch else "white",
                linewidth=0.6,
            )
            if segment.percent >= 5 and not hatch:
                middle = left + segment.percent / 2
                text = f"{segment.percent:.0f}"
                _write_inside(axes, middle, place, text, fill.text)
            left += segment.percent
    axes.set_xlim(0, 100)
    axes.set_title(
        "What the honeypots ended in (% of episodes)",
        loc="left",
        fontsize=11.5,
        weight="bold",
        color=LIGHT.ink,
    )
    _plain_axes(axes)
    handles, labels = axes.get_legend_handles_labels()
    order = sorted(range(len(labels)), key=lambda i: list(LIGHT.outcomes).index(labels[i]))
    axes.legend(
        [handles[i] for i in order],
        [labels[i] for i in order],
        loc="upper center",
        ncols=7,
        bbox_to_anchor=(0.4, -0.28 / (ROW_INCHES * len(rows) + 0.3)),
        frameon=False,
        fontsize=9,
        handlelength=1.1,
        columnspacing=1.2,
    )
    _label_rows(axes, [row.title for row in rows], [row.is_baseline for row in rows])
    _save(canvas, path, note)


def _draw_heat_cell(axes: Axes, column: int, place: int, colour: str) -> None:
    from matplotlib.patches import Rectangle

    corner = (column - 0.5, place - 0.5)
    axes.add_patch(Rectangle(corner, 1, 1, facecolor=colour, edgecolor="white", linewidth=1.4))


def _write_inside(axes: Axes, x: float, y: float, text: str, colour: str) -> None:
    """Text in a bar or cell, which the layout need not measure: that would take most of the time."""
    written = axes.text(x, y, text, ha="center", va="center", fontsize=8.5, color=colour)
    written.set_in_layout(False)


def _new_figure(num_rows: int, extra_inches: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    figure = Figure(
        figsize=(WIDTH_INCHES, extra_inches + ROW_INCHES * num_rows),
        layout=ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1),
    )
    FigureCanvasAgg(figure)
    return figure


def _plain_axes(axes: Axes) -> None:
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.tick_params(length=0, labelsize=9, colors=LIGHT.muted)
    axes.set_axisbelow(True)


def _label_rows(axes: Axes, titles: Sequence[str], bold: Sequence[bool]) -> None:
    axes.set_yticks(range(len(titles)), [_short(title) for title in titles])
    axes.set_ylim(len(titles) - 0.5, -0.5)
    for label, is_bold in zip(axes.get_yticklabels(), bold, strict=True):
        label.set(color=LIGHT.ink, fontsize=9.5, weight="bold" if is_bold else "normal")


def _short(text: str) -> str:
    """At most two lines."""
    plain = " ".join(make_visible(text).split())
    return "\n".join(textwrap.wrap(plain, LABEL_CHARACTERS, max_lines=2, placeholder=" …"))


def _save(figure: Figure, path: Path, note: str) -> None:
    from matplotlib.text import Text

    plain = "\n".join(textwrap.wrap(" ".join(make_visible(note).split()), NOTE_CHARACTERS))
    figure.supxlabel(plain, x=0.012, ha="left", fontsize=8.5, color=LIGHT.muted)
    for text in figure.findobj(Text):
        text.set_parse_math(False)
    with warnings.catch_warnings():
        # Names are the user's and may need a script that the bundled font lacks: a box is drawn.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(
            path, format="png", dpi=PIXELS_PER_INCH, facecolor="white", metadata={"Software": None}
        )
