"""The gallery of a BigQuery dataset passes its suite, on the emulator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count

import pytest

from sightline.gcp.bigquery import BigQueryGallery
from sightline.ports import Selection
from tests.contracts.bigquery_rig import open_rig
from tests.contracts.gallery_suite import COUNT, GalleryContract, GalleryRig
from tests.gcp.servers import BigQueryEmulator

pytestmark = pytest.mark.needs("go")


@pytest.fixture
async def rig(bigquery_with_ledgers: BigQueryEmulator) -> AsyncIterator[GalleryRig]:
    """Yield an empty warehouse in a dataset of its own; no answer is given twice."""
    minutes = count(0, 100)
    async with open_rig(bigquery_with_ledgers) as opened:
        gallery = BigQueryGallery(opened.client, monotonic=lambda: float(next(minutes)))
        yield GalleryRig(opened.warehouse, gallery)


@pytest.mark.extended
class TestBigQueryGallery(GalleryContract):
    """Images by GoogleSQL."""


async def test_images_are_paged_and_counted(rig: GalleryRig) -> None:
    await rig.fill()
    page = await rig.gallery.page(Selection(), "newest", after=None, size=100)
    assert len(page.images) == COUNT
    assert await rig.counts("signs.kind") == {"stop": 4, "yield": 2, "unknown": 1, "": 1}
