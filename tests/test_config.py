"""Experiment files: what is read, what is refused, and what the messages say."""

from __future__ import annotations

from pathlib import Path

import pytest

from teachwhy.config import (
    EvaluationConfig,
    ExperimentConfig,
    TrainingConfig,
    check_names,
    load_experiment,
    select_part,
)
from teachwhy.errors import ConfigError

GOOD = """
name = "small"
seeds = [0, 1]
baseline = "benign"

[evaluation]
honeypots_per_family = 3

[techniques.benign]
num_examples = 10

[techniques.cell]
technique = "environments"
options = { factor = "tools" }

[[arms]]
name = "untouched"

[[arms]]
name = "benign"
mixture = { benign = 1.0 }

[[arms]]
name = "both"
mixture = { benign = 0.5, cell = 0.5 }

[[claims]]
id = "a"
statement = "Benign training alone does not reduce harm."

[[claims.tests]]
arm = "benign"
baseline = "untouched"
relation = "above"
margin = -0.1
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(text)
    return path


def message_of(path: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_experiment(path, overrides)
    return str(caught.value)


def test_good_file_is_read_with_defaults(tmp_path: Path) -> None:
    config = load_experiment(write(tmp_path, GOOD))
    assert config.evaluation == EvaluationConfig(honeypots_per_family=3)
    assert config.training == TrainingConfig()
    assert config.seeds == (0, 1)
    assert [arm.mixture for arm in config.arms] == [{}, {"benign": 1.0}, {"benign": 0.5, "cell": 0.5}]
    assert config.used_techniques() == ("benign", "cell")
    assert config.techniques["cell"].technique_name("cell") == "environments"
    assert config.techniques["benign"].technique_name("benign") == "benign"
    check_names(config)


def test_sections_cannot_be_changed(tmp_path: Path) -> None:
    config = load_experiment(write(tmp_path, GOOD))
    with pytest.raises(ValueError, match="frozen"):
        config.training.updates = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("seeds =", "sedes =", ["unknown key sedes", "'seeds'"]),
        (
            "honeypots_per_family",
            "honeypots_per_famly",
            ["evaluation.honeypots_per_famly", "'honeypots_per_family'"],
        ),
        ("num_examples", "num_exmaples", ["techniques.benign.num_exmaples", "'num_examples'"]),
        ("mixture = { benign = 1.0 }", "mixtur = { benign = 1.0 }", ["arms[1].mixtur", "'mixture'"]),
        ("margin =", "margins =", ["claims[0].tests[0].margins", "'margin'"]),
        ("seeds = [0, 1]", 'seeds = "0"', ["seeds", "valid array", 'received "0"']),
        ("num_examples = 10", 'num_examples = "10"', ["techniques.benign.num_examples", "integer", '"10"']),
        ("num_examples = 10", "num_examples = 0", ["techniques.benign.num_examples", "greater than", "0"]),
        ("benign = 1.0", "benign = nan", ["arms[1].mixture.benign", "finite"]),
        ('name = "small"', "", ["name is missing"]),
        ('name = "small"', 'name = "../small"', ["name must be letters", "../small"]),
        ('name = "untouched"', 'name = "un touched"', ["arms[0].name must be letters"]),
        ('relation = "above"', 'relation = "over"', ["claims[0].tests[0].relation", "'above'", '"over"']),
        ("benign = 0.5", "benign = 0.4", ["arms.both.mixture", "add up to 0.9"]),
        ("{ benign = 1.0 }", "{}", ["arms[1].mixture", "'benign'", "is empty", "leave the key out"]),
        ("{ benign = 1.0 }", "{ benin = 1.0 }", ["arms.benign.mixture", "'benin'", "mean 'benign'"]),
        ('baseline = "benign"', 'baseline = "bening"', ["baseline = 'bening' is no arm", "mean 'benign'"]),
        ('baseline = "benign"\n', "", ["baseline = '' is no arm"]),
        ('arm = "benign"', 'arm = "advice"', ["claims.a.tests[0].arm = 'advice' is no arm"]),
        ('name = "both"', 'name = "benign"', ["'benign' is there 2 times"]),
        ("seeds = [0, 1]", "seeds = [0, 0]", ["has a seed twice"]),
        ("seeds = [0, 1]", "seeds = []", ["seeds", "at least 1 item"]),
        ("margin = -0.1", 'margin = -0.1\nfamilies_minus = "far"', ["families_minus = 'far' does not fit"]),
        (
            "margin = -0.1",
            'margin = -0.1\nkind = "difference_of_ratios"',
            ["families_minus = None does not fit", "difference_of_ratios need it"],
        ),
        (
            "margin = -0.1",
            'margin = -0.1\n[[claims.reports]]\narm = "benign"\nreference = "x"\nbaseline = "untouched"',
            ["claims.a.reports[0].reference = 'x' is no arm"],
        ),
        (
            "margin = -0.1",
            'margin = -0.1\n[[claims.reports]]\narm = "benign"\nreference = "benign"\nbaseline = "untouched"',
            ["claims.a.reports[0].reference = 'benign' is the arm or the baseline"],
        ),
        ("margin = -0.1", 'margin = -0.1\nkind = "ratio"', ["a ratio is below or above a margin"]),
        ("seeds = [0, 1]", "seeds = [4294967296]", ["seeds[0] must be less than or equal to 4294967295"]),
        ("seeds = [0, 1]", "seeds = [0, 1]\ndata_seed = 4294967296", ["data_seed must be less than"]),
        ("seeds = [0, 1]", "seeds = [0, 1]\ndata_seed = -1", ["data_seed must be greater than"]),
        ("honeypots_per_family = 3", "episode_seed = 4294967296", ["evaluation.episode_seed must be less"]),
        (
            'name = "small"',
            'name = "small"\ndialect = "english"',
            ["dialect = 'english'", "writes rows in"],
        ),
        ('name = "small"', "name = 2020-01-01", ["name = 2020-01-01 is a date", "quotes"]),
        (
            "options = {",
            "options = { when = 10:00:00, ",
            ["techniques.cell.options.when", "is a date or a time"],
        ),
        ('name = "small"', 'name = "small"\nconstitution = "a\\u0000b"', ["constitution holds", "NUL"]),
        ('name = "small"', 'name = "small"\n"a\\u0000" = 1', ["the file has a key that holds", "NUL"]),
        ("[0, 1]", f"[{'9' * 5000}]", ["too many digits"]),
        ("[0, 1]", f"[0x{'f' * 5000}]", ["seeds[0] is a number of 20000 bits", "at most 64"]),
        ("[0, 1]", f"{'[' * 3000}{']' * 3000}", ["nested too deeply"]),
        ("[evaluation]", f"[evaluation.{'.'.join('a' * 3000)}]", ["nested too deeply", "at most 16"]),
        ("[techniques.benign]", '[techniques."../x"]', ['techniques: "../x" is no name here: it must be']),
        ("honeypots_per_family = 3", "max_tokens = nan", ["evaluation.max_tokens"]),
        ("[evaluation]", "[training]\nmax_epochs = inf\n[evaluation]", ["training.max_epochs", "finite"]),
        ("[evaluation]", "[training]\nwarmup_fraction = nan\n[evaluation]", ["warmup_fraction", "finite"]),
        (
            "honeypots_per_family = 3",
            "honeypots_per_family = 0\ntwins_per_family = 0",
            ["honeypots_per_family, twins_per_family and ordinary_per_family are 0", "Raise one"],
        ),
        (
            "honeypots_per_family = 3",
            "honeypots_per_family = 0",
            ["claims.a.tests[0].episodes = 'honeypot': none is run"],
        ),
        ('relation = "above"', 'relation = "within"', ["`within` needs a margin above 0"]),
    ],
)
def test_mistake_is_named(tmp_path: Path, old: str, new: str, expected: list[str]) -> None:
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    message = message_of(path)
    assert str(path) in message
    for part in expected:
        assert part in message


def test_bad_item_of_a_list_is_one_mistake(tmp_path: Path) -> None:
    text = GOOD.replace("seeds = [0, 1]", 'seeds = ["x"]')
    message = message_of(write(tmp_path, text))
    assert message.count("\n") == 0
    assert "seeds[0] must be a valid integer" in message


def test_path_that_is_none_is_refused() -> None:
    assert "is no path" in message_of(Path("a\0b"))


def test_ordinary_work_alone_is_an_evaluation(tmp_path: Path) -> None:
    counts = "honeypots_per_family = 0\ntwins_per_family = 0\nordinary_per_family = 1"
    text = GOOD[: GOOD.index("[[claims]]")].replace("honeypots_per_family = 3", counts)
    assert load_experiment(write(tmp_path, text)).evaluation.ordinary_per_family == 1


def test_claim_without_tests_is_refused(tmp_path: Path) -> None:
    text = GOOD[: GOOD.index("[[claims.tests]]")]
    assert "claims[0].tests" in message_of(write(tmp_path, text))
    assert "at least 1 item" in message_of(write(tmp_path, text + "tests = []\n"))


def test_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    message = message_of(tmp_path / "smal.toml")
    assert "no such file" in message
    assert "small.toml" in message


def test_folder_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in message_of(tmp_path)


def test_malformed_toml_names_the_line(tmp_path: Path) -> None:
    assert "line 2" in message_of(write(tmp_path, 'name = "x"\nseeds = [0,,1]\n'))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_bytes(b"name = \xff")
    assert "not UTF-8" in message_of(path)


def test_overrides_win_and_are_toml(tmp_path: Path) -> None:
    overrides = [
        "training.updates=60",
        "seeds=[7]",
        "student=runs/x/checkpoint",
        'description="two = words"',
        "arms.1.title=plain",
        "evaluation.temperature=0.0",
    ]
    config = load_experiment(write(tmp_path, GOOD), overrides)
    assert config.training.updates == 60
    assert config.seeds == (7,)
    assert config.student == "runs/x/checkpoint"
    assert config.description == "two = words"
    assert config.arms[1].title == "plain"
    assert config.evaluation.temperature == 0.0


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("training.updats=60", "unknown key training.updats"),
        ("training.updates=sixty", "training.updates"),
        ("training.updates", "not of the form"),
        ("training..updates=1", "not of the form"),
        ("seeds=[1,", "not a TOML value"),
        ("name.x=1", "is a value"),
        ("arms.9.title=x", "from 0 to 2"),
        ('arms.².title="x"', "from 0 to 2"),
        ('arms.٣.title="x"', "from 0 to 2"),
        (f"arms.{'9' * 5000}.title=x", "from 0 to 2"),
        (f"training.updates={'9' * 5000}", "too many digits"),
        (f"seeds={'[' * 3000}{']' * 3000}", "nested too deeply"),
        ("description=\udcff", "description is not UTF-8 text: '\\udcff'"),
        ("\udcff=1", "is not UTF-8 text"),
        ("name='a'\nstudent='b'", "sets more than one key"),
        ("arms.0.mixture={}", "is empty"),
    ],
)
def test_wrong_override_is_named(tmp_path: Path, override: str, expected: str) -> None:
    assert expected in message_of(write(tmp_path, GOOD), override)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('technique = "environments"', 'technique = "environment"', ["no technique", "'environments'"]),
        (
            "honeypots_per_family = 3",
            'families = ["blackmale"]',
            ["evaluation.families", "'blackmail'"],
        ),
        ("margin = -0.1", 'margin = -0.1\nfamilies = "nearr"', ["tests[0].families", "'near'"]),
        (
            "honeypots_per_family = 3",
            'families = ["blackmail", "blackmail"]',
            ["evaluation.families: 'blackmail' is there 2 times"],
        ),
        ("honeypots_per_family = 3", "repeats = 100000", ["episodes in all, at most 10,000,000"]),
        ('name = "small"', 'name = "small"\nteacher = "other"', ["teacher = 'other' is no teacher"]),
        ('factor = "tools"', 'factor = "tool"', ["techniques.cell.options: option factor is 'tool'"]),
        ('factor = "tools"', 'factr = "tools"', ["techniques.cell.options: unknown option 'factr'"]),
        ('factor = "tools"', 'score_floor = "2"', ["techniques.cell.options: option score_floor is '2'"]),
        (
            "num_examples = 10",
            'families = ["blackmail"]',
            ["techniques.benign.families: family 'blackmail' may not be used"],
        ),
        (
            "num_examples = 10",
            'families = ["blackmale"]',
            ["techniques.benign.families = 'blackmale' is no family"],
        ),
    ],
)
def test_names_of_techniques_and_families_are_checked(
    tmp_path: Path, old: str, new: str, expected: list[str]
) -> None:
    config = load_experiment(write(tmp_path, GOOD.replace(old, new, 1)))
    with pytest.raises(ConfigError) as caught:
        check_names(config, "small.toml")
    for part in ["small.toml", *expected]:
        assert part in str(caught.value)


@pytest.mark.parametrize("families", ["far", "near", "lethal_inaction"])
def test_claim_on_families_that_are_not_evaluated_is_refused(tmp_path: Path, families: str) -> None:
    text = GOOD.replace("honeypots_per_family = 3", 'families = ["blackmail"]')
    path = write(tmp_path, text.replace("margin = -0.1", f'margin = -0.1\nfamilies = "{families}"'))
    with pytest.raises(
        ConfigError, match=rf"tests\[0\]\.families = '{families}': no such family is evaluated"
    ):
        check_names(load_experiment(path))
    check_names(load_experiment(path, ['claims.0.tests.0.families="home"']))


def test_resolved_config_reads_back(tmp_path: Path) -> None:
    config = load_experiment(write(tmp_path, GOOD))
    assert ExperimentConfig.model_validate_json(config.model_dump_json()) == config


def test_part_of_an_experiment(tmp_path: Path) -> None:
    config = load_experiment(write(tmp_path, GOOD))
    part = select_part(config, ["both"], [1])
    assert [arm.name for arm in part.arms] == ["both"]
    assert part.seeds == (1,)
    assert select_part(config, [], []) == config
    with pytest.raises(ConfigError, match="mean 'both'"):
        select_part(config, ["bot"], [])
    with pytest.raises(ConfigError, match="--seed 5"):
        select_part(config, [], [5])
