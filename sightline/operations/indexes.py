"""Creates, describes and removes the index over the vectors of the configured model."""

from __future__ import annotations

from dataclasses import dataclass

from sightline.ports import IndexState, Warehouse
from sightline.progress import Progress, no_progress
from sightline.settings import Settings


@dataclass(frozen=True, slots=True)
class IndexRemoval:
    """Whether an index existed and was removed."""

    dropped: bool


async def create_index(
    warehouse: Warehouse, *, wait: bool = True, progress: Progress = no_progress
) -> IndexState:
    """Create or update the index; an interrupted build continues where it stopped.

    With ``wait``, return when the index covers every vector.

    Raises:
        NotFoundError: this model has no embeddings at this dimension.
        ConfigurationError, TransientError: the engine refuses, or is unavailable.
    """
    with progress("indexing, %", 100) as update:
        return await warehouse.indexes.create(
            *_space(warehouse.settings), on_progress=update, wait=wait
        )


async def index_status(warehouse: Warehouse) -> IndexState:
    """Return what the index covers, its age and its stored columns."""
    return await warehouse.indexes.status(*_space(warehouse.settings))


async def drop_index(warehouse: Warehouse) -> IndexRemoval:
    """Remove the index; searches then compare every vector."""
    return IndexRemoval(await warehouse.indexes.drop(*_space(warehouse.settings)))


def _space(settings: Settings) -> tuple[str, int]:
    return settings.models.embed, settings.models.embed_dimension
