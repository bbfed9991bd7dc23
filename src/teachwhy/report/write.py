"""Write report.html and figures/*.png beside the files of a finished run.

Reads what `run_files` names; writes RUN_DIR/report.html and RUN_DIR/figures/, each under a temporary name first,
so that a report with its final name is whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from teachwhy.errors import StorageError
from teachwhy.report.number_text import plural
from teachwhy.report.page import Page, build_page, render_page
from teachwhy.report.pictures import draw_heat_maps, draw_outcomes, draw_rates
from teachwhy.report.run_files import RunFiles, read_run


def write_report(run_dir: Path) -> Path:
    """Write the report of the run in `run_dir` and return the path of report.html.

    Raises DataError when a file of the run is absent or broken, StorageError when the folder cannot be written.
    """
    run = read_run(run_dir)
    page = build_page(run)
    html = render_page(page)
    figures = run_dir / "figures"
    try:
        figures.mkdir(exist_ok=True)
        _draw_pictures(run, page, figures)
        report = run_dir / "report.html"
        _write_whole(report, lambda path: path.write_text(html, encoding="utf-8", newline="\n"))
    except OSError as error:
        raise StorageError(
            f"{run_dir}: the report cannot be written ({error.strerror or error}); free some space or make the folder writable"
        ) from error
    return report


def _draw_pictures(run: RunFiles, page: Page, folder: Path) -> None:
    num_seeds = max((len(arm.seeds) for arm in run.summary.arms), default=0)
    student = run.manifest.experiment.student
    if student == "sprig":
        student = "sprig, a small model organism (no evidence about frontier models)"
    about = f"{page.title}. {plural(num_seeds, 'seed')}. Student: {student or 'unknown'}."
    dashed = f" Dashed: {page.rates.baseline_title}." if page.rates.baseline_title else ""
    rates_note = f"Honeypots, 95 % intervals.{dashed} {about}"
    _write_whole(folder / "harm_and_right.png", lambda path: draw_rates(page.rates, path, rates_note))
    heat_note = f"Honeypots by family. {about}"
    _write_whole(folder / "heatmap.png", lambda path: draw_heat_maps(page.heats, path, heat_note))
    _write_whole(folder / "outcomes.png", lambda path: draw_outcomes(page.outcomes, path, about))


def _write_whole(path: Path, write: Callable[[Path], object]) -> None:
    temporary = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        write(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
