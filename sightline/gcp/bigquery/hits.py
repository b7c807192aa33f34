"""Reads the source rows and the current answers of the images that a search returned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sightline.gcp.bigquery.answered import current_answers
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.model import Observation
from sightline.records import IDENTITY, AnswersByTask, answers_of_images
from sightline.wire import rows_to_observations

_SOURCE = (*IDENTITY, "detection_time", "bbox", "camera_pose", "map_url")
_NEVER_NULL = ("asset_id", "snapshot_id", "asset_type", "gcs_uri")

SOURCE_ROWS = f"""
SELECT {", ".join(_SOURCE)} FROM {{observations_current}}
WHERE observation_id IN UNNEST(@observation_ids)
"""  # noqa: S608 - a constant

ANSWERS = """
SELECT subject_id, observation_id IS NULL, task, TO_JSON_STRING(answer) FROM ({current})
ORDER BY task
"""


async def observations_of(
    client: BigQueryClient, images: Sequence[Sequence[Any]], *, whole: bool
) -> tuple[Observation, ...]:
    """Return images as observations, in order: their source rows, if ``whole`` and stored.

    ``images`` are rows of ``IDENTITY``.
    """
    if not images:
        return ()
    ids = [str(image[0]) for image in images]
    rows: Sequence[tuple[Any, ...]] = ()
    if whole:
        rows = await client.rows(SOURCE_ROWS.format_map(client.place.names()), observation_ids=ids)
    by_id = {image[0]: dict(zip(IDENTITY, image, strict=True)) for image in images}
    by_id |= {row[0]: dict(zip(_SOURCE, row, strict=True)) for row in rows}
    return rows_to_observations([_cleaned(by_id[name]) for name in ids])


async def answers_of(
    client: BigQueryClient, observations: Sequence[Observation]
) -> list[AnswersByTask]:
    """Return the current answers about each image, by task, including those about its asset."""
    subjects = sorted(
        {
            name
            for observation in observations
            for name in (observation.observation_id, observation.asset_id)
            if name
        }
    )
    if not subjects:
        return []
    current = current_answers(client.place, "subject_id IN UNNEST(@subjects)")
    rows = await client.rows(ANSWERS.format(current=current), subjects=subjects)
    images = ((observation.observation_id, observation.asset_id) for observation in observations)
    return answers_of_images(rows, images)


def _cleaned(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without its unknown values; an incomplete position is dropped."""
    cleaned = {name: value for name, value in row.items() if value is not None}
    if not {"latitude", "longitude"} <= cleaned.keys():
        cleaned.pop("latitude", None)
        cleaned.pop("longitude", None)
    return {**dict.fromkeys(_NEVER_NULL, ""), **cleaned}
