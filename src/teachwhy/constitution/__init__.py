"""Constitutions: any text cut into addressable sections, and the one in our own words."""

from teachwhy.constitution.describe import Description, describe
from teachwhy.constitution.parse import (
    Constitution,
    Section,
    load_constitution,
    parse_constitution,
)

__all__ = [
    "Constitution",
    "Description",
    "Section",
    "describe",
    "load_constitution",
    "parse_constitution",
]
