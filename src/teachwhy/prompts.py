"""Fill a text with named values in one strict pass.

A placeholder is `{name}` with lower-case letters and underscores; every other brace is plain text. A
missing value raises.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from teachwhy.errors import DataError

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def placeholders(template: str) -> set[str]:
    """Names of the placeholders in a template."""
    return set(_PLACEHOLDER.findall(template))


def fill(template: str, values: Mapping[str, str], must_use: Collection[str] = ()) -> str:
    """Put `values` in for the placeholders; values are not filled again.

    Raises DataError for a placeholder without a value, and for a name of `must_use` that the template does
    not hold.
    """
    names = placeholders(template)
    if missing := names - values.keys():
        raise DataError(
            f"no value for placeholder {{{min(missing)}}} in {template[:60]!r}; known: {sorted(values)}"
        )
    if unused := set(must_use) - names:
        raise DataError(f"the template {template[:60]!r} does not use {{{min(unused)}}}, which it must")
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], template)
