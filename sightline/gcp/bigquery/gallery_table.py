"""The image table as a query: one wide row per image, with a column for each facet."""

# ruff: noqa: S608 - names are our own, and texts are literals

from __future__ import annotations

from sightline.gallery_sql import Version
from sightline.gcp.bigquery.answered import current_answers
from sightline.gcp.bigquery.literals import quoted
from sightline.gcp.bigquery.observation_json import LEDGER_OBSERVATION_JSON
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.tasks import FieldSpec

_IMAGES = """
SELECT image.observation_id, NULLIF(image.asset_id, '') AS asset_id,
  NULLIF(image.snapshot_id, '') AS snapshot_id, NULLIF(image.asset_type, '') AS asset_type,
  IF({has_position}, image.latitude, NULL) AS latitude,
  IF({has_position}, image.longitude, NULL) AS longitude,
  image.capture_time, FORMAT_TIMESTAMP('%Y-%m', image.capture_time, 'UTC') AS month,
  SAFE_CAST(JSON_VALUE(image.camera_pose, '$.heading') AS FLOAT64) AS heading,
  ARRAY(SELECT DISTINCT reason FROM UNNEST(ARRAY_CONCAT(
    IFNULL(own_dead.reasons, CAST([] AS ARRAY<STRING>)),
    IFNULL(asset_dead.reasons, CAST([] AS ARRAY<STRING>)))) AS reason ORDER BY reason) AS dead,
  {answered} AS answered,
  {columns}
  image.json AS image
FROM (SELECT *, {observation} AS json FROM {observations}) AS image
LEFT JOIN ({dead}) AS own_dead ON own_dead.subject_id = image.observation_id
LEFT JOIN ({dead}) AS asset_dead
  ON asset_dead.subject_id = image.asset_id AND image.asset_id <> image.observation_id
{joins}
"""

_DEAD = """
SELECT subject_id, ARRAY_AGG(DISTINCT reason) AS reasons FROM {dead_letters}
WHERE subject_id IS NOT NULL GROUP BY subject_id
"""

_HAS_POSITION = "image.latitude BETWEEN -90 AND 90 AND image.longitude BETWEEN -180 AND 180"


def images(place: BigQueryPlace, versions: tuple[Version, ...]) -> str:
    """Return the query of the image table."""
    columns, joins, answered = "", "", []
    for version in versions:
        name = f"answers{version.number}"
        own = "asset_id" if version.task.multi_observation else "observation_id"
        joins += f"LEFT JOIN ({_answers(place, version)}) AS {name}"
        joins += f" ON {name}.subject_id = image.{own}\n"
        listed = [version.version, *(column for _, column in version.fields()), version.answer]
        columns += "".join(f"{name}.{column}, " for column in listed)
        answered.append(f"IF({name}.{version.answer} IS NULL, NULL, {quoted(version.task.name)})")
    tasks = f"UNNEST([{', '.join(answered)}])" if answered else "UNNEST(CAST([] AS ARRAY<STRING>))"
    return _IMAGES.format(
        has_position=_HAS_POSITION,
        answered=f"ARRAY(SELECT task FROM {tasks} AS task WHERE task IS NOT NULL)",
        columns=columns,
        observation=LEDGER_OBSERVATION_JSON,
        observations=place.table("observations_current"),
        dead=_DEAD.format(dead_letters=place.table("dead_letters_current")),
        joins=joins,
    )


def _answers(place: BigQueryPlace, version: Version) -> str:
    task = version.task
    of_task = (
        f"task = {quoted(task.name)} AND"
        f" {'observation_id IS NULL' if task.multi_observation else 'observation_id IS NOT NULL'}"
    )
    fields = "".join(f", {_field(field)} AS {column}" for field, column in version.fields())
    return (
        f"SELECT subject_id, CONCAT(model, ' ', SUBSTR(fingerprint, 1, 12)) AS {version.version},"
        f" TO_JSON_STRING(answer) AS {version.answer}{fields}"
        f" FROM ({current_answers(place, of_task)}) AS current_answers"
    )


def _field(field: FieldSpec) -> str:
    text = f"JSON_VALUE(answer, '$.{field.name}')"
    match field.type:
        case "list":
            members = f"UNNEST(JSON_VALUE_ARRAY(answer, '$.{field.name}'))"
            return f"ARRAY(SELECT DISTINCT member FROM {members} AS member ORDER BY member)"
        case "boolean":
            return f"SAFE_CAST({text} AS BOOL)"
        case "integer" | "number":
            return f"SAFE_CAST({text} AS FLOAT64)"
        case _:
            return f"NULLIF({text}, '')"
