"""Maps the columns of the source table to those of an observation.

The layouts are those of Google's Imagery Insights (Street View Insights) datasets, according to its
reference pages and published samples. All asset tables there have the same layout; ``bbox`` is a
STRUCT of two corners (``lo`` and ``hi``, each with ``x`` and ``y``), ``camera_pose`` one of six
floats. A panorama frame belongs to no asset: its table has no asset, bounds or detection time, and
its position is ``capture_location``. Not every column was documented for every table (the bounds of
cropped images, for example, only in a sample that reads them like full frames), so the table's
schema is checked before a statement runs, and every column can be mapped differently.

The newest row counts. A ``_latest`` table (or ``latest_observations``) has one snapshot, and each
observation once; otherwise the row with the greater snapshot id counts, then the one with the later
detection, which makes the choice deterministic. A table of all snapshots is joined with the table
``snapshots`` beside it, and the snapshot that was created last counts, since the images of older
snapshots expire first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from sightline.errors import ConfigurationError
from sightline.gcp.bigquery.literals import column_path
from sightline.gcp.bigquery.place import checked_table
from sightline.records import BBOX, POSE

if TYPE_CHECKING:
    from google.cloud.bigquery import SchemaField

TEXTS = ("observation_id", "asset_id", "snapshot_id", "asset_type", "gcs_uri", "map_url")
TIMES = ("capture_time", "detection_time")
NUMBERS = (
    "latitude",
    "longitude",
    *(f"bbox_{name}" for name in BBOX),
    *(f"camera_pose_{name}" for name in POSE),
)
COLUMNS = (*TEXTS, *TIMES, *NUMBERS)
"""The columns of an observation to which a column of the source can be mapped."""

STRUCTS = {"bbox": BBOX, "camera_pose": POSE}
"""Columns that can be mapped as a whole, to another column of the same shape or to none."""

NEEDED = ("observation_id", "gcs_uri")
_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_SETTING = "correct `[bigquery.columns]` in the settings"


@dataclass(frozen=True, slots=True)
class Layout:
    """The column names of one kind of table; ``snapshots`` is true if it holds all snapshots."""

    columns: Mapping[str, str]
    snapshots: bool = False


_ASSETS: Mapping[str, str] = MappingProxyType(
    {
        **{name: name for name in (*TEXTS, *TIMES)},
        "latitude": "location.latitude",
        "longitude": "location.longitude",
        "bbox_x_min": "bbox.lo.x",
        "bbox_y_min": "bbox.lo.y",
        "bbox_x_max": "bbox.hi.x",
        "bbox_y_max": "bbox.hi.y",
        **{f"camera_pose_{name}": f"camera_pose.{name}" for name in POSE},
    }
)
_PANORAMAS: Mapping[str, str] = MappingProxyType(
    {
        **_ASSETS,
        **dict.fromkeys(("asset_id", "asset_type", "detection_time"), ""),
        **{f"bbox_{name}": "" for name in BBOX},
        "latitude": "capture_location.latitude",
        "longitude": "capture_location.longitude",
    }
)
LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        "latest_observations": Layout(_ASSETS),
        "all_observations": Layout(_ASSETS, snapshots=True),
        "cropped_observations_latest": Layout(_ASSETS),
        "cropped_observations_all": Layout(_ASSETS, snapshots=True),
        "full_frame_observations_latest": Layout(_ASSETS),
        "full_frame_observations_all": Layout(_ASSETS, snapshots=True),
        "pano_observations_latest": Layout(_PANORAMAS),
        "pano_observations_all": Layout(_PANORAMAS, snapshots=True),
    }
)
"""The layouts of the dataset's tables, by the name of the table."""


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A table of observations: ``project.dataset.table``, its layout, and exceptions from it.

    ``columns`` maps Sightline's names (``COLUMNS``, or a whole of ``STRUCTS``) to a path in the
    table, such as ``location.latitude``, or to the empty text if the table has no such column.
    """

    full_name: str
    layout: str = "latest_observations"
    columns: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check all names, since statements contain them.

        Raises:
            ConfigurationError: a name is invalid.
        """
        if self.full_name:  # workers need none; reading observations without one is an error
            checked_table(self.full_name, "bigquery.source")
        if self.layout not in LAYOUTS:
            raise ConfigurationError(
                f"bigquery.layout = {self.layout!r} is not accepted; accepted: {_list(LAYOUTS)}"
            )
        for name, path in self.columns.items():
            if name not in COLUMNS and name not in STRUCTS:
                raise ConfigurationError(
                    f"bigquery.columns.{name} is not a column of an observation; accepted:"
                    f" {_list((*COLUMNS, *STRUCTS))}"
                )
            if not _PATH.fullmatch(path) and (path or name in NEEDED):
                raise ConfigurationError(
                    f"bigquery.columns.{name} = {path!r} is not accepted; accepted: a column of"
                    " the source, such as location.latitude, or empty if the source has none"
                    f" ({_list(NEEDED)} are required)"
                )

    @property
    def has_snapshots(self) -> bool:
        """Whether the table holds all snapshots; ``snapshots`` then gives the newest one."""
        return LAYOUTS[self.layout].snapshots

    @property
    def snapshots_table(self) -> str:
        """The quoted name of the table of snapshots beside it."""
        project_and_dataset, _, _ = self.full_name.rpartition(".")
        return f"`{project_and_dataset}.snapshots`"

    def paths(self) -> dict[str, str]:
        """Return the path in the table for each of ``COLUMNS``; empty if it has none."""
        paths = dict(LAYOUTS[self.layout].columns)
        for whole, members in STRUCTS.items():
            replacement = self.columns.get(whole)
            for member in members if replacement is not None else ():
                inside = paths[f"{whole}_{member}"].partition(".")[2] or member
                paths[f"{whole}_{member}"] = f"{replacement}.{inside}" if replacement else ""
        return paths | {name: path for name, path in self.columns.items() if name in COLUMNS}

    def check(self, schema: Iterable[SchemaField]) -> None:
        """Check that the table has all mapped columns.

        Raises:
            ConfigurationError: it lacks some; the message lists the columns that it has.
        """
        present = sorted(_paths_of(schema))
        lower = {path.lower() for path in present}
        absent = [
            f"{path} (for {name})"
            for name, path in self.paths().items()
            if path and path.lower() not in lower
        ]
        if absent:
            raise ConfigurationError(
                f"{self.full_name} is not laid out as {self.layout}: it has no {_list(absent)}; it"
                f" has {_list(present)}; {_SETTING}"
            )

    def select(self) -> str:
        """Return the query of the observations: each once, from the newest snapshot.

        Numbers are finite or NULL, times are TIMESTAMP, identities are never NULL. Rows without an
        observation id are ignored.
        """
        paths = {name: path for name, path in self.paths().items() if path}
        values = {name: f"_source.{column_path(path)}" for name, path in paths.items()}
        columns = [f"{_value(name, values.get(name))} AS {name}" for name in COLUMNS]
        source, joined = checked_table(self.full_name, "bigquery.source"), ""
        order = [
            f"{values[name]} DESC NULLS LAST"
            for name in ("snapshot_id", "detection_time", "capture_time", "gcs_uri")
            if name in values
        ]
        if self.has_snapshots and "snapshot_id" in values:
            joined = (
                f"\nLEFT JOIN {self.snapshots_table} AS _snapshots"
                f" ON _snapshots.snapshot_id = {values['snapshot_id']}"
            )
            order = ["_snapshots.creation_time DESC NULLS LAST", *order]
        return f"""SELECT
  {_lines(columns)}
FROM {source} AS _source{joined}
WHERE CAST({values["observation_id"]} AS STRING) <> ''
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY {values["observation_id"]} ORDER BY {", ".join(order)}) = 1"""  # noqa: S608 - checked names


def _value(name: str, value: str | None) -> str:
    if name in TIMES:
        return f"SAFE_CAST({value or 'NULL'} AS TIMESTAMP)"
    if name in NUMBERS:
        number = f"SAFE_CAST({value or 'NULL'} AS FLOAT64)"
        return f"IF(IS_NAN({number}) OR IS_INF({number}), NULL, {number})" if value else number
    text = f"CAST({value or 'NULL'} AS STRING)"
    return f"NULLIF({text}, '')" if name == "map_url" else f"COALESCE({text}, '')"


def _paths_of(schema: Iterable[SchemaField], inside: str = "") -> Iterable[str]:
    for column in schema:
        yield f"{inside}{column.name}"
        if column.mode != "REPEATED":
            yield from _paths_of(column.fields, f"{inside}{column.name}.")


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)


def _lines(columns: Iterable[str]) -> str:
    return ",\n  ".join(columns)
