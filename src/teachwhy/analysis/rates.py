"""Scored episodes as counts: reads scores.parquet or rows, checks them, and lays them out by seed, family,
episode.

Each metric says which rows could show the event and in which it happened. An unscorable row is in no
denominator but those of `unscorable`, `harm_best` (as if it had been safe) and `harm_worst` (as if it had
been harmful).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd  # type: ignore[import-untyped]
import pyarrow as pa
import pyarrow.parquet as pq

from teachwhy.analysis.clusters import Clusters
from teachwhy.analysis.intervals import Cells
from teachwhy.errors import DataError
from teachwhy.records import OFFICE, Dialect, EpisodeKind, EpisodeRow, OutcomeName, Split

Flags = npt.NDArray[np.bool_]
Rows: TypeAlias = Path | pd.DataFrame | pa.Table | Sequence[EpisodeRow]
Denominator = Literal["scored", "acted", "all"]

KINDS: tuple[EpisodeKind, ...] = get_args(EpisodeKind)
SPLITS: tuple[Split, ...] = get_args(Split)
ALL = "all"
"""In place of a family: all of them together."""
KEY = ["arm", "seed", "kind", "episode_id", "repeat"]
COLUMNS = [*KEY, "family", "split", "outcome", "acted", "right", "task_done"]
CLUSTER_COLUMNS = {"dialect": "sprig", "skin": "", "paraphrase": ""}
"""Columns that rows of earlier versions lack, and what they then hold; only english rows have clusters."""
ALLOWED = {
    "kind": KINDS,
    "split": SPLITS,
    "outcome": get_args(OutcomeName),
    "dialect": get_args(Dialect),
}
SKIN_MARK = "/"
"""Between family and skin in the name of an office, as in seals.json."""
FLAG_COLUMNS = ("acted", "right", "task_done")
WHOLE_COLUMNS = ("seed", "repeat")


@dataclass(frozen=True)
class Metric:
    """A rate: the event, and the rows in which it could have happened."""

    name: str
    event: Callable[[pd.DataFrame], pd.Series]
    denominator: Denominator = "scored"


def outcome_is(*names: str) -> Callable[[pd.DataFrame], pd.Series]:
    """The event that the outcome is one of `names`."""
    return lambda rows: rows["outcome"].isin(names)


def flag_is_set(column: str) -> Callable[[pd.DataFrame], pd.Series]:
    """The event that a yes-or-no column says yes."""
    return lambda rows: rows[column].astype(bool)


METRICS: tuple[Metric, ...] = (
    Metric("harm", outcome_is("harmful")),
    Metric("acting", flag_is_set("acted")),
    Metric("harm_given_action", outcome_is("harmful"), "acted"),
    Metric("right", flag_is_set("right")),
    Metric("escalated", outcome_is("escalated")),
    Metric("attempted", outcome_is("attempted")),
    Metric("declined", outcome_is("declined")),
    Metric("unaware", outcome_is("unaware")),
    Metric("inert", outcome_is("inert")),
    Metric("task_done", flag_is_set("task_done")),
    Metric("unscorable", outcome_is("unscorable"), "all"),
    Metric("harm_best", outcome_is("harmful"), "all"),
    Metric("harm_worst", outcome_is("harmful", "unscorable"), "all"),
)
METRIC_NAMES = tuple(metric.name for metric in METRICS)


@dataclass(frozen=True)
class EpisodeTable:
    """All rows of a run as counts on common axes, so that arms are paired by position."""

    seeds: tuple[int, ...]
    families: tuple[str, ...]
    """Home, near, far, and by name within a split."""
    splits: tuple[str, ...]
    """The split of each family."""
    cells: dict[tuple[str, str], Cells]
    """(arm, kind) -> counts of all metrics, axes M S F E; only arms and kinds with rows are in it."""
    num_rows: dict[tuple[str, str], npt.NDArray[np.int64]]
    """(arm, kind) -> rows a family, unscorable ones included."""
    num_unscorable: dict[tuple[str, str], npt.NDArray[np.int64]]
    arm_seeds: dict[str, tuple[int, ...]]
    """The seeds with rows of each arm."""

    def named_sets(self) -> dict[str, list[int]]:
        """`all`, the splits that have families, and each family by name, as positions on the family axis."""
        named = {ALL: list(range(len(self.families)))}
        for split in SPLITS:
            members = [i for i, own in enumerate(self.splits) if own == split]
            if members:
                named[split] = members
        return named | {name: [i] for i, name in enumerate(self.families)}

    def lending_groups(self, name: str) -> list[list[int]]:
        """The sets of families that lend `name` their spread.

        The splits lend each other that between families. In english, where a family has few skins, single
        families lend each other that between skins. The rest, and skins, stand alone.
        """
        named = self.named_sets()
        if name in SPLITS:
            return [named[split] for split in SPLITS if split in named]
        has_clusters = any(cells.clusters is not None for cells in self.cells.values())
        if not has_clusters or SKIN_MARK in name or name not in self.families:
            return []
        return [[i] for i in range(len(self.families))]


def read_rows(rows: Rows) -> tuple[pd.DataFrame, str]:
    """The columns that the statistics need, checked, and the name of where they came from.

    Raises DataError for a file that is not there or not parquet, a missing column, an empty value, a value
    that is not allowed, an episode twice, a family in two splits and an episode in two families.
    """
    source = str(rows) if isinstance(rows, Path) else "the episode rows"
    frame = load_frame(rows, source)
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise DataError(f"{source}: no column {', '.join(missing)}; needed are {', '.join(COLUMNS)}")
    frame = frame.assign(**{k: v for k, v in CLUSTER_COLUMNS.items() if k not in frame.columns})
    frame = frame[[*COLUMNS, *CLUSTER_COLUMNS]].reset_index(drop=True)
    check_values(frame, source)
    check_identity(frame, source)
    return frame, source


def load_frame(rows: Rows, source: str) -> pd.DataFrame:
    """Whatever holds the rows, as a data frame."""
    wanted = [*COLUMNS, *CLUSTER_COLUMNS]
    if isinstance(rows, pd.DataFrame):
        return rows
    if isinstance(rows, pa.Table):
        return rows.select([name for name in wanted if name in rows.column_names]).to_pandas()
    if isinstance(rows, Path):
        try:
            present = set(pq.read_schema(rows).names)
            return pq.read_table(rows, columns=[name for name in wanted if name in present]).to_pandas()
        except FileNotFoundError as error:
            raise DataError(f"{source}: no such file; run the evaluation first") from error
        except (pa.ArrowInvalid, OSError) as error:
            raise DataError(f"{source}: not a readable parquet file ({error}); write it again") from error
    records = [{name: getattr(row, name) for name in wanted} for row in rows]
    return pd.DataFrame(records, columns=wanted)


def check_values(frame: pd.DataFrame, source: str) -> None:
    """Refuse empty values and values that are not allowed, naming the first row that has one."""
    for name in [*COLUMNS, *CLUSTER_COLUMNS]:
        column = frame[name]
        empty = column.isna()
        if empty.any():
            refuse_value(source, int(empty.idxmax()), name, "empty (NaN or null)", "a value in every row")
        if name in ALLOWED:
            refuse_first(source, column, column.isin(ALLOWED[name]), name, ", ".join(ALLOWED[name]))
        elif name in FLAG_COLUMNS:
            refuse_first(source, column, column.isin([True, False]), name, "true, false")
        elif name in WHOLE_COLUMNS:
            whole = column.map(
                lambda value: isinstance(value, int | np.integer) and not isinstance(value, bool)
            )
            refuse_first(source, column, whole, name, "whole numbers")


def refuse_first(source: str, column: pd.Series, good: pd.Series, name: str, allowed: str) -> None:
    """Raise for the first row whose value is not `good`."""
    if not good.all():
        row = int((~good).idxmax())
        refuse_value(source, row, name, repr(column[row]), allowed)


def refuse_value(source: str, row: int, name: str, value: str, allowed: str) -> None:
    """Raise the DataError of one value."""
    raise DataError(f"{source}: row {row}, field {name}: {value}; allowed: {allowed}. Mend or drop the row")


def check_identity(frame: pd.DataFrame, source: str) -> None:
    """Refuse an episode twice, a family in two splits, an episode in two families, a family named like a
    set.
    """
    twice = frame.duplicated(KEY)
    if twice.any():
        row = int(twice.idxmax())
        what = ", ".join(f"{name} {frame.at[row, name]}" for name in KEY)
        raise DataError(f"{source}: row {row}: {what} is there twice; keep one row an episode")
    pairs = [("family", "split"), ("episode_id", "family")]
    for inner, outer in (*pairs, *(("episode_id", name) for name in CLUSTER_COLUMNS)):
        keys = [inner] if inner == "family" else ["kind", inner]
        counts = frame.groupby(keys)[outer].nunique()
        if (counts > 1).any():
            raise DataError(
                f"{source}: {inner} {counts.idxmax()} is in more than one {outer}; allowed: one, so that "
                "arms can be compared. Evaluate all arms on the same episodes"
            )
    reserved = sorted(set(frame["family"]) & {ALL, *SPLITS})
    if reserved:
        raise DataError(
            f"{source}: field family: {reserved[0]!r} is the name of a set of families; rename it"
        )


def build_table(frame: pd.DataFrame) -> EpisodeTable:
    """Lay checked rows out on the axes seed, family, episode."""
    seeds = tuple(sorted(int(seed) for seed in frame["seed"].unique()))
    owners = dict(zip(frame["family"], frame["split"], strict=True))
    families = tuple(sorted(owners, key=lambda name: (SPLITS.index(owners[name]), name)))
    seed_at = frame["seed"].map({seed: i for i, seed in enumerate(seeds)}).to_numpy()
    family_at = frame["family"].map({name: i for i, name in enumerate(families)}).to_numpy()
    episode_at = place_episodes(frame)
    depth = int(episode_at.max()) + 1 if len(frame) else 1
    shape = (len(seeds), len(families), depth)
    hits, chances, weights = mark_rows(frame)
    unscorable = (frame["outcome"] == "unscorable").to_numpy()

    clusters = place_clusters(frame, family_at, episode_at, shape[1:])
    cells, num_rows, num_unscorable = {}, {}, {}
    for key, rows in frame.groupby(["arm", "kind"], sort=True).indices.items():
        place = np.ravel_multi_index((seed_at[rows], family_at[rows], episode_at[rows]), shape)
        counts = [count_flags(flags[:, rows], place, shape) for flags in (hits, chances, weights)]
        cells[key] = Cells(counts[0], counts[1], counts[2], clusters.get(key[1]))
        num_rows[key] = np.bincount(family_at[rows], minlength=len(families))
        num_unscorable[key] = np.bincount(family_at[rows][unscorable[rows]], minlength=len(families))
    arm_seeds = {
        str(arm): tuple(sorted(int(seed) for seed in own.unique()))
        for arm, own in frame.groupby("arm")["seed"]
    }
    splits = tuple(owners[name] for name in families)
    return EpisodeTable(seeds, families, splits, cells, num_rows, num_unscorable, arm_seeds)


def rows_by_skin(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of english families with each skin, named FAMILY/SKIN, as a family of its own.

    An office task is a skin of which there is one episode; they are left out.
    """
    rows = frame[(frame["dialect"] == "english") & (frame["kind"] != OFFICE)].reset_index(drop=True)
    return rows.assign(family=rows["family"] + SKIN_MARK + rows["skin"])


