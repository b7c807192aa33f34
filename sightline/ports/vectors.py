"""The vectors themselves, page by page, for what compares all of them with one another."""

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
    """An image that has a vector."""

    observation_id: str
    asset_id: str
    asset_type: str
    gcs_uri: str
    latitude: float | None
    longitude: float | None
    capture_time: datetime | None


@dataclass(frozen=True, slots=True)
class VectorPage:
    """Images, and a row of ``vectors`` for each: float32 of shape (images, dimension)."""

    images: Sequence[EmbeddedImage]
    vectors: npt.NDArray[np.float32]


class Vectors(Protocol):
    """The vectors of images, each image once."""

    async def count(self, query: VectorQuery) -> int:
        """Count the images that have a vector and pass.

        Raises:
            NotFoundError: nothing was embedded by this model at this dimension.
        """
        ...

    def pages(self, query: VectorQuery) -> AsyncIterator[VectorPage]:
        """Yield the vectors page by page, in no stated order."""
        ...
