"""The details of hits: the source row, and the current answers."""

from __future__ import annotations

from typing import Any

import orjson
import pyarrow as pa

from sightline.local.warehouse.engine import Session
from sightline.local.warehouse.observation_json import OBSERVATION_JSON
from sightline.local.warehouse.views import attach, current_among
from sightline.model import Observation
from sightline.records import AnswersByTask, answers_of_images
from sightline.schema import OBSERVATIONS
from sightline.wire import rows_to_observations

SOURCE_ROWS_OF_HITS = f"""
SELECT observation_id, {OBSERVATION_JSON} FROM observations
WHERE observation_id IN (SELECT observation_id FROM hits)
QUALIFY row_number() OVER (PARTITION BY observation_id ORDER BY written_at DESC, run_id DESC) = 1
"""  # noqa: S608 - a constant

IDENTITY_OF_HITS = f"""
SELECT observation_id, {OBSERVATION_JSON} FROM (
  SELECT *, NULL::TIMESTAMPTZ AS detection_time, NULL::VARCHAR AS bbox,
    NULL::VARCHAR AS camera_pose, NULL::VARCHAR AS map_url
  FROM hits)
"""  # noqa: S608 - a constant

_ANSWERS = """SELECT * FROM classifications WHERE subject_id IN (
  SELECT observation_id FROM hits UNION ALL SELECT asset_id FROM hits)"""

ANSWERS_OF_HITS = f"""
SELECT subject_id, observation_id IS NULL, task, answer FROM (
  {current_among(_ANSWERS)})
ORDER BY task
"""  # noqa: S608 - a constant


def observations_of(session: Session, images: pa.Table, *, whole: bool) -> list[Observation]:
    """Return hits as observations, in order: their source rows, if ``whole`` and stored."""
    attach(session, OBSERVATIONS)
    session.connection.register("hits", images)
    by_id: dict[str, Any] = {}
    for select in (IDENTITY_OF_HITS, SOURCE_ROWS_OF_HITS)[: 1 + whole]:
        by_id |= {name: orjson.loads(text) for name, text in session.rows(select)}
    return list(rows_to_observations([by_id[name] for name in _ids(images)]))


def answers_of(session: Session, images: pa.Table) -> list[AnswersByTask]:
    """Return the current answers about each image by task, including those about its asset.

    Requires that the ledgers ``classifications`` and ``task_versions`` are attached.
    """
    session.connection.register("hits", images)
    assets: list[str] = images.column("asset_id").to_pylist()
    return answers_of_images(session.rows(ANSWERS_OF_HITS), zip(_ids(images), assets, strict=True))


def _ids(images: pa.Table) -> list[str]:
    ids: list[str] = images.column("observation_id").to_pylist()
    return ids
