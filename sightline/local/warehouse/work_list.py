"""The SQL that creates a work list: requested parts, less those that are done, dead or held by a
run.

Statements are named for what they do. Each reads the tables and views of those before it.
"""

from __future__ import annotations

import orjson

from sightline.local.warehouse.engine import Session, quoted
from sightline.local.warehouse.observation_json import OBSERVATION_JSON
from sightline.local.warehouse.selection import allow_polygon, condition
from sightline.local.warehouse.source_files import LATEST_OF_SOURCE
from sightline.model import SEPARATOR, Preview, RunRequest
from sightline.wire import part_to_json
from sightline.work_lists import MAX_OBSERVATIONS, distinct_requests, part_suffix

COUNTED_COLUMNS = "observation_id, asset_id, asset_type"
"""The columns of ``matched`` that are counted for a run."""

MATCHED = """
CREATE TABLE matched AS SELECT {columns} FROM source_latest WHERE {condition}
"""

REQUESTED = """
CREATE TABLE requested (position INTEGER, suffix VARCHAR, asset_types VARCHAR[], by_asset BOOLEAN)
"""

SUBJECTS_ASKED = """
CREATE TABLE asked AS
SELECT matched.observation_id AS subject_id, false AS by_asset, requested.position,
  requested.suffix
FROM matched
JOIN requested ON NOT requested.by_asset
  AND (len(requested.asset_types) = 0 OR list_contains(requested.asset_types, matched.asset_type))
UNION ALL
SELECT DISTINCT matched.asset_id, true, requested.position, requested.suffix
FROM matched
JOIN requested ON requested.by_asset AND matched.asset_id <> ''
  AND (len(requested.asset_types) = 0 OR list_contains(requested.asset_types, matched.asset_type))
"""

ONLY_FIRST_SUBJECTS = """
DELETE FROM asked WHERE (subject_id, by_asset) NOT IN (
  SELECT (subject_id, by_asset) FROM (SELECT DISTINCT subject_id, by_asset FROM asked)
  ORDER BY sha256(subject_id), by_asset LIMIT ?)
"""

PARTS_WANTED = f"""
CREATE TABLE wanted AS
SELECT subject_id, by_asset, position,
  sha256(subject_id || chr({ord(SEPARATOR)}) || suffix) AS part_key
FROM asked
"""  # noqa: S608 - a constant

# 1 written, 2 dead and not replayed, 3 held by a run that is not cancelled; the first match.
PARTS_TAKEN = """
CREATE TABLE taken AS
SELECT part_key, min(state) AS state FROM (
  SELECT part_key, 1 AS state FROM classifications
  UNION ALL
  SELECT part_key, 1 FROM embeddings_rows
  UNION ALL
  SELECT part_key, 2 FROM dead_letters_latest WHERE event <> 'replayed'
  UNION ALL
  SELECT unnest(part_keys), 3 FROM work_items
  WHERE run_id IN (SELECT run_id FROM runs_current WHERE state <> 'cancelled')
)
WHERE part_key IN (SELECT part_key FROM wanted)
GROUP BY part_key
"""

COUNTS = """
SELECT count(*),
  count(*) FILTER (WHERE taken.state = 1),
  count(*) FILTER (WHERE taken.state = 2),
  count(*) FILTER (WHERE taken.state = 3),
  count(*) FILTER (WHERE taken.state IS NULL),
  (SELECT count(*) FROM matched)
FROM wanted LEFT JOIN taken ON taken.part_key = wanted.part_key
"""

COUNTS_BY_ASSET_TYPE = """
SELECT coalesce(asset_type, ''), count(*) FROM matched GROUP BY 1 ORDER BY 1
"""

ITEMS_TO_DO = """
CREATE TABLE to_do AS
SELECT wanted.subject_id, wanted.by_asset, bit_or(1::BIGINT << wanted.position) AS mask
FROM wanted
WHERE wanted.part_key NOT IN (SELECT part_key FROM taken)
GROUP BY wanted.subject_id, wanted.by_asset
"""

ITEMS_PLACED = """
CREATE TABLE placed AS
SELECT subject_id, by_asset, mask, bucket,
  row_number() OVER (PARTITION BY bucket ORDER BY hash, by_asset) - 1 AS seq
FROM (
  SELECT *, sha256(subject_id) AS hash,
    ('0x' || substr(sha256(subject_id), 1, 8))::BIGINT % ? AS bucket
  FROM to_do)
"""

BUCKET = "CREATE OR REPLACE TABLE bucket AS SELECT * FROM placed WHERE bucket = ?"

