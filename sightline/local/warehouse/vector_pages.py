"""The vectors of the local warehouse, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from sightline.local.warehouse.engine import DEFAULT_OPTIONS, DuckDbEngine, EngineOptions, Session
from sightline.local.warehouse.selection import allow_polygon, condition
from sightline.local.warehouse.vector_set import VectorSet, load_images, load_vectors, spaces
from sightline.model import Filter
from sightline.ports import EmbeddedImage, VectorPage, VectorQuery
from sightline.ports.search import nothing_embedded
from sightline.schema import embeddings_ledger

PAGE_ROWS = 4096
COLUMNS = (
    "observation_id", "asset_id", "asset_type", "gcs_uri", "latitude", "longitude", "capture_time"
)  # fmt: skip
_TEXTS = COLUMNS[:4]


class LocalVectors:
    """The vectors below ``root``. They are read into memory, and then yielded page by page."""

    def __init__(self, root: Path, *, options: EngineOptions = DEFAULT_OPTIONS) -> None:
        self._engine = DuckDbEngine(root, options)

    async def count(self, query: VectorQuery) -> int:
        """Count the images that have a vector and pass the filter.

        Raises:
            NotFoundError: there is no vector by this model at this dimension.
        """

        def work(session: Session) -> int:
            ledger = embeddings_ledger(query.model, query.dimension)
            images = load_images(session, ledger, query.model, query.dimension).images
            if not images.num_rows:
                raise nothing_embedded(query.model, query.dimension, spaces(session))
            return len(_passing(session, images, query.filter))

        return await self._engine.read(work)

    async def pages(self, query: VectorQuery) -> AsyncIterator[VectorPage]:
        """Yield the vectors page by page, in the order of the images' ids."""

        def work(session: Session) -> tuple[VectorSet, npt.NDArray[np.int64]]:
            ledger = embeddings_ledger(query.model, query.dimension)
            vector_set = load_vectors(session, ledger, query.model, query.dimension)
            return vector_set, _passing(session, vector_set.images, query.filter)

        vector_set, passing = await self._engine.read(work)
        for at in range(0, len(passing), PAGE_ROWS):
            rows = passing[at : at + PAGE_ROWS]
            images = vector_set.images.select(COLUMNS).take(pa.array(rows)).to_pylist()
            yield VectorPage([_image(image) for image in images], vector_set.vectors[rows])


def _passing(session: Session, images: pa.Table, which: Filter) -> npt.NDArray[np.int64]:
    """Return the rows of the images that pass a filter, in order."""
    where = condition(which)
    allow_polygon(session, which)
    session.connection.register("images", images)
    statement = f"SELECT row FROM images WHERE {where.sql} ORDER BY row"  # noqa: S608 - ours
    return np.array([row[0] for row in session.rows(statement, where.parameters)], dtype=np.int64)


def _image(row: dict[str, object]) -> EmbeddedImage:
    texts = {name: row[name] or "" for name in _TEXTS}
    return EmbeddedImage(**{**row, **texts})  # type: ignore[arg-type]  # as the ledger types them
