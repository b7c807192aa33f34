"""Subscribes to an Analytics Hub listing, which links the provider's dataset into the project.

The REST API of analyticshub.googleapis.com, version 1:
https://cloud.google.com/bigquery/docs/reference/analytics-hub/rest
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from sightline.errors import ConfigurationError, NotFoundError, SightlineError, TransientError
from sightline.gcp.credentials import LOG_IN
from sightline.gcp.rest_session import RestResponse, RestSession

ENDPOINT = "https://analyticshub.googleapis.com"
TIMEOUT_S = 120.0
ACTIVE = "STATE_ACTIVE"
_SHORT = re.compile(r"(?P<project>[^/]+)/(?P<location>[^/]+)/(?P<exchange>[^/]+)/(?P<name>[^/]+)")
_FULL = re.compile(
    r"projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)"
    r"/dataExchanges/(?P<exchange>[^/]+)/listings/(?P<name>[^/]+)"
)
_SAFE = re.compile(r"[\w.:-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Listing:
    """A listing of a provider's data exchange."""

    project: str
    location: str
    exchange: str
    name: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``PROJECT/LOCATION/EXCHANGE/LISTING``, or a listing's full resource name.

        Raises:
            ConfigurationError: the text is neither.
        """
        match = _FULL.fullmatch(text) or _SHORT.fullmatch(text)
        if match is None or not all(_SAFE.fullmatch(group) for group in match.groups()):
            raise ConfigurationError(
                f"the listing {text[:200]!r} is not accepted; accepted:"
                " PROJECT/LOCATION/EXCHANGE/LISTING, as the listing's page shows them"
            )
        return cls(**match.groupdict())

    @property
    def path(self) -> str:
        """The full resource name."""
        return (
            f"projects/{self.project}/locations/{self.location}"
            f"/dataExchanges/{self.exchange}/listings/{self.name}"
        )

    def is_same(self, path: str) -> bool:
        """Return whether a resource name is this listing's, with the project's id or number."""
        match = _FULL.fullmatch(path)
        if match is None or match["location"].lower() != self.location.lower():
            return False
        same_project = match["project"] == self.project
        one_is_number = match["project"].isdecimal() != self.project.isdecimal()
        return (match["exchange"], match["name"]) == (self.exchange, self.name) and (
            same_project or one_is_number
        )


@dataclass(frozen=True, slots=True)
class LinkedSubscription:
    """A subscription and its linked dataset; ``existed`` is true if it existed before the call."""

    name: str
    project: str
    dataset: str
    existed: bool


class AnalyticsHub:
    """Subscriptions of one project; created by ``open``."""

    def __init__(self, session: RestSession, project: str, endpoint: str) -> None:
        self._session = session
        self._project = project
        self._base = f"{endpoint.rstrip('/')}/v1"

    @classmethod
    @contextmanager
    def open(cls, project: str, credentials: Any, endpoint: str = "") -> Iterator[Self]:
        """Open a session with google-auth credentials, without sending a request."""
        with RestSession.open(credentials, TIMEOUT_S) as session:
            yield cls(session, project, endpoint or ENDPOINT)

    def subscribe(self, listing: Listing, dataset: str) -> LinkedSubscription:
        """Subscribe, unless the project is subscribed already; ``dataset`` is then not used.

        Raises:
            NotFoundError: the listing does not exist, or is not visible to this account.
            ConfigurationError: no permission, the API is disabled, or the dataset's name is taken.
            TransientError: the service cannot be reached, or is over its quota.
        """
        for subscription in self._subscriptions(listing.location):
            if (
                listing.is_same(str(subscription.get("listing", "")))
                and subscription.get("state", ACTIVE) == ACTIVE
            ):
                return self._subscribed(subscription, listing, existed=True)
        body = {
            "destinationDataset": {
                "datasetReference": {"projectId": self._project, "datasetId": dataset},
                "location": listing.location,
                "friendlyName": "Imagery observations, for Sightline",
            }
        }
        response = self._call("POST", f"{listing.path}:subscribe", listing.path, body=body)
        created = response.get("subscription")
        if not isinstance(created, Mapping):
            raise TransientError(
                f"{listing.path}: the response contains no subscription; run the command again to"
                " check whether it was created"
            )
        return self._subscribed(created, listing, existed=False)

    def _subscriptions(self, location: str) -> Iterator[Mapping[str, Any]]:
        parent = f"projects/{self._project}/locations/{location}"
        page = ""
        while True:
            query = {"pageSize": "1000", **({"pageToken": page} if page else {})}
            response = self._call("GET", f"{parent}/subscriptions", parent, query=query)
            yield from response.get("subscriptions", ())
            page = str(response.get("nextPageToken", ""))
            if not page:
                return

    def _subscribed(
        self, subscription: Mapping[str, Any], listing: Listing, *, existed: bool
    ) -> LinkedSubscription:
        linked = [
            *subscription.get("linkedDatasetMap", {}).values(),
            *subscription.get("linkedResources", ()),
        ]
        for resource in linked:
            path = re.fullmatch(
                r"projects/([^/]+)/datasets/([^/]+)", resource.get("linkedDataset", "")
            )
            if path:
                # That name has the project's number, but statements need its id.
                return LinkedSubscription(
                    str(subscription.get("name", "")), self._project, path[2], existed
                )
        raise NotFoundError(
            f"{listing.path}: the subscription {subscription.get('name', '')} has no linked"
            " dataset; remove it on the Analytics Hub page of the console, and subscribe again"
        )

    def _call(
        self,
        method: str,
        path: str,
        what: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        response = self._session.request(
            method, f"{self._base}/{path}", service="Analytics Hub", what=what, query=query,
            body=body,
        )  # fmt: skip
        if response.code != 200:
            raise _refused(response, what, self._project)
        return response.content


def _refused(response: RestResponse, what: str, project: str) -> SightlineError:
    code, line = response.code, response.message
    if response.is_api_disabled:
        return ConfigurationError(
            f"{what}: the Analytics Hub API is disabled; run `gcloud services enable"
            f" analyticshub.googleapis.com --project={project}`"
        )
    if code == 404:
        return NotFoundError(
            f"{what}: {line}; compare it with the listing's page, and ask the provider whether it"
            " is shared with this account"
        )
    if code == 429 or code >= 500:
        return TransientError(f"{what}: {line}; try again in a moment")
    step = _STEPS.get(code, "correct the listing or --dataset").format(project=project)
    return ConfigurationError(f"{what}: {line}; {step}")


_STEPS = {
    401: LOG_IN,
    403: "get roles/analyticshub.subscriber on the listing from its provider, and"
    " roles/bigquery.user and roles/analyticshub.subscriptionOwner in {project}",
    409: "give another --dataset",
}
