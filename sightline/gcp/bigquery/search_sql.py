"""The statements of a search in BigQuery: all vectors compared, by an index, and newest images.

Each applies its filters before the search. Duplicate rows are one hit: the earliest counts, as in
the views. The cosine distance is always given, since BigQuery's default is the Euclidean distance.
"""

from __future__ import annotations

from collections.abc import Sequence

from sightline.gcp.bigquery.search_plan import Plan
from sightline.records import IDENTITY

_IMAGE = ", ".join(IDENTITY)

# The emulator accepts only arrays of strings as parameters.
QUERY_VECTOR = """ARRAY(
    SELECT CAST(number AS FLOAT64) FROM UNNEST(@vector) AS number WITH OFFSET AS place
    ORDER BY place)"""
_COSINE = f"1 - COSINE_DISTANCE(embedding, {QUERY_VECTOR})"
_NO_DIRECTION = "0.0"
"""The score of all images for a query of zeros, for which the cosine is undefined."""

# Scores are computed before duplicates are removed, so that vectors are not carried along.
COMPARE_ALL = f"""
SELECT {_IMAGE}, score
FROM (
  SELECT {_IMAGE}, part_key, worker_id, attempt, written_at, {{score}} AS score
  FROM {{table}}
  WHERE model = @model AND dimension = @dimension AND ARRAY_LENGTH(embedding) = @dimension
    AND observation_id IS NOT NULL AND {{where}}
)
WHERE true
QUALIFY ROW_NUMBER() OVER (PARTITION BY part_key ORDER BY written_at, worker_id, attempt) = 1
ORDER BY score DESC, observation_id
LIMIT {{top}}
"""  # noqa: S608 - a constant

# With a subquery, or a condition on vectors, in the inner query, BigQuery would not use the index.
# The index stores all its columns, so that the table itself is not read.
BY_INDEX = f"""
SELECT {_IMAGE}, score
FROM (
  SELECT {", ".join(f"base.{name}" for name in IDENTITY)},
    base.written_at AS written_at, 1 - distance AS score
  FROM VECTOR_SEARCH(
    (
      SELECT {_IMAGE}, written_at, embedding
      FROM {{table}}
      WHERE model = @model AND observation_id IS NOT NULL AND {{where}}
    ),
    'embedding',
    (SELECT {QUERY_VECTOR} AS embedding),
    top_k => {{fetch}},
    distance_type => 'COSINE',
    options => '{{{{"fraction_lists_to_search": {{fraction}}}}}}')
)
WHERE true
QUALIFY ROW_NUMBER() OVER (PARTITION BY observation_id ORDER BY written_at, score DESC) = 1
ORDER BY score DESC, observation_id
LIMIT {{top}}
"""  # noqa: S608 - a constant

NEWEST = f"""
SELECT {_IMAGE}, NULL AS score
FROM {{table}}
WHERE {{where}}
ORDER BY capture_time DESC NULLS LAST, observation_id
LIMIT {{top}}
"""  # noqa: S608 - a constant

COUNT_ALLOWED = """
SELECT COUNT(*) FROM {table} WHERE model = @model AND observation_id IS NOT NULL AND {where}
"""

COUNT_NEWEST = "SELECT COUNT(*) FROM {table} WHERE {where}"

VECTOR_OF = """
SELECT embedding FROM {table}
WHERE model = @model AND dimension = @dimension AND ARRAY_LENGTH(embedding) = @dimension
  AND observation_id = @observation_id
ORDER BY written_at, worker_id, attempt
LIMIT 1
"""

SPACES = "SELECT model, dimension, COUNT(*) FROM {rows} GROUP BY model, dimension ORDER BY 1, 2"


def nearest(plan: Plan, *, table: str, where: str, top: int, vector: Sequence[float]) -> str:
    """Return the statement of a plan. ``table`` is quoted; ``where`` contains no values."""
    if plan.method == "index":
        return BY_INDEX.format(
            table=table, where=where, top=int(top), fetch=int(plan.fetch), fraction=plan.fraction
        )
    score = _COSINE if any(vector) else _NO_DIRECTION
    return COMPARE_ALL.format(table=table, where=where, top=int(top), score=score)
