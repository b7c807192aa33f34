"""Finds near-duplicate images, and different views of one place."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sightline.analysis.duplicates import by_preference, leaders, views_of_one_place
from sightline.errors import ConfigurationError
from sightline.model import Filter
from sightline.operations.reading.gathered_vectors import GatheredVectors, gathered_vectors
from sightline.operations.selection import check_asset_types
from sightline.ports import EmbeddedImage, VectorQuery, Warehouse
from sightline.progress import Progress, no_progress


@dataclass(frozen=True, slots=True)
class DuplicateImage:
    """An image of a group, and its cosine with the group's first image, which is kept."""

    image: EmbeddedImage
    similarity: float
    kept: bool


@dataclass(frozen=True, slots=True)
class DuplicateGroup:
    """Near-duplicate images, and the number of their assets."""

    assets: int
    images: Sequence[DuplicateImage]


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Groups of near-duplicates: the ``largest`` of all ``groups``."""

    embedded_by: str
    images: int
    at_least: float
    within_asset: bool
    without_asset: int
    duplicates: int
    groups: int
    largest: Sequence[DuplicateGroup]


@dataclass(frozen=True, slots=True)
class ViewOfPlace:
    """An image of a place, and whether it is a near-duplicate of another."""

    image: EmbeddedImage
    duplicate: bool


@dataclass(frozen=True, slots=True)
class SharedPlace:
    """Assets that form one place, their images, and how many of these are different."""

    assets: Sequence[str]
    views: int
    images: Sequence[ViewOfPlace]


@dataclass(frozen=True, slots=True)
class Places:
    """Places that several different images show: the ``largest`` of all ``groups``."""

    embedded_by: str
    images: int
    at_least: float
    metres: float | None
    without_asset: int
    groups: int
    largest: Sequence[SharedPlace]


async def duplicates(
    warehouse: Warehouse,
    *,
    which: Filter | None = None,
    at_least: float = 0.98,
    within_asset: bool = False,
    top: int = 20,
    progress: Progress = no_progress,
) -> Duplicates:
    """Group images whose cosine with the kept image of the group is at least ``at_least``.

    Raises:
        ConfigurationError: fewer than two images have a vector.
    """
    async with _vectors(warehouse, which, progress) as (model, gathered):
        images, without_asset = gathered.images, 0
        if within_asset:
            clusters = views_of_one_place(images, None)
            without_asset = len(images) - sum(map(len, clusters))
            member_rows: list[tuple[Sequence[int], list[float]]] = []
            with progress("comparing", len(clusters)) as update:
                for done, cluster in enumerate(clusters, 1):
                    member_rows += _near_duplicates(gathered, cluster, at_least)
                    update(done, None)
        else:
            with progress("comparing", None) as update:
                lead = leaders(gathered.vectors, by_preference(images), at_least, on_block=update)
            member_rows = [(rows, lead.cosines[rows].tolist()) for rows in lead.groups()]
        groups = [
            DuplicateGroup(
                len({images[row].asset_id for row in rows}),
                [
                    DuplicateImage(images[row], round(cosine, 5), kept=place == 0)
                    for place, (row, cosine) in enumerate(zip(rows, cosines, strict=True))
                ],
            )
            for rows, cosines in member_rows
        ]
        groups.sort(key=lambda group: (-len(group.images), group.images[0].image.observation_id))
        return Duplicates(
            embedded_by=model,
            images=len(images),
            at_least=at_least,
            within_asset=within_asset,
            without_asset=without_asset,
            duplicates=sum(len(rows) - 1 for rows, _ in member_rows),
            groups=len(groups),
            largest=groups[:top],
        )


async def places(
    warehouse: Warehouse,
    *,
    which: Filter | None = None,
    at_least: float = 0.98,
    metres: float | None = None,
    top: int = 20,
    progress: Progress = no_progress,
) -> Places:
    """Group the different images of one asset, or of assets within ``metres``.

    Raises:
        ConfigurationError: fewer than two images have a vector.
    """
    async with _vectors(warehouse, which, progress) as (model, gathered):
        images = gathered.images
        clusters = views_of_one_place(images, metres)
        found_places = []
        with progress("comparing", len(clusters)) as update:
            for done, rows in enumerate(clusters, 1):
                near = _near_duplicates(gathered, rows, at_least)
                copies = {row for group, _ in near for row in group[1:]}
                if len(rows) - len(copies) > 1:
                    found_places.append(
                        SharedPlace(
                            sorted({images[row].asset_id for row in rows}),
                            len(rows) - len(copies),
                            [ViewOfPlace(images[row], row in copies) for row in rows],
                        )
                    )
                update(done, None)
        found_places.sort(
            key=lambda place: (-len(place.images), place.images[0].image.observation_id)
        )
        return Places(
            embedded_by=model,
            images=len(images),
            at_least=at_least,
            metres=metres,
            without_asset=len(images) - sum(map(len, clusters)),
            groups=len(found_places),
            largest=found_places[:top],
        )


@asynccontextmanager
async def _vectors(
    warehouse: Warehouse, which: Filter | None, progress: Progress
) -> AsyncIterator[tuple[str, GatheredVectors]]:
    """Yield the model, and its vectors of the matching images."""
    await check_asset_types(warehouse, which or Filter())
    models = warehouse.settings.models
    space = VectorQuery(models.embed, models.embed_dimension, which or Filter())
    async with gathered_vectors(warehouse.vectors, space, progress) as gathered:
        if len(gathered.images) < 2:
            raise ConfigurationError(
                f"{len(gathered.images)} images that pass have a vector by {space.model}, and it"
                " takes two; give wider filters, or run `sightline enqueue` and `sightline work`"
            )
        yield space.model, gathered


def _near_duplicates(
    gathered: GatheredVectors, rows: Sequence[int], at_least: float
) -> list[tuple[Sequence[int], list[float]]]:
    """Return groups of near-duplicates among some rows, with each one's cosine to the first."""
    own = [gathered.images[row] for row in rows]
    lead = leaders(gathered.vectors[list(rows)], by_preference(own), at_least)
    return [
        ([rows[place] for place in group], lead.cosines[group].tolist()) for group in lead.groups()
    ]
