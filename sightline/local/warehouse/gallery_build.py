"""Builds the image table: one wide row per image, the newest first, from a snapshot of the ledgers.

It holds nothing that the ledgers do not: it only saves time, and may be deleted.
"""

from __future__ import annotations

from datetime import datetime

from sightline.gallery_sql import Version, versions_of
from sightline.local.warehouse.engine import Session, quoted
from sightline.local.warehouse.observation_json import OBSERVATION_JSON
from sightline.local.warehouse.views import active_tasks, attach
from sightline.schema import (
    CLASSIFICATIONS,
    DEAD_LETTERS,
    DUCKDB_TYPES,
    OBSERVATIONS,
    ONE_ROW_A_PART,
    TASK_VERSIONS,
    Ledger,
)
from sightline.tasks import FieldSpec, TaskSpec

VERSION = 1
"""The version of the table's columns; each has files of its own."""

READS: tuple[Ledger, ...] = (OBSERVATIONS, CLASSIFICATIONS, DEAD_LETTERS, TASK_VERSIONS)
"""The ledgers that the table is derived from."""

# The answer of each subject at the active version; or else its newest answer at another one, of
# which only the version is shown.
_ANSWERS = """
CREATE TEMP TABLE answers{number} AS
SELECT subject_id, {version},{fields}
  CASE WHEN is_current THEN answer END AS {answer}
FROM (
  SELECT subject_id, model, fingerprint, answer, fingerprint = {fingerprint} AS is_current,
    json_transform(CASE WHEN fingerprint = {fingerprint} THEN answer END, {shape}) AS field
  FROM (
    SELECT * FROM ({every})
    QUALIFY row_number() OVER (PARTITION BY subject_id
      ORDER BY (fingerprint = {fingerprint}) DESC, written_at DESC, part_key) = 1))
"""

_OF_THE_TASK = """
SELECT part_key, subject_id, fingerprint, model, answer, written_at, worker_id, attempt
FROM classifications WHERE task = {task} AND (observation_id IS NULL) = {by_asset}
"""

_DEAD = """
CREATE TEMP TABLE dead_subjects AS
SELECT subject_id, list_sort(list(DISTINCT reason)) AS reasons FROM dead_letters_current
WHERE subject_id IS NOT NULL GROUP BY subject_id
"""

_IMAGES = """
CREATE TABLE {schema}.images AS
SELECT image.observation_id, nullif(image.asset_id, '') AS asset_id,
  nullif(image.snapshot_id, '') AS snapshot_id, nullif(image.asset_type, '') AS asset_type,
  CASE WHEN {has_position} THEN image.latitude END AS latitude,
  CASE WHEN {has_position} THEN image.longitude END AS longitude,
  CASE WHEN isfinite(image.capture_time) THEN image.capture_time END AS capture_time,
  CASE WHEN isfinite(image.capture_time)
    THEN strftime(image.capture_time AT TIME ZONE 'UTC', '%Y-%m') END AS month,
  {heading} AS heading,
  {dead} AS dead, {answered} AS answered,
  {columns}
  image.json AS image
FROM (SELECT *, {observation} AS json FROM observations_current) AS image
LEFT JOIN dead_subjects AS own_dead ON own_dead.subject_id = image.observation_id
LEFT JOIN dead_subjects AS asset_dead
  ON asset_dead.subject_id = image.asset_id AND image.asset_id <> image.observation_id
{joins}
ORDER BY capture_time DESC NULLS LAST, observation_id
"""

_HAS_POSITION = "image.latitude BETWEEN -90 AND 90 AND image.longitude BETWEEN -180 AND 180"
_HEADING = (
    "TRY_CAST(json_extract_string(CASE WHEN json_valid(image.camera_pose)"
    " THEN image.camera_pose END, '$.heading') AS DOUBLE)"
)


def build(session: Session, schema: str, *, now: datetime) -> None:
    """Create the tables ``images`` and ``facts`` in an attached database.

    ``facts`` has one row: what the table was built from, and when.

    Raises:
        StorageError: a task in the ledger cannot be interpreted.
    """
    attach(session, *READS)
    versions = versions_of(active_tasks(session))
    for version in versions:
        session.sql(_answers(version))
    session.sql(_DEAD)
    session.sql(_images(schema, versions))
    session.sql(
        f"CREATE TABLE {schema}.facts AS SELECT ?::TIMESTAMPTZ AS built_at,"  # noqa: S608 - ours
        " list(struct_pack(toml, model, fingerprint) ORDER BY task) AS tasks FROM tasks_active",
        (now.isoformat(),),
    )


def _answers(version: Version) -> str:
    task = version.task
    every = ONE_ROW_A_PART.format(
        ledger="("
        + _OF_THE_TASK.format(task=quoted(task.name), by_asset=task.multi_observation)
        + ")"
    )
    fields = "".join(f"\n  {_field(field)} AS {column}," for field, column in version.fields())
    return _ANSWERS.format(
        number=version.number,
        version=f"model || ' ' || substr(fingerprint, 1, 12) AS {version.version}",
        fields=fields,
        answer=version.answer,
        fingerprint=quoted(task.fingerprint),
        shape=quoted(_shape(task)),
        every=every,
    )


def _shape(task: TaskSpec) -> str:
    """Return the types of a task's fields, as ``json_transform`` takes them."""
    members = (
        f'"{field.name}":' + ('["VARCHAR"]' if field.type == "list" else f'"{_type(field)}"')
        for field in task.fields
    )
    return "{" + ",".join(members) + "}"


def _type(field: FieldSpec) -> str:
    return DUCKDB_TYPES[field.form.column]


def _field(field: FieldSpec) -> str:
    value = f'field."{field.name}"'
    match field.type:
        case "list":
            members = f"list_distinct({value})"  # without NULL
            return f"CASE WHEN len({members}) > 0 THEN list_sort({members}) END"
        case "number":
            return f"CASE WHEN isfinite({value}) THEN {value} END"
        case "integer" | "boolean":
            return value
        case _:
            return f"nullif({value}, '')"


def _images(schema: str, versions: tuple[Version, ...]) -> str:
    columns, joins, answered = "", "", []
    for version in versions:
        name = f"answers{version.number}"
        own = "asset_id" if version.task.multi_observation else "observation_id"
        joins += f"\nLEFT JOIN {name} ON {name}.subject_id = image.{own}"
        listed = [version.version, *(column for _, column in version.fields()), version.answer]
        columns += " ".join(f"{name}.{column}," for column in listed)
        answered.append(
            f"CASE WHEN {name}.{version.answer} IS NOT NULL THEN {quoted(version.task.name)} END"
        )
    return _IMAGES.format(
        schema=schema,
        observation=OBSERVATION_JSON,
        has_position=_HAS_POSITION,
        heading=f"CASE WHEN isfinite({_HEADING}) THEN {_HEADING} END",
        dead=_some("list_sort(list_distinct(list_concat(own_dead.reasons, asset_dead.reasons)))"),
        answered=_some(f"list_distinct([{', '.join(answered)}]::VARCHAR[])"),  # without NULL
        columns=columns,
        joins=joins,
    )


def _some(members: str) -> str:
    return f"CASE WHEN len({members}) > 0 THEN {members} END"
