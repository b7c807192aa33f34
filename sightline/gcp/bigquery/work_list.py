"""Builds the statements of a work list: the requested parts that are not done, dead or held.

One statement writes the whole list, so that it is complete or absent. The constants are its steps,
named after their results; each step reads the ones before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from sightline.gcp.bigquery.columns import SourceTable
from sightline.gcp.bigquery.literals import quoted, quoted_list
from sightline.gcp.bigquery.observation_json import OBSERVATION_COLUMNS, OBSERVATION_JSON
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.bigquery.selection import BigQueryCondition, condition
from sightline.model import SEPARATOR, AnswerPart, EmbeddingPart, PartRequest, Preview, RunRequest
from sightline.schema import OBSERVATIONS, WORK_ITEMS, embeddings_table
from sightline.wire import part_to_json
from sightline.work_lists import MAX_OBSERVATIONS, distinct_requests, part_suffix

_REQUESTED_TYPE = (
    "STRUCT<position INT64, suffix STRING, part STRING, asset_types ARRAY<STRING>, by_asset BOOL>"
)

OBSERVATIONS_AS_SUBJECTS = """
  SELECT observation_id AS subject_id, FALSE AS by_asset, asset_type, [asset_type] AS types_seen,
    CONCAT('[', observation_json, ']') AS observations
  FROM matched"""

ASSETS_AS_SUBJECTS = f"""
  SELECT asset_id, TRUE, ARRAY_AGG(asset_type ORDER BY place LIMIT 1)[OFFSET(0)],
    ARRAY_AGG(DISTINCT asset_type),
    CONCAT('[', STRING_AGG(
      IF(place <= {MAX_OBSERVATIONS}, observation_json, NULL), ',' ORDER BY place), ']')
  FROM (
    SELECT *, ROW_NUMBER() OVER (
      PARTITION BY asset_id ORDER BY capture_time DESC NULLS LAST, observation_id) AS place
    FROM matched WHERE asset_id <> '' AND of_asset_types)
  GROUP BY asset_id"""  # noqa: S608 - constants

SUBJECTS_WITH_PARTS = """
  SELECT subjects.*, requested.position, requested.suffix, requested.part
  FROM subjects CROSS JOIN requested
  WHERE requested.by_asset = subjects.by_asset AND (
    ARRAY_LENGTH(requested.asset_types) = 0
    OR EXISTS (
      SELECT 1 FROM UNNEST(subjects.types_seen) AS seen
      WHERE seen IN UNNEST(requested.asset_types)))"""

FIRST_SUBJECTS = """
  SELECT subject_id, by_asset FROM subject_parts GROUP BY subject_id, by_asset
  ORDER BY SHA256(subject_id), by_asset LIMIT {limit}"""

PARTS_WANTED = """
  SELECT *, TO_HEX(SHA256(CONCAT(subject_id, {separator}, suffix))) AS part_key
  FROM subject_parts{only_first}"""

ONLY_FIRST = """
  WHERE (subject_id, by_asset) IN (SELECT (subject_id, by_asset) FROM first_subjects)"""

# ``IN`` and not a join: an emulator compares every row of a join with every other row.
PARTS_IN_THEIR_STATE = """
  SELECT *, CASE
    WHEN part_key IN ({written}) THEN 'done'
    WHEN part_key IN (
      SELECT part_key FROM {dead_letters_latest}
      WHERE event <> 'replayed' AND part_key IS NOT NULL) THEN 'dead'
    WHEN part_key IN (
      SELECT held FROM {work_items}, UNNEST(part_keys) AS held
      WHERE run_id IN (SELECT run_id FROM {runs_current} WHERE state <> 'cancelled')) THEN 'held'
    ELSE 'to_publish' END AS state
  FROM wanted"""

ITEMS_TO_DO = """
  SELECT subject_id, by_asset, TO_HEX(SHA256(subject_id)) AS digest,
    ANY_VALUE(asset_type) AS asset_type, ANY_VALUE(observations) AS observations,
    STRING_AGG(part, ',' ORDER BY position) AS parts,
    ARRAY_AGG(part_key ORDER BY position) AS part_keys
  FROM stated WHERE state = 'to_publish'
  GROUP BY subject_id, by_asset"""

WORK_LIST = """
SELECT @run, bucket, ROW_NUMBER() OVER (PARTITION BY bucket ORDER BY digest, by_asset) - 1,
  subject_id, asset_type, PARSE_JSON(observations, wide_number_mode => 'round'),
  PARSE_JSON(CONCAT('[', parts, ']')), part_keys
FROM (
  SELECT *, MOD(CAST(CONCAT('0x', SUBSTR(digest, 1, 8)) AS INT64), @buckets) AS bucket FROM to_do)
"""

COUNTS = """
SELECT 'observations' AS counted, asset_type AS name, COUNT(*) AS n FROM matched GROUP BY asset_type
UNION ALL
SELECT 'parts', state, COUNT(*) FROM stated GROUP BY state
UNION ALL
SELECT 'messages', '', COUNT(*) FROM to_do"""

# The rows come from the list, since the source may have changed meanwhile.
OBSERVATIONS_NEW = f"""
INSERT INTO {{observations}} ({", ".join(OBSERVATIONS.column_names())})
SELECT
  {OBSERVATION_COLUMNS},
  @run, @now
