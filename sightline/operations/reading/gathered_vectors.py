"""Collects the vectors of a model in a file that is mapped into memory, with their images."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile

import numpy as np
from numpy.typing import NDArray

from sightline.analysis.nearness import unit_vectors
from sightline.ports import EmbeddedImage, VectorQuery, Vectors
from sightline.progress import Progress

_ROWS = 16_384


@dataclass(frozen=True, slots=True)
class GatheredVectors:
    """Images ordered by ID, and ``vectors``: unit vectors, (images, dimension)."""

    images: Sequence[EmbeddedImage]
    vectors: NDArray[np.float32]


@asynccontextmanager
async def gathered_vectors(
    vectors: Vectors,
    query: VectorQuery,
    progress: Progress,
    *,
    keep: Callable[[EmbeddedImage], bool] | None = None,
) -> AsyncIterator[GatheredVectors]:
    """Yield the vectors of the selected images; the file is deleted afterwards.

    Raises:
        NotFoundError: this model has no embeddings at this dimension.
    """
    total = await vectors.count(query)
    images: list[EmbeddedImage] = []
    done = 0
    with TemporaryFile() as file:
        with progress("reading vectors", total) as update:
            async with aclosing(vectors.pages(query)) as pages:  # type: ignore[type-var]  # a generator
                async for page in pages:
                    rows = [n for n, image in enumerate(page.images) if keep is None or keep(image)]
                    images += [page.images[n] for n in rows]
                    file.write(unit_vectors(page.vectors[rows]).tobytes())
                    done += len(page.images)
                    update(done, max(total, done))
        file.flush()
        if not images:
            yield GatheredVectors((), np.zeros((0, query.dimension), np.float32))
            return
        shape = (len(images), query.dimension)
        mapped = np.memmap(file, dtype=np.float32, mode="r", shape=shape)
        order = np.array(sorted(range(len(images)), key=lambda n: images[n].observation_id))
        if (order == np.arange(len(order))).all():
            yield GatheredVectors(images, mapped)
            return
        with TemporaryFile() as sorted_file:
            for at in range(0, len(order), _ROWS):
                sorted_file.write(mapped[order[at : at + _ROWS]].tobytes())
            sorted_file.flush()
            arranged = np.memmap(sorted_file, dtype=np.float32, mode="r", shape=shape)
            yield GatheredVectors([images[n] for n in order], arranged)
