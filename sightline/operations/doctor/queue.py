"""Checks of Pub/Sub: topics, subscriptions, their settings, permissions, and workers' reports."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sightline.errors import ConfigurationError, NotFoundError, SightlineError
from sightline.gcp.pubsub.setup import Kind, QueueSetup, QueueShape, repair_command
from sightline.operations.cloud import queue_shape
from sightline.operations.doctor.finding import Finding, attempt, failed
from sightline.operations.doctor.peers import check_peers
from sightline.operations.doctor.remedies import google_remedy, grant_on_project, member
from sightline.settings import Settings
from sightline.wiring.credentials import google_credentials

API = "pubsub.googleapis.com"
_ROLES = {"topic": "roles/pubsub.publisher", "subscription": "roles/pubsub.subscriber"}
_BIND = {
    "topic": "gcloud pubsub topics add-iam-policy-binding",
    "subscription": "gcloud pubsub subscriptions add-iam-policy-binding",
}


async def check_queue(settings: Settings) -> Sequence[Finding]:
    """Return a finding on each topic and subscription, and on where workers report."""
    remedy = google_remedy(
        settings,
        API,
        denied=grant_on_project(settings, "roles/pubsub.viewer"),
        absent="sightline setup",
        otherwise="correct the [pubsub] section of the settings",
    )
    try:
        shape = queue_shape(settings)
        credentials = await asyncio.to_thread(google_credentials, settings, shape.place.endpoint)
    except SightlineError as error:
        return (failed("queue", str(error), remedy(error)),)
    async with QueueSetup.open(shape, credentials) as queue:
        findings = [
            await _Check(settings, shape, queue, kind, path).finding()
            for kind, path in queue.required()
        ]
    return [*findings, await check_peers(settings)]


class _Check:
    """The check of one topic or subscription."""

    def __init__(
        self, settings: Settings, shape: QueueShape, queue: QueueSetup, kind: Kind, path: str
    ) -> None:
        self._settings = settings
        self._shape = shape
        self._queue = queue
        self._kind: Kind = kind
        self._path = path
        self._remedy = ""

    async def finding(self) -> Finding:
        name = self._path.rpartition("/")[2]
        remedy = google_remedy(
            self._settings,
            API,
            denied=self._grant(name, "roles/pubsub.viewer"),
            absent="sightline setup",
        )
        subject = f"{self._kind} {name}"
        return await attempt(subject, self._look, lambda error: self._remedy or remedy(error))

    async def _look(self) -> str:
        resource = await self._queue.inspect(self._kind, self._path)
        if not resource.existed:
            raise NotFoundError(f"{self._path} does not exist; run `sightline setup`")
        if resource.differences:
            self._remedy = repair_command(self._shape, resource)
            raise ConfigurationError(f"{'; '.join(resource.differences)}; correct it")
        if self._path == self._shape.dead_letter_topic_path:
            return "exists"  # Pub/Sub itself publishes to it
        missing = await self._queue.missing_permissions(self._kind, self._path)
        if missing is None:
            return "exists, as the job needs it; an emulator has no permissions"
        if missing:
            self._remedy = self._grant(resource.name, _ROLES[self._kind])
            raise ConfigurationError(f"no permission {', '.join(missing)}; grant it")
        return "exists, as the job needs it, and may be used"

    def _grant(self, name: str, role: str) -> str:
        return (
            f"{_BIND[self._kind]} {name}"
            f" --project={self._settings.gcp.project} --member={member(self._settings)}"
            f" --role={role}"
        )
