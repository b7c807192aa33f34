"""Checks the bucket in which workers see each other."""

from __future__ import annotations

from sightline.operations.doctor.finding import Finding, attempt, not_checked
from sightline.operations.doctor.remedies import google_remedy, grant_on_bucket, member
from sightline.settings import Settings
from sightline.wiring.cloud import open_peers

_SUBJECT = "other workers"


async def check_peers(settings: Settings) -> Finding:
    """Return the finding on whether a worker can report there, and read the others' reports."""
    where = settings.worker.peers
    if not where:
        return not_checked(
            _SUBJECT, "worker.peers is not set, so workers guess how many share a model's quota"
        )
    bucket = where.removeprefix("gs://").partition("/")[0]
    remedy = google_remedy(
        settings,
        "storage.googleapis.com",
        denied=grant_on_bucket(bucket, member(settings), "roles/storage.objectUser"),
        absent=f"gcloud storage buckets create gs://{bucket} --project={settings.gcp.project}",
        otherwise="set worker.peers to gs://BUCKET/PREFIX",
    )
    return await attempt(_SUBJECT, lambda: _look(settings), remedy)


async def _look(settings: Settings) -> str:
    async with open_peers(settings) as peers:
        await peers.report("doctor", {})
        await peers.leave("doctor")
    return f"they see each other in {settings.worker.peers}"
