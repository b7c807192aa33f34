"""How to mend what Google refuses, and whether there are credentials at all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from sightline.cli.checkup.finding import Finding, attempt
from sightline.cli.cloud import has_cloud_queue, has_cloud_warehouse
from sightline.errors import NotFoundError, ThrottledError, TransientError
from sightline.settings import Settings

LOG_IN = "gcloud auth application-default login"
_DISABLED = ("has not been used in project", "SERVICE_DISABLED", "API is disabled")
"""What Google's message about a disabled API has in it."""


def mends(
    settings: Settings, api: str, *, denied: str, absent: str, otherwise: str = ""
) -> Callable[[Exception], str]:
    """Return how an error of a call to ``api`` is mended: one command, or one thing to do.

    ``denied`` mends a missing permission, ``absent`` a resource that is not there.
    """

    def mend(error: Exception) -> str:
        said = str(error)
        is_absent = isinstance(error, NotFoundError) or "there is no " in said
        is_denied = "permission" in said.lower() or "403" in said
        steps = (
            (_is_disabled(said), f"gcloud services enable {api} --project={settings.gcp.project}"),
            (LOG_IN in said, LOG_IN),
            (isinstance(error, TransientError | ThrottledError), _TRY_AGAIN),
            ("project is set" in said, "sightline init --engine gcp --project PROJECT --force"),
            (is_absent, absent),
            (is_denied or not otherwise, denied),
        )
        return next((step for holds, step in steps if holds), otherwise)

    return mend


_TRY_AGAIN = "look at the network and the endpoint, then `sightline doctor` again"


def _is_disabled(said: str) -> bool:
    return any(one in said for one in _DISABLED)


def member(settings: Settings) -> str:
    """Return who needs a role, as ``--member`` takes it in a shell."""
    if settings.gcp.impersonate:
        return f"serviceAccount:{settings.gcp.impersonate}"
    return '"user:$(gcloud config get account)"'


def grant_on_project(settings: Settings, role: str) -> str:
    """Return the command that grants a role on the project."""
    return (
        f"gcloud projects add-iam-policy-binding {settings.gcp.project}"
        f" --member={member(settings)} --role={role}"
    )


def vertex_agent(settings: Settings) -> str:
    """Return Vertex AI's service agent, which reads images for the models, for a shell."""
    project = settings.gcp.project
    number = f"$(gcloud projects describe {project} --format='value(projectNumber)')"
    return f'"serviceAccount:service-{number}@gcp-sa-aiplatform.iam.gserviceaccount.com"'


def grant_on_bucket(bucket: str, who: str, role: str = "roles/storage.objectViewer") -> str:
    """Return the command that grants a role on a bucket."""
    return (
        f"gcloud storage buckets add-iam-policy-binding gs://{bucket} --member={who} --role={role}"
    )


async def check_credentials(settings: Settings) -> Sequence[Finding]:
    """Return the finding on the credentials, where any service asks for them."""
    asking = _asking(settings)
    if not asking:
        detail = "none needed: every endpoint is an emulator's"
        return (Finding("credentials", True, detail),)

    async def look() -> str:
        from sightline.wiring.credentials import google_tokens

        tokens = await asyncio.to_thread(google_tokens, settings)
        await tokens.token()
        account = getattr(tokens.credentials, "service_account_email", "")
        who = settings.gcp.impersonate or account or "your own account"
        return f"a token for {', '.join(asking)}, as {who}"

    def mend(error: Exception) -> str:
        if settings.gcp.impersonate and LOG_IN not in str(error):
            return (
                "gcloud iam service-accounts add-iam-policy-binding"
                f' {settings.gcp.impersonate} --member="user:$(gcloud config get account)"'
                " --role=roles/iam.serviceAccountTokenCreator"
            )
        return LOG_IN

    return (await attempt("credentials", look, mend),)


def _asking(settings: Settings) -> list[str]:
    vertex = "vertex" in {settings.adapter("classify"), settings.adapter("embed")}
    is_emulated = settings.vertex.endpoint.startswith("http://")
    return [
        name
        for name, asked in (
            ("BigQuery", has_cloud_warehouse(settings) and not settings.bigquery.endpoint),
            ("Pub/Sub", has_cloud_queue(settings) and not settings.pubsub.endpoint),
            ("Vertex AI", vertex and not is_emulated),
        )
        if asked
    ]
