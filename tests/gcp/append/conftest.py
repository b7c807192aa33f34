"""An appender on a gRPC server whose responses a test sets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sightline.gcp.bigquery.append import AppendRule, LedgerAppender
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.retry import RetryRule
from tests.gcp.append.rig import Pauses
from tests.gcp.append_server import AppendServer, run_append_server
from tests.waiting import GIVE_UP_S


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
async def served() -> AsyncIterator[tuple[AppendServer, BigQueryPlace]]:
    async with run_append_server() as append_server:
        yield append_server


@pytest.fixture
def server(served: tuple[AppendServer, BigQueryPlace]) -> AppendServer:
    return served[0]


@pytest.fixture
async def appender(
    served: tuple[AppendServer, BigQueryPlace], pauses: Pauses
) -> AsyncIterator[LedgerAppender]:
    retry = RetryRule(tries=3, random=lambda: 1.0, sleep=pauses.sleep)
    rule = AppendRule(in_flight=2, timeout_s=2 * GIVE_UP_S, retry=retry)
    async with LedgerAppender.open(served[1], rule=rule) as appender:
        yield appender
