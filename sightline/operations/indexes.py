"""The index beside the vectors of the configured model: made, looked at, removed."""

from __future__ import annotations

from dataclasses import dataclass

from sightline.ports import IndexState, Warehouse
from sightline.progress import Progress, no_progress
from sightline.settings import Settings


@dataclass(frozen=True, slots=True)
class IndexRemoval:
    """Whether there was an index to remove."""

    dropped: bool


async def create_index(
    warehouse: Warehouse, *, wait: bool = True, progress: Progress = no_progress
) -> IndexState:
    """Make the index, or bring it up to date; interrupted, it goes on where it was.

    With ``wait`` it returns when the index covers every vector.

    Raises:
        NotFoundError: nothing was embedded by this model at this dimension.
        ConfigurationError, TransientError: the engine refuses, or is out of reach.
    """
    with progress("indexing, %", 100) as update:
        return await warehouse.indexes.create(
            *_space(warehouse.settings), on_progress=update, wait=wait
        )


async def index_status(warehouse: Warehouse) -> IndexState:
    """Return what the index covers, how old it is and what it stores."""
    return await warehouse.indexes.status(*_space(warehouse.settings))


async def drop_index(warehouse: Warehouse) -> IndexRemoval:
    """Remove the index; searches compare every vector then."""
    return IndexRemoval(await warehouse.indexes.drop(*_space(warehouse.settings)))


def _space(settings: Settings) -> tuple[str, int]:
    return settings.models.embed, settings.models.embed_dimension
