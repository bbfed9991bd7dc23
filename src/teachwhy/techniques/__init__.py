"""Techniques: make training rows from a constitution with a teacher, and keep them as JSONL."""

from teachwhy.techniques.examples import read_examples, write_examples
from teachwhy.techniques.pipeline import Generated, Rejected, Technique, find_faults
from teachwhy.techniques.registry import TECHNIQUES, generate

__all__ = [
    "TECHNIQUES",
    "Generated",
    "Rejected",
    "Technique",
    "find_faults",
    "generate",
    "read_examples",
    "write_examples",
]