def place_episodes(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    """The position of each row's episode within its kind and family, the same for every arm and seed."""
    known = (
        frame[["kind", "family", "episode_id"]]
        .drop_duplicates()
        .sort_values(["kind", "family", "episode_id"])
    )
    known["place"] = known.groupby(["kind", "family"]).cumcount()
    merged = frame.merge(known, on=["kind", "family", "episode_id"], how="left", validate="many_to_one")
    places: npt.NDArray[np.int64] = merged["place"].to_numpy(dtype=np.int64)
    return places


def place_clusters(
    frame: pd.DataFrame,
    family_at: npt.NDArray[np.int64],
    episode_at: npt.NDArray[np.int64],
    shape: tuple[int, int],
) -> dict[str, Clusters]:
    """The clusters of every kind of episode; none where all rows are sprig's.

    A sprig episode among english ones is a cluster of its own.
    """
    if "dialect" not in frame.columns or not (frame["dialect"] == "english").any():
        return {}
    has_skin = frame["dialect"] == "english"
    skins = frame["skin"].where(has_skin, frame["episode_id"]).astype(str)
    names = {"skin": skins, "paraphrase": skins + "\n" + frame["paraphrase"].astype(str)}
    found = {}
    for kind, rows in frame.groupby("kind").indices.items():
        places = {level: np.full(shape, -1, dtype=np.int64) for level in names}
        for level, labels in names.items():
            for family in np.unique(family_at[rows]):
                members = rows[family_at[rows] == family]
                own = pd.factorize(labels.iloc[members], sort=True)[0]
                places[level][family, episode_at[members]] = own
        found[str(kind)] = Clusters(**places)
    return found


def mark_rows(frame: pd.DataFrame) -> tuple[Flags, Flags, Flags]:
    """For each metric and row: the event happened, it could have happened, the row carries weight; all (M,
    rows).
    """
    scored = (frame["outcome"] != "unscorable").to_numpy()
    acted = frame["acted"].astype(bool).to_numpy()
    hits, chances, weights = [], [], []
    for metric in METRICS:
        weight = np.ones_like(scored) if metric.denominator == "all" else scored
        chance = weight & acted if metric.denominator == "acted" else weight
        hits.append(chance & metric.event(frame).to_numpy(dtype=bool))
        chances.append(chance)
        weights.append(weight)
    return np.array(hits), np.array(chances), np.array(weights)


def count_flags(flags: Flags, place: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[np.float64]:
    """Number of set flags at each place, (M, *shape)."""
    size = int(np.prod(shape))
    return np.stack([np.bincount(place[row], minlength=size).reshape(shape) for row in flags]).astype(float)
