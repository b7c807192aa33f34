"""Search beside an index of BigQuery passes its suite, with its call replaced on the emulator."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from sightline.gcp.bigquery import search as search_module
from sightline.gcp.bigquery.append import LedgerAppender
from sightline.gcp.bigquery.search_plan import (
    STORED,
    IndexFacts,
    Plan,
    SearchRequest,
    TableFacts,
    choose,
)
from sightline.gcp.bigquery.vector_index import BigQueryVectorIndexes
from sightline.gcp.bigquery.writer import BigQueryWriter
from sightline.ports import EmbeddingRow
from tests.contracts.index_suite import PART, Condition, IndexContract, IndexRig
from tests.gcp.servers import BigQueryEmulator
from tests.gcp.vector_search_stand_in import ReplacedCallClient, SearchByIndex
from tests.gcp.warehouse_rig import ONE_AT_A_TIME, open_dataset

pytestmark = pytest.mark.needs("go")

READY = IndexFacts("told", "ACTIVE", 100, frozenset(STORED), 1000)
TOLD: dict[Condition, IndexFacts | None] = {
    "none": None,
    "ready": READY,
    "behind": replace(READY, coverage_percent=40),
    "half built": replace(READY, coverage_percent=0),
    "of no use": replace(READY, stored=frozenset({"model"})),
}
"""What BigQuery says of an index in each condition; what it lacks BigQuery compares itself."""


def as_without_filter(table: TableFacts, index: IndexFacts | None, request: SearchRequest) -> Plan:
    """Choose as if nothing was filtered: which share is too little for an index is not asked."""
    whole = replace(request, filtered=False, allowed=None)
    return replace(choose(table, index, whole), expected=0)


@pytest.fixture
async def index(
    bigquery_with_ledgers: BigQueryEmulator, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[IndexRig]:
    """Yield an empty dataset, whose table is told to be large."""
    monkeypatch.setattr(search_module, "choose", as_without_filter)
    async with (
        open_dataset(bigquery_with_ledgers, [PART]) as client,
        LedgerAppender.open(client.place, rule=ONE_AT_A_TIME) as appender,
        ReplacedCallClient.open(client.place) as replaced_call_client,
    ):
        search = SearchByIndex(replaced_call_client)

        async def fill(rows: Sequence[EmbeddingRow], condition: Condition) -> None:
            await BigQueryWriter(appender, client).write(rows)
            search.index = TOLD[condition]

        yield IndexRig(search, BigQueryVectorIndexes(client), fill)


@pytest.mark.extended
class TestBigQueryIndex(IndexContract):
    """``VECTOR_SEARCH`` over an index, and all compared."""
