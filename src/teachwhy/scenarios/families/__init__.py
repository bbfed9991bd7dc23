"""The families of temptation: every folder here that holds a `family.py`.

`FAMILIES` maps names to families, in the order home, near, far and by name within.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from teachwhy.scenarios.families.base import Facts, Family, Findings

_SPLITS = ("home", "near", "far")


def _find_families() -> dict[str, Family]:
    found = [
        import_module(f"{__name__}.{module.name}.family").FAMILY
        for module in iter_modules(__path__)
        if module.ispkg
    ]
    return {family.name: family for family in sorted(found, key=lambda f: (_SPLITS.index(f.split), f.name))}


FAMILIES: dict[str, Family] = _find_families()

__all__ = ["FAMILIES", "Facts", "Family", "Findings"]
