"""Converts raw columns to rows of the source, whole columns at a time if possible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sightline.local.importing import values
from sightline.local.importing.arrays import decoded, numbers_of, one_by_one, true_indices
from sightline.local.importing.columns import TableLayout
from sightline.local.importing.positions import Positions
from sightline.local.importing.raw_batches import RawBatch
from sightline.local.importing.report import RefusalReason, Tally
from sightline.local.importing.staging import ROW, STAGED_SCHEMA, WHERE
from sightline.local.importing.surveys import TIMES, Readings
from sightline.local.importing.time_forms import ISO_8601, TimeForm
from sightline.local.importing.times import instants_of, time_texts, times_of
from sightline.local.importing.values import Numbers
from sightline.model import asset_class

_GCS = r"^gs://[^/?#\s]+/[^\s]+$"


@dataclass(frozen=True, slots=True)
class Defaults:
    """The defaults for missing or empty columns; relative URIs start at ``base``."""

    asset_type: str
    snapshot_id: str
    base: Path


@dataclass(slots=True)
class _Faults:
    """The first fault of each row of a batch."""

    by_index: dict[int, tuple[RefusalReason, str]] = field(default_factory=dict)

    def add(self, index: int, reason: RefusalReason, detail: str) -> None:
        self.by_index.setdefault(index, (reason, detail))


class Normaliser:
    """Converts batches of one file to rows for staging.

    Refusals name a row by its number or, with ``by_uri``, by its image's URI.
    """

    def __init__(
        self,
        layout: TableLayout,
        defaults: Defaults,
        positions: Positions,
        readings: Readings,
        *,
        by_uri: bool = False,
    ) -> None:
        self._layout = layout
        self._positions = positions
        self._readings = readings
        self._defaults = defaults
        self._by_uri = by_uri

    def rows(self, batch: RawBatch, tally: Tally) -> pa.Table:
        """Return the usable rows of a batch; the others are refused."""
        faults = _Faults()
        plain = self._layout.plain
        read = {
            name: _plain(place.take(batch.columns), name, faults)
            for name, place in plain.items()
            if name not in TIMES
        }
        count = len(batch.numbers)
        columns = self._texts(read, count, faults, tally)
        columns |= self._position(batch, faults)
        for name in TIMES & plain.keys():
            form = self._readings.times.get(name, ISO_8601)
            columns[name] = _times(plain[name].take(batch.columns), name, form, faults)
        for name, reason, convert in (
            ("bbox", RefusalReason.BAD_BBOX, values.bounds_json),
            ("camera_pose", RefusalReason.BAD_CAMERA_POSE, values.pose_json),
        ):
            columns[name] = self._nested(batch, name, reason, convert, faults)
        columns[ROW] = pa.array(batch.numbers)
        columns[WHERE] = named = read["gcs_uri"] if self._by_uri else pa.nulls(count, pa.string())
        for index in sorted(faults.by_index):
            reason, detail = faults.by_index[index]
            tally.refuse(named[index].as_py() or f"row {batch.numbers[index]}", reason, detail)
        return _table(columns, count, faults)

    def _texts(
        self, read: Mapping[str, Any], count: int, faults: _Faults, tally: Tally
    ) -> dict[str, Any]:
        ids = read["observation_id"]
        for index in true_indices(pc.is_null(ids)):
            faults.add(index, RefusalReason.EMPTY_ID, "observation_id is empty")
        nothing = pa.nulls(count, pa.string())
        tally.without_own_type += read.get("asset_type", nothing).null_count
        return {
            "observation_id": ids,
            "asset_id": pc.coalesce(read.get("asset_id", nothing), ids),
            "snapshot_id": pc.coalesce(
                read.get("snapshot_id", nothing), pa.scalar(self._defaults.snapshot_id)
            ),
            "asset_type": _asset_classes(
                pc.coalesce(read.get("asset_type", nothing), pa.scalar(self._defaults.asset_type))
            ),
            "gcs_uri": self._uris(read["gcs_uri"], faults),
            "map_url": read.get("map_url", nothing),
        }

    def _uris(self, uris: Any, faults: _Faults) -> Any:
        if not uris.null_count and pc.all(pc.match_substring_regex(uris, _GCS)).as_py():
            return uris
        base = self._defaults.base
        return one_by_one(
            pc.fill_null(uris, ""),
            pa.string(),
            lambda text: values.image_uri(text, base),
            lambda index, text: faults.add(index, RefusalReason.BAD_URI, text),
        )

    def _position(self, batch: RawBatch, faults: _Faults) -> dict[str, Any]:
        latitude, longitude = self._positions.read(
            batch, lambda index, text: faults.add(index, RefusalReason.BAD_POSITION, text)
        )
        return {"latitude": latitude, "longitude": longitude}

    def _nested(
        self,
        batch: RawBatch,
        name: str,
        reason: RefusalReason,
        convert: Callable[[object, Numbers], str | None],
        faults: _Faults,
    ) -> Any:
        def refuse(index: int, text: str) -> None:
            faults.add(index, reason, f"{name}: {text}")

        numbers = self._readings.numbers
        whole, parts = self._layout.whole.get(name), self._layout.parts[name]
        if whole is not None:
            column = whole.take(batch.columns)
            column = column if pa.types.is_struct(column.type) else decoded(column, refuse)
        elif parts:
            arrays = [
                numbers_of(place.take(batch.columns), numbers, refuse) for place in parts.values()
            ]
            column = pa.StructArray.from_arrays(arrays, names=list(parts))
        else:
            return None
        if column.null_count == len(column):
            return None
        return one_by_one(column, pa.string(), lambda value: convert(value, numbers), refuse)


def _plain(column: Any, name: str, faults: _Faults) -> Any:
    """Return a column as stripped text."""
    texts = decoded(column, lambda index, text: faults.add(
        index, RefusalReason.NOT_UTF8, f"{name}: {text}"))  # fmt: skip
    is_blank = pc.equal(pc.utf8_trim_whitespace(texts), "")
    return pc.if_else(pc.fill_null(is_blank, True), pa.scalar(None, pa.string()), texts)


def _times(column: Any, name: str, form: TimeForm, faults: _Faults) -> Any:
    def refuse(index: int, text: str) -> None:
        faults.add(index, RefusalReason.BAD_TIME, f"{name}: {text}")

    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return instants_of(column, refuse)
    return times_of(time_texts(column, refuse), form, refuse)


def _table(columns: Mapping[str, Any], count: int, faults: _Faults) -> pa.Table:
    bad = list(faults.by_index)
    keep = pc.invert(pc.is_in(pa.array(range(count)), pa.array(bad, pa.int64())))
    arrays = []
    for staged in STAGED_SCHEMA:
        column = columns.get(staged.name)
        column = pa.nulls(count, staged.type) if column is None else column.cast(staged.type)
        arrays.append(column.filter(keep))
    return pa.table(arrays, schema=STAGED_SCHEMA)


def _asset_classes(names: Any) -> Any:
    """Return the dataset's names of asset types; a column has few distinct ones."""
    coded = names.dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    classes = pa.array([asset_class(name) for name in coded.dictionary.to_pylist()], pa.string())
    return classes.take(coded.indices)
