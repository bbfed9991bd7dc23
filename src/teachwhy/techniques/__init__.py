"""Techniques: make training rows from a constitution with a teacher, and keep them as JSONL."""

from teachwhy.techniques.examples import read_examples, write_examples
from teachwhy.techniques.pipeline import Generated, Rejected, ShortfallError, Technique, Workshop
from teachwhy.techniques.registry import TECHNIQUES, generate, make_rows
from teachwhy.techniques.settings import find_faults

__all__ = [
    "TECHNIQUES",
    "Generated",
    "Rejected",
    "ShortfallError",
    "Technique",
    "Workshop",
    "find_faults",
    "generate",
    "make_rows",
    "read_examples",
    "write_examples",
]