FROM {{work_items}}, UNNEST(JSON_QUERY_ARRAY(observations)) AS observation
WHERE run_id = @run
  AND JSON_VALUE(observation, '$.observation_id') NOT IN (
    SELECT observation_id FROM {{observations}})
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY JSON_VALUE(observation, '$.observation_id') ORDER BY subject_id) = 1
"""  # noqa: S608 - constants


@dataclass(frozen=True, slots=True)
class PreparedRequest:
    """A request over a source, ready to be counted or written; ``embeddings`` are table names."""

    place: BigQueryPlace
    source: SourceTable
    request: RunRequest
    requests: tuple[PartRequest, ...]
    matching: BigQueryCondition
    embeddings: frozenset[str]

    @classmethod
    def of(
        cls,
        place: BigQueryPlace,
        source: SourceTable,
        request: RunRequest,
        embeddings: Iterable[str],
    ) -> PreparedRequest:
        """Return a prepared request; ``embeddings`` are the existing tables of vectors.

        Raises:
            ConfigurationError: the filter or the parts are invalid.
        """
        requests, matching = distinct_requests(request), condition(request.filter)
        tables = {embeddings_table(part.model, part.dimension) for part in embedding_parts(request)}
        return cls(place, source, request, requests, matching, frozenset(tables & set(embeddings)))

    def counts(self) -> BigQueryCondition:
        """Return the query that counts what a run would do; its rows are for ``preview_of``."""
        steps = self._steps("''")  # counts need no observation
        return BigQueryCondition(f"WITH {steps}{COUNTS}", self.matching.values)

    def write(self, run_id: str, buckets: int) -> BigQueryCondition:
        """Return the statement that writes the work list of a run."""
        columns = ", ".join(WORK_ITEMS.column_names())
        return BigQueryCondition(
            f"INSERT INTO {self.place.table('work_items')} ({columns})\n"
            f"WITH {self._steps(OBSERVATION_JSON)}{WORK_LIST}",
            {**self.matching.values, "run": run_id, "buckets": buckets},
        )

    def _steps(self, observation_json: str) -> str:
        limit = self.request.filter.limit
        parts_select = PARTS_WANTED.format(
            separator=quoted(SEPARATOR), only_first="" if limit is None else ONLY_FIRST
        )
        stated = PARTS_IN_THEIR_STATE.format(written=self._written(), **self.place.names())
        steps = {
            "source_latest": "\n" + self.source.select(),
            "matched": f"\n  SELECT * FROM source_latest WHERE {self.matching.sql}",  # noqa: S608 - bound
            "requested": f"\n  SELECT * FROM UNNEST({self._requested()})",  # noqa: S608 - quoted
            "subjects": (OBSERVATIONS_AS_SUBJECTS + self._assets()).replace(
                "observation_json", observation_json
            ),
            "subject_parts": SUBJECTS_WITH_PARTS,
            **({} if limit is None else {"first_subjects": FIRST_SUBJECTS.format(limit=limit)}),
            "wanted": parts_select,
            "stated": stated,
            "to_do": ITEMS_TO_DO,
        }
        return ",\n".join(f"{name} AS ({select})" for name, select in steps.items())

    def _assets(self) -> str:
        by_asset = [requested for requested in self.requests if requested.by_asset]
        if not by_asset:
            return ""
        types = set().union(*(requested.asset_types for requested in by_asset))
        every = any(not requested.asset_types for requested in by_asset)
        where = "true" if every else f"asset_type IN UNNEST({quoted_list(sorted(types))})"
        return "\n  UNION ALL" + ASSETS_AS_SUBJECTS.replace("of_asset_types", where)

    def _requested(self) -> str:
        rows = [
            f"STRUCT({position} AS position, {quoted(part_suffix(requested.part))} AS suffix,"
            f" {quoted(orjson.dumps(part_to_json(requested.part)).decode())} AS part,"
            f" {quoted_list(requested.asset_types)} AS asset_types,"
            f" {requested.by_asset} AS by_asset)"
            for position, requested in enumerate(self.requests)
        ]
        return f"[{', '.join(rows)}]" if rows else f"CAST([] AS ARRAY<{_REQUESTED_TYPE}>)"

    def _written(self) -> str:
        """Return the query of the written parts, among those that the request can contain."""
        answers = [
            requested.part for requested in self.requests if isinstance(requested.part, AnswerPart)
        ]
        tasks = quoted_list(sorted({part.task for part in answers}))
        fingerprints = quoted_list(sorted({part.fingerprint for part in answers}))
        table = self.place.table
        where = f"task IN UNNEST({tasks}) AND fingerprint IN UNNEST({fingerprints})"
        selects = [
            f"SELECT part_key FROM {table('classifications')} WHERE {where}",  # noqa: S608 - quoted
            *(f"SELECT part_key FROM {table(name)}" for name in sorted(self.embeddings)),  # noqa: S608 - quoted
        ]
        return "\n      UNION ALL ".join(selects)


def embedding_parts(request: RunRequest) -> list[EmbeddingPart]:
    """Return the embeddings in a request."""
    return [
        requested.part for requested in request.parts if isinstance(requested.part, EmbeddingPart)
    ]


def preview_of(rows: Sequence[Sequence[object]]) -> Preview:
    """Return the preview in the rows of ``PreparedRequest.counts``."""
    counted: dict[str, dict[str, int]] = {"observations": {}, "parts": {}, "messages": {}}
    for kind, name, n in rows:
        counted[str(kind)][str(name)] = int(str(n))
    parts: Mapping[str, int] = counted["parts"]
    return Preview(
        observations=sum(counted["observations"].values()),
        matched=sum(parts.values()),
        done=parts.get("done", 0),
        dead=parts.get("dead", 0),
        held=parts.get("held", 0),
        to_publish=parts.get("to_publish", 0),
        messages=counted["messages"].get("", 0),
        by_asset_type=tuple(sorted(counted["observations"].items())),
    )
