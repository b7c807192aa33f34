"""``sightline duplicates``: images that are nearly the same, and the views of one place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.cli.options import AsJson, AssetType, Box, Near, Polygon, Since, Until, filter_of
from sightline.cli.output import print_json, print_table, progress_bar, remark, say
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.cli.gathered_vectors import Gathered
    from sightline.model import Filter
    from sightline.ports import EmbeddedImage
    from sightline.settings import Settings

MOST_GROUPS = 1_000_000


def duplicates(
    context: typer.Context,
    at_least: Annotated[
        float, typer.Option(help="Cosine from which images are nearly the same.", min=0, max=1)
    ] = 0.98,
    within_asset: Annotated[
        bool, typer.Option("--within-asset", help="Compare the images of one asset only.")
    ] = False,
    multi_view: Annotated[
        bool, typer.Option("--multi-view", help="Show different images of one asset instead.")
    ] = False,
    metres: Annotated[
        float | None,
        typer.Option(
            help="With --multi-view: assets no further apart are one place.", min=0.01, max=100_000
        ),
    ] = None,
    top: Annotated[int, typer.Option(help="Groups that are shown.", min=1, max=MOST_GROUPS)] = 20,
    asset_type: AssetType = None,
    since: Since = None,
    until: Until = None,
    box: Box = None,
    near: Near = None,
    polygon: Polygon = None,
    as_json: AsJson = False,
) -> None:
    """Group images that are nearly the same, or the different views of one place.

    Example: sightline duplicates --asset-type road_sign --at-least 0.99
    """
    import asyncio

    from sightline.errors import ConfigurationError

    if metres is not None and not multi_view:
        raise ConfigurationError(f"--metres {metres} needs --multi-view; give --multi-view, too")
    if within_asset and multi_view:
        raise ConfigurationError(
            "--multi-view is about the images of an asset already; leave --within-asset out"
        )
    which = filter_of(asset_type, since, until, box, near, polygon)
    state: State = context.obj
    state.must_exist()
    how = _Views(at_least, metres) if multi_view else _Copies(at_least, within_asset)
    found = asyncio.run(_grouped(state.settings(), which, how, top))
    if as_json:
        print_json(found)
    else:
        how.print(found)
        if found["without_asset"]:
            remark(f"{found['without_asset']:,} images belong to no asset and were left out")


async def _grouped(
    settings: Settings, which: Filter, how: _Copies | _Views, top: int
) -> dict[str, Any]:
    from sightline.cli.gathered_vectors import gathered_vectors
    from sightline.errors import ConfigurationError
    from sightline.ports import VectorQuery
    from sightline.wiring import open_warehouse

    space = VectorQuery(settings.models.embed, settings.models.embed_dimension, which)
    async with (
        open_warehouse(settings) as warehouse,
        gathered_vectors(warehouse.vectors, space) as gathered,
    ):
        if len(gathered.images) < 2:
            raise ConfigurationError(
                f"{len(gathered.images)} images that pass have a vector by {space.model}, and it"
                " takes two; give wider filters, or run `sightline enqueue` and `sightline work`"
            )
        groups, counts = how.groups(gathered)
        groups.sort(key=lambda one: (-len(one["images"]), one["images"][0]["observation_id"]))
        return {
            "embedded_by": space.model,
            "images": len(gathered.images),
            "at_least": how.at_least,
            **counts,
            "groups": len(groups),
            "largest": groups[:top],
        }


class _Copies:
    """Images that are nearly the same; the first of a group is kept for the others."""

    def __init__(self, at_least: float, within_asset: bool) -> None:
        self.at_least, self._within_asset = at_least, within_asset

    def groups(self, gathered: Gathered) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        from sightline.analysis.duplicates import by_preference, leaders, views_of_one_place

        images, order = gathered.images, by_preference(gathered.images)
        found, without_asset = [], 0
        if self._within_asset:
            clusters = views_of_one_place(images, None)
            without_asset = len(images) - sum(map(len, clusters))
            with progress_bar("comparing", len(clusters)) as update:
                for done, cluster in enumerate(clusters, 1):
                    found += _led(gathered, cluster, self.at_least)
                    update(done, None)
        else:
            with progress_bar("comparing", None) as update:
                lead = leaders(gathered.vectors, order, self.at_least, on_block=update)
            found = [(rows, lead.cosines[rows].tolist()) for rows in lead.groups()]
        groups = [
            {
                "assets": len({images[row].asset_id for row in rows}),
                "images": [
                    image_json(images[row]) | {"similarity": round(cosine, 5), "kept": place == 0}
                    for place, (row, cosine) in enumerate(zip(rows, cosines, strict=True))
                ],
            }
            for rows, cosines in found
        ]
        return groups, {
            "within_asset": self._within_asset,
            "without_asset": without_asset,
            "duplicates": sum(len(rows) - 1 for rows, _ in found),
        }

    def print(self, found: dict[str, Any]) -> None:
        say(
            f"{found['images']:,} images: {found['duplicates']:,} are nearly the same as one of"
            f" {found['groups']:,} that is kept"
        )
        lines = [
            (len(one["images"]), one["assets"], one["images"][0]["observation_id"],
             one["images"][1]["observation_id"], min(n["similarity"] for n in one["images"]))
            for one in found["largest"]
        ]  # fmt: skip
        if lines:
            columns = ("images", "assets", "kept", "most like it", "least cosine")
            print_table("", columns, lines, digits=4)


class _Views:
    """Different images of one asset, or of one place."""

    def __init__(self, at_least: float, metres: float | None) -> None:
        self.at_least, self._metres = at_least, metres

    def groups(self, gathered: Gathered) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        from sightline.analysis.duplicates import views_of_one_place

        images = gathered.images
        clusters = views_of_one_place(images, self._metres)
        groups = []
        with progress_bar("comparing", len(clusters)) as update:
            for done, rows in enumerate(clusters, 1):
                led = _led(gathered, rows, self.at_least)
                copies = {row for some, _ in led for row in some[1:]}
                if len(rows) - len(copies) > 1:
                    groups.append(
                        {
                            "assets": sorted({images[row].asset_id for row in rows}),
                            "views": len(rows) - len(copies),
                            "images": [
                                image_json(images[row]) | {"duplicate": row in copies}
                                for row in rows
                            ],
                        }
                    )
                update(done, None)
        return groups, {
            "metres": self._metres,
            "without_asset": len(images) - sum(map(len, clusters)),
        }

    def print(self, found: dict[str, Any]) -> None:
        say(
            f"{found['images']:,} images: {found['groups']:,} places are seen from several sides,"
            f" or at several times"
        )
        lines = [
            (len(one["images"]), one["views"], len(one["assets"]), one["assets"][0],
             one["images"][0]["observation_id"])
            for one in found["largest"]
        ]  # fmt: skip
        if lines:
            print_table("", ("images", "views", "assets", "asset", "first image"), lines)


def _led(
    gathered: Gathered, rows: Sequence[int], at_least: float
) -> list[tuple[list[int], list[float]]]:
    """Return the groups of near duplicates among some rows, and how like the first each is."""
    from sightline.analysis.duplicates import by_preference, leaders

    own = [gathered.images[row] for row in rows]
    lead = leaders(gathered.vectors[list(rows)], by_preference(own), at_least)
    return [
        ([rows[place] for place in group], lead.cosines[group].tolist()) for group in lead.groups()
    ]


def image_json(image: EmbeddedImage) -> dict[str, Any]:
    """Return what is known of an image."""
    return {
        "observation_id": image.observation_id,
        "asset_id": image.asset_id,
        "asset_type": image.asset_type,
        "gcs_uri": image.gcs_uri,
        "latitude": image.latitude,
        "longitude": image.longitude,
        "capture_time": image.capture_time,
    }
