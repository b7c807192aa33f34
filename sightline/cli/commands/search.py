"""``sightline search``: words or an image find images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sightline.cli.finding import (
    answer_filters,
    image_vector,
    print_hits,
    print_plan,
    text_vector,
)
from sightline.cli.options import AsJson, AssetType, Box, Near, Polygon, Since, Until, filter_of
from sightline.cli.state import State

Answer = Annotated[
    list[str] | None,
    typer.Option(help="TASK.FIELD=VALUE that the answer must have; may be repeated."),
]
Top = Annotated[int, typer.Option(help="How many hits.", min=1, max=10_000)]


def search(
    context: typer.Context,
    text: Annotated[str | None, typer.Argument(help="What the image shows.")] = None,
    image: Annotated[Path | None, typer.Option(help="An image to find the like of.")] = None,
    top: Top = 10,
    answer: Answer = None,
    asset_type: AssetType = None,
    since: Since = None,
    until: Until = None,
    box: Box = None,
    near: Near = None,
    polygon: Polygon = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show how it would be done; search nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Find images by words, by another image, or by their answers alone.

    Example: sightline search "leaning wooden pole" --near 52.09,5.12,500
    """
    import asyncio

    from sightline.errors import ConfigurationError

    if text is not None and image is not None:
        raise ConfigurationError("search for words or for an image? give one of them")
    if text is None and image is None and not answer:
        raise ConfigurationError("search for what? give words, or --image FILE, or --answer")
    which = filter_of(asset_type, since, until, box, near, polygon)
    state: State = context.obj
    settings = state.settings()
    answers = answer_filters(answer, settings)
    if explain:
        by_vector = text is not None or image is not None
        plan = asyncio.run(_explain(settings, top, which, answers, by_vector=by_vector))
        print_plan(plan, as_json=as_json)
        return
    hits = asyncio.run(_search(settings, text, image, top, which, answers))
    print_hits(hits, as_json=as_json)


async def _search(
    settings: Any, text: str | None, image: Path | None, top: int, which: Any, answers: Any
) -> Any:
    from sightline.ports import SearchQuery
    from sightline.wiring import open_query_embedder, open_warehouse

    model, dimension = settings.models.embed, settings.models.embed_dimension
    async with open_warehouse(settings) as warehouse:
        vector = None
        if text is not None or image is not None:
            if settings.adapter("embed") != "local":  # a query that finds nothing is paid for, too
                await warehouse.search.check(model, dimension)
            async with open_query_embedder(settings) as embedder:
                vector = await (
                    image_vector(embedder, image, f"--image {image}")
                    if image is not None
                    else text_vector(embedder, text or "")
                )
        return await warehouse.search.search(
            SearchQuery(model, dimension, vector, top=top, filter=which, answers=answers)
        )


async def _explain(settings: Any, top: int, which: Any, answers: Any, *, by_vector: bool) -> Any:
    from sightline.ports import SearchQuery
    from sightline.wiring import open_warehouse

    model, dimension = settings.models.embed, settings.models.embed_dimension
    # Any vector will do: what is done is the same for all, and no model is asked.
    vector = [1.0] + [0.0] * (dimension - 1) if by_vector else None
    async with open_warehouse(settings) as warehouse:
        return await warehouse.search.explain(
            SearchQuery(model, dimension, vector, top=top, filter=which, answers=answers)
        )
