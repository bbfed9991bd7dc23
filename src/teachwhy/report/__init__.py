"""The report of a finished run: HTML, Markdown and three pictures, made from its files alone."""

from __future__ import annotations

from teachwhy.report.write import write_report

__all__ = ["write_report"]
