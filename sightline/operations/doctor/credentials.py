"""Checks the credentials, if any service needs them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from sightline.operations.cloud import has_cloud_queue, has_cloud_warehouse
from sightline.operations.doctor.finding import Finding, attempt, passed
from sightline.operations.doctor.remedies import LOG_IN
from sightline.settings import Settings
from sightline.wiring.credentials import google_tokens

SUBJECT = "credentials"


async def check_credentials(settings: Settings) -> Sequence[Finding]:
    """Return the finding on the credentials, if any service needs them."""
    services = _services(settings)
    if not services:
        return (passed(SUBJECT, "none needed: every endpoint is an emulator's"),)

    async def look() -> str:
        tokens = await asyncio.to_thread(google_tokens, settings)
        await tokens.token()
        account = getattr(tokens.credentials, "service_account_email", "")
        who = settings.gcp.impersonate or account or "your own account"
        return f"a token for {', '.join(services)}, as {who}"

    def remedy(error: Exception) -> str:
        if settings.gcp.impersonate and LOG_IN not in str(error):
            return (
                "gcloud iam service-accounts add-iam-policy-binding"
                f' {settings.gcp.impersonate} --member="user:$(gcloud config get account)"'
                " --role=roles/iam.serviceAccountTokenCreator"
            )
        return LOG_IN

    return (await attempt(SUBJECT, look, remedy),)


def _services(settings: Settings) -> list[str]:
    """Return the services that need credentials."""
    vertex = "vertex" in {settings.adapter("classify"), settings.adapter("embed")}
    is_emulated = settings.vertex.endpoint.startswith("http://")
    return [
        name
        for name, asks in (
            ("BigQuery", has_cloud_warehouse(settings) and not settings.bigquery.endpoint),
            ("Pub/Sub", has_cloud_queue(settings) and not settings.pubsub.endpoint),
            ("Vertex AI", vertex and not is_emulated),
        )
        if asks
    ]
