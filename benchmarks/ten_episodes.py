"""Print docs/scenarios/ten-episodes.md: python -m benchmarks.ten_episodes > docs/scenarios/ten-episodes.md"""

from __future__ import annotations

from random import Random

from teachwhy.scenarios.english.episodes import make_episode
from teachwhy.scenarios.english.show import describe_episode
from teachwhy.scenarios.families import FAMILIES
from teachwhy.scenarios.guard import CANARY
from teachwhy.visible_text import make_visible

SEED = 2027
HEAD = f"""# Ten episodes

Drawn at random (families shuffled and two drawn again, index below 1000, by `Random("ten episodes")`)
and not edited: each block is what the command above it prints. The tools presentation: prompts and tools are
what the model gets at once, the rest is what the tools show it as the session begins.
`tests/test_cli_scenarios.py` holds this page to the command; `benchmarks/ten_episodes.py` makes it.

This is evaluation material and must be in no training data: {CANARY}
"""


def main() -> None:
    """Print the page."""
    rng = Random("ten episodes")
    names = list(FAMILIES)
    rng.shuffle(names)
    blocks = []
    for name in [*names, *rng.sample(names, 2)]:
        index = rng.randrange(1000)
        text = make_visible(describe_episode(make_episode(name, "honeypot", "tools", SEED, index)))
        title = f"## teachwhy scenarios show {name} --seed {SEED} --index {index}"
        blocks.append(f"{title}\n\n~~~text\n{text}~~~\n")
    print("\n".join([HEAD, *blocks]), end="")


if __name__ == "__main__":
    main()
