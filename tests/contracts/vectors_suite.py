"""How every ``Vectors`` behaves: which images, each once, and with which vector."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from sightline.errors import NotFoundError
from sightline.model import BoundingBox, Filter, WorkItem
from sightline.ports import EmbeddedImage, VectorQuery, Vectors
from tests.contracts.answers_suite import item
from tests.contracts.warehouse_rig import (
    DIMENSION,
    EMBEDDING,
    NOW,
    POLE,
    WarehouseRig,
    embedding_row,
    unit,
)

QUERY = VectorQuery(EMBEDDING.model, DIMENSION)


@dataclass(frozen=True, slots=True)
class VectorsRig:
    """A warehouse, and its vectors as they are read."""

    warehouse: WarehouseRig
    vectors: Vectors

    async def write(self, items: Sequence[WorkItem]) -> None:
        """Embed images, each at another angle."""
        rows = [
            embedding_row(work_item, unit(number / 10)) for number, work_item in enumerate(items)
        ]
        await self.warehouse.writer.write(rows)

    async def read(self, query: VectorQuery = QUERY) -> dict[EmbeddedImage, list[float]]:
        """Return all vectors by image."""
        by_image = {}
        async for page in self.vectors.pages(query):
            assert page.vectors.dtype == "float32"
            assert page.vectors.shape == (len(page.images), query.dimension)
            for image, vector in zip(page.images, page.vectors.tolist(), strict=True):
                assert image not in by_image
                by_image[image] = vector
        return by_image


class VectorsContract:
    """Subclass it as ``Test…`` with a fixture ``rig``."""

    async def test_a_vector_comes_with_its_image(self, rig: VectorsRig) -> None:
        await rig.write([item(n) for n in range(3)])
        by_image = await rig.read()
        assert await rig.vectors.count(QUERY) == len(by_image) == 3
        source = item(1).observations[0]
        image = EmbeddedImage(
            source.observation_id, source.asset_id, source.asset_type, source.gcs_uri,
            source.latitude,
            source.longitude, source.capture_time,
        )  # fmt: skip
        assert by_image[image] == pytest.approx(unit(0.1), abs=1e-6)

    async def test_what_is_not_known_of_an_image_is_null(self, rig: VectorsRig) -> None:
        await rig.write([item(0, latitude=None, longitude=None, capture_time=None)])
        (image,) = await rig.read()
        assert (image.latitude, image.longitude, image.capture_time) == (None, None, None)

    async def test_an_image_written_twice_is_read_once(self, rig: VectorsRig) -> None:
        await rig.write([item(0), item(1)])
        later = NOW + timedelta(hours=1)
        await rig.warehouse.writer.write([embedding_row(item(0), unit(1.0), at=later)])
        by_id = {image.observation_id: vector for image, vector in (await rig.read()).items()}
        assert by_id["obs-000"] == pytest.approx(unit(0.0), abs=1e-6)
        assert await rig.vectors.count(QUERY) == len(by_id) == 2

    async def test_a_filter_holds(self, rig: VectorsRig) -> None:
        await rig.write([item(n) for n in range(4)])
        poles = replace(QUERY, filter=Filter(asset_types=(POLE,)))
        by_image = await rig.read(poles)
        assert {image.asset_type for image in by_image} == {POLE}
        assert 0 < len(by_image) == await rig.vectors.count(poles) < 4
        nowhere = replace(QUERY, filter=Filter(box=BoundingBox(0, 0, 1, 1)))
        assert await rig.vectors.count(nowhere) == 0
        assert await rig.read(nowhere) == {}

    async def test_a_space_without_vectors_is_an_error(self, rig: VectorsRig) -> None:
        with pytest.raises(NotFoundError, match="nothing was embedded by demo-1"):
            await rig.vectors.count(QUERY)
        await rig.write([item(0)])
        with pytest.raises(NotFoundError, match="other at 4 dimensions, only 1 by demo-1 at 4"):
            await rig.vectors.count(replace(QUERY, model="other"))
