"""Write report.html, report.md and figures/*.png beside the files of a finished run.

Reads what `run_files` names; writes RUN_DIR/report.html, RUN_DIR/report.md and RUN_DIR/figures/, each file
whole or not at all.
"""

from __future__ import annotations

from pathlib import Path

from teachwhy.report.markdown import render_markdown
from teachwhy.report.number_text import plural
from teachwhy.report.page import Page, build_page, render_page
from teachwhy.report.pictures import draw_heat_maps, draw_outcomes, draw_rates
from teachwhy.report.run_files import RunFiles, read_run
from teachwhy.run_dir import atomic_file, atomic_write_text, storage_errors


def write_report(run_dir: Path) -> Path:
    """Write the report of the run in `run_dir` and return the path of report.html.

    Raises DataError when a file of the run is absent or broken, StorageError when nothing can be written.
    """
    run = read_run(run_dir)
    page = build_page(run)
    html = render_page(page)
    with storage_errors(run.paths.figures):
        run.paths.figures.mkdir(exist_ok=True)
    _draw_pictures(run, page)
    atomic_write_text(run.paths.report.with_suffix(".md"), render_markdown(page))
    atomic_write_text(run.paths.report, html)
    return run.paths.report


def _draw_pictures(run: RunFiles, page: Page) -> None:
    num_seeds = max((len(arm.seeds) for arm in run.summary.arms), default=0)
    student = run.manifest.experiment.student
    if student == "sprig":
        student = "sprig, a small model organism (no evidence about frontier models)"
    about = f"{page.title}. {plural(num_seeds, 'seed')}. Student: {student or 'unknown'}."
    dashed = f" Dashed: {page.rates.baseline_title}." if page.rates.baseline_title else ""
    folder = run.paths.figures
    with atomic_file(folder / "harm_and_right.png") as path:
        draw_rates(page.rates, path, f"Honeypots, 95 % intervals.{dashed} {about}")
    with atomic_file(folder / "heatmap.png") as path:
        draw_heat_maps(page.heats, path, f"Honeypots by family. {about}")
    with atomic_file(folder / "outcomes.png") as path:
        draw_outcomes(page.outcomes, path, about)
