"""Constitutions: any text cut into addressable sections, and the one in our own words."""

from teachwhy.constitution.parse import (
    Constitution,
    Section,
    load_constitution,
    parse_constitution,
)

__all__ = ["Constitution", "Section", "load_constitution", "parse_constitution"]
