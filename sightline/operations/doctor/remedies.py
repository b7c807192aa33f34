"""What to do when Google refuses a call: one command for each kind of refusal."""

from __future__ import annotations

from collections.abc import Callable

from sightline.errors import NotFoundError, ThrottledError, TransientError
from sightline.settings import Settings

LOG_IN = "gcloud auth application-default login"
_TRY_AGAIN = "look at the network and the endpoint, then `sightline doctor` again"
_DISABLED = ("has not been used in project", "SERVICE_DISABLED", "API is disabled")
"""What Google's message about a disabled API contains."""


def google_remedy(
    settings: Settings, api: str, *, denied: str, absent: str, otherwise: str = ""
) -> Callable[[Exception], str]:
    """Return a function that returns the remedy for an error of a call to ``api``.

    ``denied`` is for a missing permission, ``absent`` for a resource that does not exist.
    """

    def remedy(error: Exception) -> str:
        message = str(error)
        is_absent = isinstance(error, NotFoundError) or "there is no " in message
        is_denied = "permission" in message.lower() or "403" in message
        enable = f"gcloud services enable {api} --project={settings.gcp.project}"
        steps = (
            (any(text in message for text in _DISABLED), enable),
            (LOG_IN in message, LOG_IN),
            (isinstance(error, TransientError | ThrottledError), _TRY_AGAIN),
            ("project is set" in message, "sightline init --engine gcp --project PROJECT --force"),
            (is_absent, absent),
            (is_denied or not otherwise, denied),
        )
        return next((step for holds, step in steps if holds), otherwise)

    return remedy


def member(settings: Settings) -> str:
    """Return the account that needs a role, as the value of ``--member`` in a shell."""
    if settings.gcp.impersonate:
        return f"serviceAccount:{settings.gcp.impersonate}"
    return '"user:$(gcloud config get account)"'


def vertex_agent(settings: Settings) -> str:
    """Return Vertex AI's service agent, which reads images for the models, for a shell."""
    project = settings.gcp.project
    number = f"$(gcloud projects describe {project} --format='value(projectNumber)')"
    return f'"serviceAccount:service-{number}@gcp-sa-aiplatform.iam.gserviceaccount.com"'


def grant_on_project(settings: Settings, role: str) -> str:
    """Return the command that grants a role on the project."""
    return (
        f"gcloud projects add-iam-policy-binding {settings.gcp.project}"
        f" --member={member(settings)} --role={role}"
    )


def grant_on_bucket(bucket: str, who: str, role: str = "roles/storage.objectViewer") -> str:
    """Return the command that grants a role on a bucket."""
    return (
        f"gcloud storage buckets add-iam-policy-binding gs://{bucket} --member={who} --role={role}"
    )
