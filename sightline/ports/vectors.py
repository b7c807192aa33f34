"""The vectors, page by page, for operations that compare all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from sightline.model import Filter

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class VectorQuery:
    """The vectors of one model and dimension whose images pass a filter (its limit is not used)."""

    model: str
    dimension: int
    filter: Filter = field(default_factory=Filter)


@dataclass(frozen=True, slots=True)
class EmbeddedImage:
    """An image with a vector."""

    observation_id: str
    asset_id: str
    asset_type: str
    gcs_uri: str
    latitude: float | None
    longitude: float | None
    capture_time: datetime | None


@dataclass(frozen=True, slots=True)
class VectorPage:
    """Images, and one row of ``vectors`` for each: float32 of shape (images, dimension)."""

    images: Sequence[EmbeddedImage]
    vectors: npt.NDArray[np.float32]


class Vectors(Protocol):
    """The vectors of images, each image once."""

    async def count(self, query: VectorQuery) -> int:
        """Count the images that have a vector and pass the filter.

        Raises:
            NotFoundError: there is no vector by this model at this dimension.
        """
        ...

    def pages(self, query: VectorQuery) -> AsyncIterator[VectorPage]:
        """Yield the vectors page by page, in no particular order."""
        ...
