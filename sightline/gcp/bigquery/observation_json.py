"""The GoogleSQL that writes a source row as a message's observation, and reads it back.

``location`` is nested, times are RFC 3339 in UTC, and absent values are left out, as in
``sightline.wire.observation_to_row``.
"""

from __future__ import annotations

from collections.abc import Mapping

from sightline.records import BBOX, POSE


def _member(name: str, value: str) -> str:
    """Return SQL for a member of a JSON object; empty if the value is NULL."""
    return f"""IFNULL(CONCAT(',"{name}":', {value}), '')"""


def _number(name: str, column: str) -> str:
    return f"""IF({column} IS NULL, '', CONCAT(',"{name}":', TO_JSON_STRING({column})))"""


def _time(column: str) -> str:
    return f"""FORMAT_TIMESTAMP('"%Y-%m-%dT%H:%M:%E6S', {column}, 'UTC') || 'Z"'"""


def _numbers(columns: Mapping[str, str], needed: str) -> str:
    """Return SQL for an object of numbers; NULL unless ``needed`` holds."""
    members = ", ".join(_number(name, column) for name, column in columns.items())
    return f"IF({needed}, CONCAT('{{', SUBSTR(CONCAT({members}), 2), '}}'), NULL)"


_BOUNDS = {name: f"bbox_{name}" for name in BBOX}
_POSE = {name: f"camera_pose_{name}" for name in POSE}
_POSITION = {name: name for name in ("latitude", "longitude")}


def _all_of(columns: Mapping[str, str]) -> str:
    return " AND ".join(f"{column} IS NOT NULL" for column in columns.values())


OBSERVATION_JSON = f"""CONCAT(
    '{{"observation_id":', TO_JSON_STRING(observation_id),
    ',"asset_id":', TO_JSON_STRING(asset_id),
    ',"snapshot_id":', TO_JSON_STRING(snapshot_id),
    ',"asset_type":', TO_JSON_STRING(asset_type),
    ',"gcs_uri":', TO_JSON_STRING(gcs_uri),
    {_member("location", _numbers(_POSITION, _all_of(_POSITION)))},
    {_member("capture_time", _time("capture_time"))},
    {_member("detection_time", _time("detection_time"))},
    {_member("bbox", _numbers(_BOUNDS, _all_of(_BOUNDS)))},
    {_member("camera_pose", _numbers(_POSE, f"COALESCE({', '.join(_POSE.values())}) IS NOT NULL"))},
    IF(map_url IS NULL, '', CONCAT(',"map_url":', TO_JSON_STRING(map_url))),
    '}}')"""
"""A row of the source's columns as JSON text."""


def _json(name: str) -> str:
    return f"""IF({name} IS NULL, '', CONCAT(',"{name}":', TO_JSON_STRING({name})))"""


LEDGER_OBSERVATION_JSON = f"""CONCAT(
    '{{"observation_id":', TO_JSON_STRING(observation_id),
    ',"asset_id":', TO_JSON_STRING(IFNULL(asset_id, '')),
    ',"snapshot_id":', TO_JSON_STRING(IFNULL(snapshot_id, '')),
    ',"asset_type":', TO_JSON_STRING(IFNULL(asset_type, '')),
    ',"gcs_uri":', TO_JSON_STRING(gcs_uri),
    {_member("location", _numbers(_POSITION, _all_of(_POSITION)))},
    {_member("capture_time", _time("capture_time"))},
    {_member("detection_time", _time("detection_time"))},
    {_json("bbox")}, {_json("camera_pose")}, {_json("map_url")},
    '}}')"""
"""A row of the ledger ``observations`` as JSON text."""


def _text_of(name: str) -> str:
    return f"JSON_VALUE(observation, '$.{name}') AS {name}"


OBSERVATION_COLUMNS = ",\n  ".join(
    (
        *map(_text_of, ("observation_id", "asset_id", "snapshot_id", "asset_type", "gcs_uri")),
        *(f"CAST(JSON_VALUE(observation, '$.location.{x}') AS FLOAT64) AS {x}" for x in _POSITION),
        *(
            f"TIMESTAMP(JSON_VALUE(observation, '$.{name}')) AS {name}"
            for name in ("capture_time", "detection_time")
        ),
        *(f"JSON_QUERY(observation, '$.{name}') AS {name}" for name in ("bbox", "camera_pose")),
        _text_of("map_url"),
    )
)
"""The columns of the ledger ``observations``, read from a JSON value named ``observation``."""
