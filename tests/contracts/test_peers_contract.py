"""The queue's file and a bucket pass the suite of ``Peers``."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sightline.errors import NotFoundError, TransientError
from sightline.gcp.storage import BucketPeers, BucketPrefix, StoragePlace, peers
from sightline.local.queue import LocalQueue
from sightline.local.queue.store import REPORTS_LAST_S
from sightline.ports import MEMORY_LASTS_S, PeerRates
from tests.cli.cloud_rig import make_bucket
from tests.contracts.peers_suite import BELIEF, PeersContract, PeersRig, remembered, sent
from tests.gcp.servers import GcsServer
from tests.local.queue_rig import Clock


class TestLocalPeers(PeersContract):
    """Rows in the queue's file."""

    @pytest.fixture
    async def rig(self, tmp_path: Path) -> AsyncIterator[PeersRig]:
        """Yield two connections to one file."""
        clock, path = Clock(), tmp_path / "queue.db"
        async with (
            LocalQueue.open(path, now=clock) as first,
            LocalQueue.open(path, now=clock) as other,
        ):

            def advance() -> None:
                clock.time_s += REPORTS_LAST_S + 1.0

            def forget() -> None:
                clock.time_s += MEMORY_LASTS_S + 1.0

            yield PeersRig(first, other, advance, forget)


@pytest.fixture
def bucket(gcs: GcsServer) -> Any:
    """Return a new bucket."""
    return make_bucket(gcs, f"workers-{uuid.uuid4().hex[:12]}")


def bucket_peers(gcs: GcsServer, root: BucketPrefix) -> BucketPeers:
    """Return the port as one process has it."""
    return BucketPeers(root, StoragePlace("any", gcs.endpoint), lambda: None)


@pytest.mark.needs("go")
class TestBucketPeers(PeersContract):
    """Objects of a bucket."""

    @pytest.fixture
    async def rig(
        self, gcs: GcsServer, bucket: Any, monkeypatch: pytest.MonkeyPatch
    ) -> AsyncIterator[PeersRig]:
        """Yield two clients of one bucket; its clock cannot be set, so reports last no time."""

        def advance() -> None:
            monkeypatch.setattr(peers, "REPORTS_LAST", timedelta(0))

        def forget() -> None:
            monkeypatch.setattr(peers, "MEMORY_LASTS", timedelta(0))

        place = StoragePlace("any", gcs.endpoint)
        root = BucketPrefix(bucket.name, "below/this")
        async with (
            BucketPeers.open(root, place, lambda: None) as first,
            BucketPeers.open(root, place, lambda: None) as other,
        ):
            yield PeersRig(first, other, advance, forget)


@pytest.mark.needs("go")
async def test_only_objects_of_workers_are_read_and_removed(
    gcs: GcsServer, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever else may write there cannot make a worker fail, or lose an image."""
    image = bucket.blob("image.jpg")
    image.metadata = {"classify": "5.0"}
    image.upload_from_string(b"an image")
    for number, rate in enumerate(("fast", "nan", "inf", "-1.0", "1e9", "9" * 400, "")):
        strange = bucket.blob(f"{peers.FOLDER}/strange-{number}")
        strange.metadata = {"classify": rate, "classify.quota": f'{{"rate_per_s": "{rate}"}}'}
        strange.upload_from_string(b"")
    seen = bucket_peers(gcs, BucketPrefix(bucket.name))
    assert await seen.report("w1", sent({"classify": 2.0})) == {"classify": PeerRates(1, 2.0)}

    monkeypatch.setattr(peers, "REMOVED_AFTER", timedelta(0))
    await seen.report("w1", sent({"classify": 2.0}))
    left = {blob.name for blob in bucket.client.list_blobs(bucket.name)}
    assert left == {"image.jpg", f"{peers.FOLDER}/w1"}


@pytest.mark.needs("go")
async def test_a_bucket_that_is_not_there_is_named_with_its_setting(gcs: GcsServer) -> None:
    seen = bucket_peers(gcs, BucketPrefix("no-such-bucket"))
    with pytest.raises(
        NotFoundError, match=r"^gs://no-such-bucket does not exist; .*worker\.peers"
    ):
        await seen.report("w1", sent({"classify": 2.0}))


async def test_a_service_that_is_out_of_reach_is_no_reason_to_stop() -> None:
    seen = bucket_peers(GcsServer("http://127.0.0.1:9"), BucketPrefix("workers"))
    with pytest.raises(TransientError):
        await seen.report("w1", sent({"classify": 2.0}))


@pytest.mark.needs("go")
async def test_a_report_that_is_under_way_does_not_come_after_the_worker_left(
    gcs: GcsServer, bucket: Any
) -> None:
    seen = bucket_peers(gcs, BucketPrefix(bucket.name))
    await seen.report("w1", sent({"classify": 2.0}))
    report = asyncio.create_task(seen.report("w1", sent({"classify": 2.0})))
    await asyncio.sleep(0)
    report.cancel()
    await seen.leave("w1")
    assert [blob.name for blob in bucket.client.list_blobs(bucket.name)] == []


@pytest.mark.needs("go")
async def test_the_last_belief_outlives_the_objects_of_others_that_are_gone(
    gcs: GcsServer, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peers, "REMOVED_AFTER", timedelta(0))
    for worker_id in ("w1", "w2"):
        process = bucket_peers(gcs, BucketPrefix(bucket.name))
        await process.report(worker_id, sent({"classify": 2.0}, BELIEF))
        await process.leave(worker_id)
    rates = await bucket_peers(gcs, BucketPrefix(bucket.name)).report("w3", sent({"classify": 1.0}))
    assert remembered(rates["classify"]).belief == BELIEF
    left = {blob.name for blob in bucket.client.list_blobs(bucket.name)}
    assert left == {f"{peers.FOLDER}/w2", f"{peers.FOLDER}/w3"}
