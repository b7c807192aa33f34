"""The answers of a BigQuery dataset pass their suite, on the emulator."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sightline.gcp.bigquery import BigQueryAnswers
from tests.contracts.answers_suite import AnswersContract, AnswersRig
from tests.contracts.bigquery_rig import open_rig
from tests.gcp.servers import BigQueryEmulator

pytestmark = pytest.mark.needs("go")


@pytest.fixture
async def rig(bigquery_with_ledgers: BigQueryEmulator) -> AsyncIterator[AnswersRig]:
    """Yield an empty warehouse in a dataset of its own, beside a table of observations."""
    async with open_rig(bigquery_with_ledgers) as opened:
        yield AnswersRig(opened.warehouse, BigQueryAnswers(opened.client))


@pytest.mark.extended
class TestBigQueryAnswers(AnswersContract):
    """Answers by GoogleSQL."""
