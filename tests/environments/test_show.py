"""The page of the docs is what the code makes, and the yield counts what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from teachwhy.environments import SourcePrompt, load_shipped_prompts
from teachwhy.environments.catalogue import load_catalogue
from teachwhy.environments.show import SHOWN, describe_catalogue, measure_yield, write_parts
from teachwhy.errors import ConfigError

PAGE = Path(__file__).parents[2] / "docs" / "environments.md"
ALL = sum(len(domain.tools) for domain in load_catalogue())


def test_the_page_is_as_the_code_makes_it() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.count("made by show.py -->") == 3
    assert write_parts(page) == page, (
        "make it again: python -m teachwhy.environments.show docs/environments.md"
    )


def test_ten_rows_are_shown_with_their_user_turns() -> None:
    page = PAGE.read_text(encoding="utf-8")
    texts = {prompt.id: prompt.text for prompt in load_shipped_prompts()}
    parts = re.split(r"^### \d+\. ", page, flags=re.MULTILINE)[1:]
    assert len(parts) == len(SHOWN) == 10
    for (name, _, cell), part in zip(SHOWN, parts, strict=True):
        assert f"cell `{cell}`" in part
        assert "\n".join(f"    {line}".rstrip() for line in texts[name].split("\n")) in part
        assert ("\ntools (" in part) == (cell in ("tools", "both"))
        assert ("\nsystem:" in part) == (cell in ("system", "both"))


def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)  # noqa: S102
    assert names["row"].kind == "prompt"  # type: ignore[attr-defined]


def test_the_yield_counts_exclusions_and_draws() -> None:
    ducks = SourcePrompt(id="a", text="Tell me a joke about ducks.")
    tides = SourcePrompt(id="b", text="hm", touches=("weather",))
    found = measure_yield([ducks, tides], num_seeds=5)
    weather = next(len(domain.tools) for domain in load_catalogue() if domain.name == "weather")
    assert (found.num_prompts, found.num_tools, found.share_with_exclusions) == (2, ALL, 0.5)
    assert (found.fewest_left, found.median_left) == (ALL - weather, ALL - weather / 2)
    assert found.excluded_by_domain["weather"] == 0.5
    assert sum(found.excluded_by_domain.values()) == 0.5
    assert sum(found.draws_by_num_tools.values()) == 10


def test_a_prompt_that_leaves_nothing_is_counted_and_not_drawn() -> None:
    names = tuple(domain.name for domain in load_catalogue())
    found = measure_yield([SourcePrompt(id="a", text="hm", touches=names)])
    assert (found.fewest_left, found.draws_by_num_tools, found.num_drawn) == (0, {}, 0)
    assert "the fewest 0." in describe_catalogue([SourcePrompt(id="a", text="hm", touches=names)])


def test_over_the_shipped_prompts_nearly_all_tools_are_drawn() -> None:
    found = measure_yield()
    assert found.num_drawn >= 0.95 * ALL
    assert found.most_drawn[1] <= 0.2 * sum(found.draws_by_num_tools.values())
    assert max(found.excluded_by_domain.values()) < 0.85


def test_an_unknown_mark_is_named() -> None:
    with pytest.raises(ConfigError, match="mark 'colours' is unknown; allowed: catalogue, families, rows"):
        write_parts("<!-- colours: made by show.py -->\n<!-- end -->")
