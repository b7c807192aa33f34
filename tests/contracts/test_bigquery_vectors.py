"""The vectors of a BigQuery dataset pass their suite, on the emulator."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sightline.gcp.bigquery import BigQueryVectors
from tests.contracts.bigquery_rig import open_rig
from tests.contracts.vectors_suite import VectorsContract, VectorsRig
from tests.gcp.servers import BigQueryEmulator

pytestmark = pytest.mark.needs("go")


@pytest.fixture
async def rig(bigquery_with_ledgers: BigQueryEmulator) -> AsyncIterator[VectorsRig]:
    """Yield an empty warehouse in a dataset of its own, beside a table of observations."""
    async with open_rig(bigquery_with_ledgers) as opened:
        yield VectorsRig(opened.warehouse, BigQueryVectors(opened.client))


class TestBigQueryVectors(VectorsContract):
    """Vectors in a table."""
