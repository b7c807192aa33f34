"""Search over embeddings: filters first, then the remaining vectors."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sightline.local.vectors import EXACT_UP_TO, NO_ROW, IndexFile, VectorIndex, build_index
from sightline.local.warehouse.engine import (
    DEFAULT_OPTIONS,
    DuckDbEngine,
    EngineOptions,
    Session,
)
from sightline.local.warehouse.hits import answers_of, observations_of
from sightline.local.warehouse.search_index import index_path
from sightline.local.warehouse.search_plan import explained
from sightline.local.warehouse.selection import allow_polygon, condition
from sightline.local.warehouse.vector_set import (
    VectorSet,
    files_of,
    load_images,
    load_vector,
    load_vectors,
    spaces,
)
from sightline.local.warehouse.views import attach, current_among
from sightline.ports import AnswerFilter, SearchHit, SearchPlan, SearchQuery
from sightline.ports.search import (
    NEWEST_SHOWN,
    check_length,
    not_embedded,
    nothing_embedded,
    nothing_enqueued,
)
from sightline.schema import CLASSIFICATIONS, OBSERVATIONS, TASK_VERSIONS, embeddings_ledger

TOLD_EVERY_PERCENT = 20

log = logging.getLogger(__name__)

Mask = npt.NDArray[np.bool_]


ANSWERED = """
SELECT subject_id, observation_id IS NULL AS by_asset FROM ({current}) AS current
WHERE CASE json_type(answer, $path)
  WHEN 'ARRAY' THEN list_contains(CAST(json_extract(answer, $path) AS VARCHAR[]), $value)
  WHEN 'VARCHAR' THEN json_extract_string(answer, $path) = $value
  ELSE json_extract_string(answer, $path) = $value
    OR TRY_CAST(json_extract_string(answer, $path) AS DOUBLE) = TRY_CAST($value AS DOUBLE)
  END
"""

KEEP_ANSWERED = f"""
DELETE FROM allowed WHERE NOT (
  observation_id IN (SELECT subject_id FROM ({ANSWERED}) AS one WHERE NOT by_asset)
  OR asset_id IN (SELECT subject_id FROM ({ANSWERED}) AS one WHERE by_asset))
"""  # noqa: S608 - constants


IMAGES_ENQUEUED = """
SELECT row_number() OVER (ORDER BY observation_id) - 1 AS row, observation_id, asset_id,
  snapshot_id, asset_type, gcs_uri, latitude, longitude, capture_time
FROM observations_current
"""


class LocalSearch:
    """Search below ``root``. Vectors stay in memory while nothing new is written."""

    def __init__(
        self,
        root: Path,
        *,
        exact_up_to: int = EXACT_UP_TO,
        options: EngineOptions = DEFAULT_OPTIONS,
    ) -> None:
        self._engine = DuckDbEngine(root, options)
        self._options = options
        self._exact_up_to = exact_up_to
        self._loaded: dict[tuple[str, int], tuple[VectorSet, VectorIndex]] = {}
        self._loading = threading.Lock()

    async def search(self, query: SearchQuery) -> Sequence[SearchHit]:
        """Return the best hits, the best first; ties in the order of the images' ids.

        Without a vector, they are the newest images that pass the filters, embedded or not.

        Raises:
            NotFoundError: there is no vector by this model at this dimension, or, without a vector,
                no image.
            ConfigurationError: the vector has another length, or a filter is invalid.
        """
        check_length(query)
        return await self._engine.read(lambda session: self._search(session, query))

    async def explain(self, query: SearchQuery) -> SearchPlan:
        """Return how ``search`` would execute this query: by comparing vectors, or by the index."""
        check_length(query)
        return await self._engine.read(lambda session: self._explain(session, query))

    async def check(self, model: str, dimension: int) -> None:
        """Check that there are vectors by this model at this dimension.

        Raises:
            NotFoundError: there are none; the message names those that exist.
        """

        def look(session: Session) -> None:
            there = spaces(session)
            if not there.get((model, dimension)):
                raise nothing_embedded(model, dimension, there)

        await self._engine.read(look)

    async def vector_of(self, observation_id: str, model: str, dimension: int) -> Sequence[float]:
        """Return the vector of an image.

        Raises:
            NotFoundError: the image has none by this model at this dimension.
        """
        ledger = embeddings_ledger(model, dimension)
        vector = await self._engine.read(
            lambda session: load_vector(session, ledger, model, dimension, observation_id)
        )
        if vector is None:
            await self.check(model, dimension)
            raise not_embedded(observation_id, model, dimension)
        return vector

    def _search(self, session: Session, query: SearchQuery) -> list[SearchHit]:
        attach(session, TASK_VERSIONS, CLASSIFICATIONS)
        if query.vector is None:
            known = _enqueued(session)
            allowed = _allowed(session, known, query)
            hits = _newest(known, allowed, query.top)
        else:
            vectors, index = self._load(session, query)
            known = vectors.images
            allowed = _allowed(session, known, query)
            hits = _nearest(index, query.vector, query.top, allowed)
        rows = [row for row, _ in hits]
        images = known.take(pa.array(rows, pa.int64()))
        observations = observations_of(session, images, whole=query.details)
        answers = answers_of(session, images) if query.details else [{}] * len(hits)
        return [
            SearchHit(observation, score, found_answers)
            for (_, score), observation, found_answers in zip(
                hits, observations, answers, strict=True
            )
        ]

    def _explain(self, session: Session, query: SearchQuery) -> SearchPlan:
        attach(session, TASK_VERSIONS, CLASSIFICATIONS)
        if query.vector is None:
            known = _enqueued(session)
            allowed = _count(_allowed(session, known, query), known)
            return SearchPlan("newest", NEWEST_SHOWN, known.num_rows, allowed, 0)
        ledger = embeddings_ledger(query.model, query.dimension)
        there = load_images(session, ledger, query.model, query.dimension)
        if not there.images.num_rows:
            raise nothing_embedded(query.model, query.dimension, spaces(session))
        allowed = _count(_allowed(session, there.images, query), there.images)
        path = index_path(self._engine.store.root, query.model, query.dimension)
        return explained(path, there.parts, allowed, query.top, exact_up_to=self._exact_up_to)

    def _load(self, session: Session, query: SearchQuery) -> tuple[VectorSet, VectorIndex]:
        ledger = embeddings_ledger(query.model, query.dimension)
        key = (query.model, query.dimension)
        with self._loading:
            loaded = self._loaded.get(key)
            if loaded is None or loaded[0].files != files_of(session, ledger):
                self._loaded.pop(key, None)  # before the new ones, so that both are never in memory
                del loaded
                vectors = load_vectors(session, ledger, query.model, query.dimension)
                if not len(vectors.vectors):
                    raise nothing_embedded(query.model, query.dimension, spaces(session))
                path = index_path(self._engine.store.root, *key)
                loaded = self._loaded[key] = (vectors, self._index(vectors, path))
        return loaded

    def _index(self, vectors: VectorSet, path: Path) -> VectorIndex:
        return build_index(
            vectors.vectors,
            exact_up_to=self._exact_up_to,
            index_file=IndexFile(path, vectors.parts),
            threads=self._options.threads,
            on_progress=_Told(len(vectors.vectors)),
        )


class _Told:
    """Logs the progress of building an index, which a search needs first, now and then."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._next = 0

    def __call__(self, done: int) -> None:
        if done >= self._next:
            log.warning("building the index of %s vectors, once: %s %%", f"{self._rows:,}", done)
            self._next = done + TOLD_EVERY_PERCENT


