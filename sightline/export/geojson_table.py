"""GeoJSON (RFC 7946): one feature per answer, one per line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import BinaryIO

import orjson

from sightline.export.table import AnswerTable, position
from sightline.ports import AnswerRow
from sightline.tasks import TaskSpec

_HEAD = b'{"type":"FeatureCollection","features":['
_TAIL = b"\n]}\n"


class GeoJsonTable:
    """A FeatureCollection to append to; a row without a position has a null geometry (3.2)."""

    def __init__(self, file: BinaryIO, task: TaskSpec) -> None:
        self._file = file
        self._table = AnswerTable(task)
        self._between = b"\n"
        self.without_position = 0
        self.changed_cells = 0
        file.write(_HEAD)

    def write(self, page: Sequence[AnswerRow]) -> None:
        """Append rows."""
        for answer_row in page:
            place = position(answer_row)
            self.without_position += place is None
            feature = {
                "type": "Feature",
                "id": answer_row.subject_id,
                "geometry": place and {"type": "Point", "coordinates": place},
                "properties": self._table.row(answer_row),
            }
            text = orjson.dumps(feature, option=orjson.OPT_UTC_Z)
            self._file.write(self._between + text)
            self._between = b",\n"

    def finish(self) -> None:
        """Close the collection."""
        self._file.write(_TAIL)

    def abandon(self) -> None:
        """Do nothing: nothing is buffered."""
