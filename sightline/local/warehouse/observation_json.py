"""The SQL that converts a source row to its JSON in a message.

``location`` is nested, times are RFC 3339 in UTC, and absent values are left out: the form of
``sightline.wire.observation_to_row``, which reads it back.
"""

from __future__ import annotations

from sightline.records import BBOX, POSE

_NUMBER = "CASE WHEN isfinite({0}) THEN {0} END"
_TIME = """CASE
    WHEN NOT isfinite({0}) THEN NULL
    WHEN epoch_us({0}) % 1000000 = 0
    THEN strftime({0} AT TIME ZONE 'UTC', '"%Y-%m-%dT%H:%M:%SZ"')
    ELSE strftime({0} AT TIME ZONE 'UTC', '"%Y-%m-%dT%H:%M:%S.%fZ"') END"""


def _member(name: str, value: str) -> str:
    """Return SQL for a member of a JSON object; NULL, which concat leaves out, if it is absent."""
    return f"""',"{name}":' || {value}"""


def _text(column: str) -> str:
    return f"to_json(coalesce({column}, ''))::VARCHAR"


def _numbers(column: str, names: tuple[str, ...], *, all_of_them: bool) -> str:
    """Return SQL for the JSON object of numbers in a JSON text, without anything else."""
    values = {
        name: f"TRY_CAST(json_extract_string({column}, '$.{name}') AS DOUBLE)" for name in names
    }
    numbers = {name: f"to_json({_NUMBER.format(value)})::VARCHAR" for name, value in values.items()}
    members = ", ".join(_member(name, value) for name, value in numbers.items())
    text = f"'{{' || substr(concat({members}), 2) || '}}'"
    needed = (
        " AND ".join(f"isfinite({value})" for value in values.values()) if all_of_them else "true"
    )
    usable = f"json_valid({column}) AND json_type({column}) = 'OBJECT' AND {needed}"
    return f"CASE WHEN {usable} THEN {text} END"


_MEMBERS = ", ".join(
    (
        _member("asset_id", _text("asset_id")),
        _member("snapshot_id", _text("snapshot_id")),
        _member("asset_type", _text("asset_type")),
        _member("gcs_uri", _text("gcs_uri")),
        _member(
            "location",
            """CASE WHEN isfinite(latitude) AND isfinite(longitude)
    THEN '{"latitude":' || latitude || ',"longitude":' || longitude || '}' END""",
        ),
        _member("capture_time", _TIME.format("capture_time")),
        _member("detection_time", _TIME.format("detection_time")),
        _member("bbox", _numbers("bbox", BBOX, all_of_them=True)),
        _member("camera_pose", _numbers("camera_pose", POSE, all_of_them=False)),
        _member("map_url", "to_json(nullif(map_url, ''))::VARCHAR"),
    )
)
OBSERVATION_JSON = (
    f"""'{{"observation_id":' || {_text("observation_id")} || concat({_MEMBERS}) || '}}'"""
)
"""A source row as in a message: ``location`` nested, times in RFC 3339, absent values left out."""