OBSERVATIONS_OF_ITEMS = f"""
SELECT subject_id, by_asset, first(asset_type ORDER BY place) AS asset_type,
  '[' || string_agg(row_json, ',' ORDER BY place) || ']' AS observations
FROM (
  SELECT bucket.subject_id, true AS by_asset, matched.asset_type, {OBSERVATION_JSON} AS row_json,
    row_number() OVER (PARTITION BY bucket.subject_id
      ORDER BY capture_time DESC NULLS LAST, observation_id) AS place
  FROM matched
  JOIN bucket ON bucket.by_asset AND bucket.subject_id = matched.asset_id
  WHERE EXISTS (SELECT 1 FROM requested WHERE requested.by_asset AND (
    len(requested.asset_types) = 0 OR list_contains(requested.asset_types, matched.asset_type)))
  QUALIFY place <= {MAX_OBSERVATIONS})
GROUP BY subject_id, by_asset
UNION ALL
SELECT bucket.subject_id, false, matched.asset_type, '[' || {OBSERVATION_JSON} || ']'
FROM matched
JOIN bucket ON NOT bucket.by_asset AND bucket.subject_id = matched.observation_id
"""  # noqa: S608 - constants

_IDENTITY = """(observation_id, asset_id, snapshot_id, asset_type, gcs_uri, latitude, longitude,
    capture_time)"""

# An observation that was imported again, for example with another type, is written again.
OBSERVATIONS_NEW = f"""
SELECT observation_id, asset_id, snapshot_id, asset_type, gcs_uri, latitude, longitude,
  capture_time, detection_time, bbox, camera_pose, map_url, {{run_id}} AS run_id,
  make_timestamptz({{now_us}}) AS written_at
FROM matched
WHERE (observation_id IN (SELECT subject_id FROM placed WHERE NOT by_asset)
    OR asset_id IN (SELECT subject_id FROM placed WHERE by_asset))
  AND {_IDENTITY} NOT IN (SELECT {_IDENTITY} FROM observations_current)
"""  # noqa: S608 - constants


def draw(session: Session, request: RunRequest, *, columns: str) -> None:
    """Create the tables ``matched`` (with these columns), ``wanted`` and ``taken``.

    Requires the views of the ledgers and the table ``source``.

    Raises:
        ConfigurationError: the filter or the parts are invalid.
    """
    allow_polygon(session, request.filter)
    where = condition(request.filter)
    session.sql(LATEST_OF_SOURCE)
    session.sql(MATCHED.format(columns=columns, condition=where.sql), where.parameters)
    session.sql(REQUESTED)
    for position, requested in enumerate(distinct_requests(request)):
        session.sql(
            "INSERT INTO requested VALUES (?, ?, ?::VARCHAR[], ?)",
            (
                position,
                part_suffix(requested.part),
                list(requested.asset_types),
                requested.by_asset,
            ),
        )
    session.sql(SUBJECTS_ASKED)
    if request.filter.limit is not None:
        session.sql(ONLY_FIRST_SUBJECTS, (request.filter.limit,))
    session.sql(PARTS_WANTED)
    session.sql(PARTS_TAKEN)
    session.sql(ITEMS_TO_DO)


def count(session: Session) -> Preview:
    """Return the counts of these tables."""
    matched, done, dead, held, to_publish, observations = session.rows(COUNTS)[0]
    return Preview(
        observations=observations,
        matched=matched,
        done=done,
        dead=dead,
        held=held,
        to_publish=to_publish,
        messages=session.number("SELECT count(*) FROM to_do"),
        by_asset_type=tuple((name, rows) for name, rows in session.rows(COUNTS_BY_ASSET_TYPE)),
    )


def work_list_select(request: RunRequest, run_id: str) -> str:
    """Return the query of one bucket of the work list, in order; needs the table ``bucket``."""
    requests = distinct_requests(request)
    parts = ", ".join(
        quoted(orjson.dumps(part_to_json(requested.part)).decode()) for requested in requests
    )
    suffixes = ", ".join(quoted(part_suffix(requested.part)) for requested in requests)
    key = f"sha256(placed.subject_id || chr({ord(SEPARATOR)}) || [{suffixes}][i + 1])"
    return f"""
SELECT {quoted(run_id)} AS run_id, placed.bucket, placed.seq, placed.subject_id,
  shown.asset_type, shown.observations,
  '[' || array_to_string(list_transform(wanted, lambda i: [{parts}][i + 1]), ',') || ']' AS parts,
  list_transform(wanted, lambda i: {key}) AS part_keys
FROM (
  SELECT *, list_filter(range({len(requests)}), lambda i: (mask >> i) & 1 = 1) AS wanted FROM bucket
) AS placed
JOIN ({OBSERVATIONS_OF_ITEMS}) AS shown
  ON shown.subject_id = placed.subject_id AND shown.by_asset = placed.by_asset
ORDER BY placed.seq
"""  # noqa: S608 - every text in it is quoted