def _enqueued(session: Session) -> pa.Table:
    """Return the images that were ever enqueued, each with its ``row``."""
    attach(session, OBSERVATIONS)
    images = session.connection.sql(IMAGES_ENQUEUED).to_arrow_table()
    if not images.num_rows:
        raise nothing_enqueued()
    return images


def _allowed(session: Session, images: pa.Table, query: SearchQuery) -> Mask | None:
    """Return the rows that pass the filters; ``None`` without filters."""
    mask = None
    where = condition(query.filter)
    if where.sql != "true" or query.answers:
        allow_polygon(session, query.filter)
        session.connection.register("images", images)
        select = f"SELECT row, observation_id, asset_id FROM images WHERE {where.sql}"  # noqa: S608 - ours
        session.sql(f"CREATE TABLE allowed AS {select}", where.parameters)
        for answer_filter in query.answers:
            _keep_answered(session, answer_filter)
        rows = session.connection.sql("SELECT row FROM allowed").to_arrow_table()["row"]
        mask = np.zeros(images.num_rows, dtype=np.bool_)
        mask[rows.to_numpy()] = True
    if query.leave_out is not None:
        others = pc.not_equal(images.column("observation_id"), query.leave_out)
        not_left_out = others.to_numpy(zero_copy_only=False).astype(np.bool_)
        mask = not_left_out if mask is None else mask & not_left_out
    return mask


def _count(allowed: Mask | None, images: pa.Table) -> int:
    return int(images.num_rows) if allowed is None else int(np.count_nonzero(allowed))


def _keep_answered(session: Session, answer_filter: AnswerFilter) -> None:
    rows = "SELECT * FROM classifications WHERE task = $task"
    statement = KEEP_ANSWERED.format(current=current_among(rows))
    parameters = {
        "task": answer_filter.task,
        "path": f'$."{answer_filter.field}"',
        "value": answer_filter.value,
    }
    session.connection.execute(statement, parameters)


def _nearest(
    index: VectorIndex, vector: Sequence[float], top: int, allowed: Mask | None
) -> list[tuple[int, float | None]]:
    """Return (row, cosine), the best first; rows are in the order of the images' ids."""
    query = np.asarray(vector, dtype=np.float32).reshape(1, -1)
    length = float(np.linalg.norm(query))
    if not length:  # without direction it is as near to one as to another
        rows = np.arange(len(index)) if allowed is None else np.flatnonzero(allowed)
        return [(int(row), 0.0) for row in rows[:top]]
    nearest = index.search(query / length, top, allowed)
    return [
        (int(row), float(score))
        for row, score in zip(nearest.rows[0], nearest.scores[0], strict=True)
        if row != NO_ROW
    ]


def _newest(images: pa.Table, allowed: Mask | None, top: int) -> list[tuple[int, float | None]]:
    chosen = images if allowed is None else images.filter(pa.array(allowed))
    newest = chosen.select(["row", "capture_time"]).sort_by(
        [("capture_time", "descending"), ("row", "ascending")]
    )
    return [(row, None) for row in newest.slice(0, top).column("row").to_pylist()]
