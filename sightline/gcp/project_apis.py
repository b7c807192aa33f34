"""What Google says about a project: its state, its billing, its APIs, permissions and quotas.

Cloud Resource Manager v3, Cloud Billing v1, Service Usage v1 and, for quotas, v1beta1, over REST:
https://cloud.google.com/resource-manager/reference/rest/v3/projects
https://cloud.google.com/billing/docs/reference/rest/v1/projects
https://cloud.google.com/service-usage/docs/reference/rest
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from sightline.errors import ConfigurationError, NotFoundError, SightlineError, TransientError
from sightline.gcp.credentials import LOG_IN
from sightline.gcp.rest_session import (
    QUOTA_PROJECT_HEADER,
    RefusedCredentialsError,
    RestAnswer,
    RestSession,
)

TIMEOUT_S = 30.0
BILLING = "cloudbilling.googleapis.com"
RESOURCE_MANAGER = "cloudresourcemanager.googleapis.com"
SERVICE_USAGE = "serviceusage.googleapis.com"
NAMES = {
    BILLING: "Cloud Billing",
    RESOURCE_MANAGER: "Cloud Resource Manager",
    SERVICE_USAGE: "Service Usage",
}
ENABLED = "ENABLED"
ACTIVE = "ACTIVE"
UNLIMITED = -1
_MOST_SERVICES_A_CALL = 20
_MOST_PAGES = 100


@dataclass(frozen=True, slots=True)
class ServiceQuota:
    """A limit of a service: ``limit`` units of a metric in each ``unit``, ``1/min/{project}`` say.

    ``dimensions`` say what it is a limit of: ``{"base_model": "gemini-embedding"}``.
    """

    metric: str
    unit: str
    limit: int
    dimensions: Mapping[str, str]


class ProjectApis:
    """Questions about one project; made by ``open``. Each may raise as ``described`` does."""

    def __init__(self, session: RestSession, project: str, endpoint: str) -> None:
        self._session = session
        self._project = project
        self._endpoint = endpoint.rstrip("/")

    @classmethod
    @contextmanager
    def open(
        cls, project: str, credentials: Any, endpoint: str = "", timeout_s: float = TIMEOUT_S
    ) -> Iterator[Self]:
        """Open a session with google-auth's credentials; nothing is asked yet.

        ``endpoint`` stands in for Google: the host of a request is the first part of its path.
        """
        with RestSession.open(credentials, timeout_s) as session:
            yield cls(session, project, endpoint)

    def state(self) -> str:
        """Return the state of the project: ``ACTIVE``, or ``DELETE_REQUESTED``.

        Raises:
            RefusedCredentialsError: the token is refused.
            NotFoundError: there is no such project, or it is not shown to this account.
            ConfigurationError: no permission, or the API that is asked is disabled.
            TransientError: Google is out of reach, or over its quota for now.
        """
        return str(self._ask("GET", RESOURCE_MANAGER, f"v3/{self._name}").get("state", ""))

    def has_billing(self) -> bool:
        """Return whether a billing account pays for the project."""
        answer = self._ask("GET", BILLING, f"v1/{self._name}/billingInfo")
        return answer.get("billingEnabled") is True

    def enabled(self, apis: Sequence[str]) -> frozenset[str]:
        """Return those of some APIs, ``pubsub.googleapis.com`` say, that are enabled."""
        enabled: set[str] = set()
        for start in range(0, len(apis), _MOST_SERVICES_A_CALL):
            names = [
                f"{self._name}/services/{api}"
                for api in apis[start : start + _MOST_SERVICES_A_CALL]
            ]
            answer = self._ask(
                "GET", SERVICE_USAGE, f"v1/{self._name}/services:batchGet", query={"names": names}
            )
            for service in answer.get("services", ()):
                if service.get("state") == ENABLED:
                    enabled.add(str(service.get("name", "")).rpartition("/")[2])
        return frozenset(enabled)

    def granted(self, permissions: Sequence[str]) -> frozenset[str]:
        """Return those of at most 100 permissions that this account has on the project."""
        answer = self._ask(
            "POST",
            RESOURCE_MANAGER,
            f"v3/{self._name}:testIamPermissions",
            body={"permissions": list(permissions)},
        )
        return frozenset(map(str, answer.get("permissions", ())))

    def quotas(self, api: str) -> Iterator[ServiceQuota]:
        """Yield the quotas of an API, in each location that has one of its own."""
        page = ""
        for _ in range(_MOST_PAGES):
            answer = self._ask(
                "GET",
                SERVICE_USAGE,
                f"v1beta1/{self._name}/services/{api}/consumerQuotaMetrics",
                query={"view": "FULL", **({"pageToken": page} if page else {})},
            )
            for metric in answer.get("metrics", ()):
                yield from _quotas_of(metric)
            page = str(answer.get("nextPageToken", ""))
            if not page:
                return

    @property
    def _name(self) -> str:
        return f"projects/{self._project}"

    def _ask(
        self,
        method: str,
        host: str,
        path: str,
        *,
        query: Mapping[str, str | Sequence[str]] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        base = f"{self._endpoint}/{host}" if self._endpoint else f"https://{host}"
        answer = self._session.ask(
            method,
            f"{base}/{path}",
            service=NAMES[host],
            what=self._name,
            query=query,
            body=body,
            # A person's credentials belong to no project, in whose name these APIs could be asked.
            headers={QUOTA_PROJECT_HEADER: self._project},
        )
        if answer.code != 200:
            raise self._refused(answer, host)
        return answer.content

    def _refused(self, answer: RestAnswer, host: str) -> SightlineError:
        refusal = f"{self._name}: {answer.message}"
        if answer.is_api_disabled:
            return ConfigurationError(
                f"{self._name}: the {NAMES[host]} API is disabled; run `gcloud services enable"
                f" {host} --project={self._project}`"
            )
        if answer.code == 401:
            return RefusedCredentialsError(f"{refusal}; {LOG_IN}")
        if answer.code == 404:
            return NotFoundError(f"{refusal}; correct the project's id")
        if answer.code == 429 or answer.code >= 500:
            return TransientError(f"{refusal}; try again in a moment")
        return ConfigurationError(f"{refusal}; ask an owner of the project for the role")


def _quotas_of(metric: Mapping[str, Any]) -> Iterator[ServiceQuota]:
    for limit in metric.get("consumerQuotaLimits", ()):
        for bucket in limit.get("quotaBuckets", ()):
            yield ServiceQuota(
                str(metric.get("metric", "")),
                str(limit.get("unit", "")),
                int(bucket.get("effectiveLimit", UNLIMITED)),
                {str(name): str(value) for name, value in bucket.get("dimensions", {}).items()},
            )
