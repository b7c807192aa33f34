"""``sightline similar``: an image, or one that was embedded, finds its like."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.cli.commands.search import Answer, Top
from sightline.cli.finding import answer_filters, file_uri, image_vector, print_hits
from sightline.cli.options import AsJson, AssetType, Box, Near, Polygon, Since, Until, filter_of
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.model import Filter
    from sightline.ports import AnswerFilter, Hit
    from sightline.settings import Settings

_IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})


def similar(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="An image file, or an observation's id.")],
    top: Top = 10,
    answer: Answer = None,
    asset_type: AssetType = None,
    since: Since = None,
    until: Until = None,
    box: Box = None,
    near: Near = None,
    polygon: Polygon = None,
    as_json: AsJson = False,
) -> None:
    """Find the images most like another, itself left out.

    An observation's own vector is used, so that no model is asked. Example: sightline similar
    pole.jpg --top 5
    """
    import asyncio

    which = filter_of(asset_type, since, until, box, near, polygon)
    state: State = context.obj
    settings = state.settings()
    answers = answer_filters(answer, settings)
    hits = asyncio.run(_similar(settings, what, top, which, answers))
    print_hits(hits, as_json=as_json)


async def _similar(
    settings: Settings, what: str, top: int, which: Filter, answers: tuple[AnswerFilter, ...]
) -> Sequence[Hit]:
    from sightline.ports import SearchQuery
    from sightline.wiring import open_warehouse

    model, dimension = settings.models.embed, settings.models.embed_dimension
    image = _image(what)
    async with open_warehouse(settings) as warehouse:
        if image is None:
            vector = await warehouse.search.vector_of(what, model, dimension)
            return await warehouse.search.search(
                SearchQuery(model, dimension, vector, top, which, answers, leave_out=what)
            )
        if settings.adapter("embed") != "local":  # a query that finds nothing is paid for, too
            await warehouse.search.check(model, dimension)
        vector = await _embedded(settings, image)
        # The file may be one of the collection: then it is its own best hit.
        hits = await warehouse.search.search(
            SearchQuery(model, dimension, vector, top + 1, which, answers)
        )
    own = file_uri(image)
    return [hit for hit in hits if hit.observation.gcs_uri != own][:top]


async def _embedded(settings: Settings, image: Path) -> Sequence[float]:
    from sightline.wiring import open_query_embedder

    async with open_query_embedder(settings) as embedder:
        return await image_vector(embedder, image, str(image))


def _image(what: str) -> Path | None:
    """Return the image file that is meant; ``None`` when it is an observation's id.

    Raises:
        NotFoundError: it looks like a file, and there is none.
    """
    from sightline.errors import NotFoundError

    path = Path(what)
    if path.is_file():
        return path
    if path.suffix.lower() in _IMAGE_SUFFIXES or "/" in what:
        raise NotFoundError(f"{what} is not there; give an image file, or an observation's id")
    return None
