"""Reads facts about a project: its state, billing, enabled APIs, permissions and quotas.

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
    RestResponse,
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
_MAX_SERVICES_PER_CALL = 20
_MAX_PAGES = 100


@dataclass(frozen=True, slots=True)
class ServiceQuota:
    """A limit of a service: ``limit`` of a metric in each ``unit``, such as ``1/min/{project}``.

    ``dimensions`` restrict what is limited, such as ``{"base_model": "gemini-embedding"}``.
    """

    metric: str
    unit: str
    limit: int
    dimensions: Mapping[str, str]


class ProjectApis:
    """Reads facts about one project; created by ``open``. Each call raises as ``state`` does."""

    def __init__(self, session: RestSession, project: str, endpoint: str) -> None:
        self._session = session
        self._project = project
        self._endpoint = endpoint.rstrip("/")

    @classmethod
    @contextmanager
    def open(
        cls, project: str, credentials: Any, endpoint: str = "", timeout_s: float = TIMEOUT_S
    ) -> Iterator[Self]:
        """Open a session with google-auth credentials, without sending a request.

        ``endpoint`` replaces Google's hosts: the host of a request becomes the start of its path.
        """
        with RestSession.open(credentials, timeout_s) as session:
            yield cls(session, project, endpoint)

    def state(self) -> str:
        """Return the state of the project: ``ACTIVE``, or ``DELETE_REQUESTED``.

        Raises:
            RefusedCredentialsError: the token is refused.
            NotFoundError: the project does not exist, or is not visible to this account.
            ConfigurationError: no permission, or the API is disabled.
            TransientError: Google cannot be reached, or a quota is exhausted.
        """
        return str(self._ask("GET", RESOURCE_MANAGER, f"v3/{self._name}").get("state", ""))

    def has_billing(self) -> bool:
        """Return whether a billing account pays for the project."""
        response = self._ask("GET", BILLING, f"v1/{self._name}/billingInfo")
        return response.get("billingEnabled") is True

    def enabled(self, apis: Sequence[str]) -> frozenset[str]:
        """Return which of these APIs, such as ``pubsub.googleapis.com``, are enabled."""
        enabled: set[str] = set()
        for start in range(0, len(apis), _MAX_SERVICES_PER_CALL):
            names = [
                f"{self._name}/services/{api}"
                for api in apis[start : start + _MAX_SERVICES_PER_CALL]
            ]
            response = self._ask(
                "GET", SERVICE_USAGE, f"v1/{self._name}/services:batchGet", query={"names": names}
            )
            for service in response.get("services", ()):
                if service.get("state") == ENABLED:
                    enabled.add(str(service.get("name", "")).rpartition("/")[2])
        return frozenset(enabled)

    def granted(self, permissions: Sequence[str]) -> frozenset[str]:
        """Return which of these permissions (at most 100) this account has on the project."""
        response = self._ask(
            "POST",
            RESOURCE_MANAGER,
            f"v3/{self._name}:testIamPermissions",
            body={"permissions": list(permissions)},
        )
        return frozenset(map(str, response.get("permissions", ())))

    def quotas(self, api: str) -> Iterator[ServiceQuota]:
        """Yield the quotas of an API, including those of single locations."""
        page = ""
        for _ in range(_MAX_PAGES):
            response = self._ask(
                "GET",
                SERVICE_USAGE,
                f"v1beta1/{self._name}/services/{api}/consumerQuotaMetrics",
                query={"view": "FULL", **({"pageToken": page} if page else {})},
            )
            for metric in response.get("metrics", ()):
                yield from _quotas_of(metric)
            page = str(response.get("nextPageToken", ""))
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
        response = self._session.request(
            method,
            f"{base}/{path}",
            service=NAMES[host],
            what=self._name,
            query=query,
            body=body,
            # A person's credentials belong to no project, which these APIs need for their quota.
            headers={QUOTA_PROJECT_HEADER: self._project},
        )
        if response.code != 200:
            raise self._refused(response, host)
        return response.content

    def _refused(self, response: RestResponse, host: str) -> SightlineError:
        refusal = f"{self._name}: {response.message}"
        if response.is_api_disabled:
            return ConfigurationError(
                f"{self._name}: the {NAMES[host]} API is disabled; run `gcloud services enable"
                f" {host} --project={self._project}`"
            )
        if response.code == 401:
            return RefusedCredentialsError(f"{refusal}; {LOG_IN}")
        if response.code == 404:
            return NotFoundError(f"{refusal}; correct the project's id")
        if response.code == 429 or response.code >= 500:
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
