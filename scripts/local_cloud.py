"""A Google Cloud project on this machine: emulators, and the control plane in front of them.

The control plane (``scripts/control_plane``) answers what has no emulator. Whatever is asked of any
other address is refused, and told.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi_gcp as gcp

from scripts.servers import (
    ServerError,
    process,
    pubsub_emulator_jar,
    run_bigquery_emulator,
    run_gcs,
    run_pstest,
    run_pubsub_emulator,
)

PROJECT = "sightline-test"
REGION = "us-central1"
TOKEN = "ya29.only-for-tests-and-never-to-be-shown"
ENDPOINTS: Mapping[str, str] = {
    "artifact_registry": "artifactregistry.googleapis.com/v1/",
    "big_query": "bigquery.googleapis.com/bigquery/v2/",
    "bigquery_analytics_hub": "analyticshub.googleapis.com/v1/",
    "bigquery_connection": "bigqueryconnection.googleapis.com/v1/",
    "bigquery_reservation": "bigqueryreservation.googleapis.com/v1/",
    "billing_budgets": "billingbudgets.googleapis.com/v1/",
    "cloud_billing": "cloudbilling.googleapis.com/v1/",
    "cloud_run_v2": "run.googleapis.com/v2/",
    "cloud_scheduler": "cloudscheduler.googleapis.com/v1/",
    "container": "container.googleapis.com/v1/",
    "iam_beta": "iam.googleapis.com/v1/",
    "kms": "cloudkms.googleapis.com/v1/",
    "logging": "logging.googleapis.com/v2/",
    "monitoring": "monitoring.googleapis.com/",
    "pubsub": "pubsub.googleapis.com/v1/",
    "resource_manager": "cloudresourcemanager.googleapis.com/v1/",
    "resource_manager_v3": "cloudresourcemanager.googleapis.com/v3/",
    "service_usage": "serviceusage.googleapis.com/v1/",
    "storage": "storage.googleapis.com/storage/v1/",
}
"""Options of the provider, and what each is on Google's side."""


@contextmanager
def run_cloud(folder: Path) -> Iterator[Cloud]:
    """Run the emulators and the control plane in front of them, each a process of its own.

    Pub/Sub is Google's emulator where there is one, else pstest.

    Raises:
        ServerError: one of them does not start.
    """
    with ExitStack() as servers:
        start = servers.enter_context
        if pubsub_emulator_jar() is None:
            pubsub = start(run_pstest(folder / "pubsub.log")).endpoint
            rest = pubsub
        else:
            pubsub = start(run_pubsub_emulator(folder / "pubsub.log")).endpoint
            rest = f"http://{pubsub}"
        bigquery = start(run_bigquery_emulator(folder / "bigquery.log"))
        gcs = start(run_gcs(folder / "gcs.log"))
        command = [
            sys.executable, "-m", "scripts.control_plane", "--project", PROJECT,
            "--pubsub", rest, "--bigquery", bigquery.endpoint, "--storage", gcs.endpoint,
        ]  # fmt: skip
        log = folder / "control-plane.log"
        server = start(process(command, log))
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        if not url:
            raise ServerError(f"the control plane does not start: {log.read_text('utf-8')}")
        yield Cloud(
            url,
            {
                "SIGHTLINE_BIGQUERY__ENDPOINT": bigquery.endpoint,
                "SIGHTLINE_BIGQUERY__STORAGE_ENDPOINT": bigquery.storage_endpoint,
                "SIGHTLINE_GCS__ENDPOINT": gcs.endpoint,
                "SIGHTLINE_PUBSUB__ENDPOINT": pubsub,
            },
        )


@dataclass(frozen=True, slots=True)
class Cloud:
    """The router's address, and what tests ask it besides Google's APIs.

    ``variables`` let Sightline's commands use the same servers.
    """

    url: str
    variables: Mapping[str, str] = field(default_factory=dict)

    def provider(self) -> gcp.Provider:
        """Return a provider whose every call comes here."""
        endpoints: dict[str, Any] = {
            f"{name}_custom_endpoint": f"{self.url}/{where}" for name, where in ENDPOINTS.items()
        }
        batching = gcp.ProviderBatchingArgs(send_after="0.1s")
        return gcp.Provider(
            "google",
            project=PROJECT,
            region=REGION,
            access_token=TOKEN,
            batching=batching,
            **endpoints,
        )

    def call(
        self, verb: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """Make a call of Google's, as somebody else would: ``run.googleapis.com/v2/…``."""
        text = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/{path}", text, headers, method=verb)
        with urllib.request.urlopen(request, timeout=30) as answer:
            contents: Mapping[str, Any] = json.loads(answer.read() or b"{}")
            return contents

    def contents(self) -> Mapping[str, Any]:
        """Return what the control plane keeps."""
        return self.call("GET", "-/contents")

    def requests(self) -> list[Mapping[str, Any]]:
        """Return the requests since the last ``forget``."""
        requests: list[Mapping[str, Any]] = list(self.call("GET", "-/requests")["requests"])
        return requests

    def strays(self) -> list[str]:
        """Return what was asked of anywhere else; there must be nothing."""
        return list(self.call("GET", "-/requests")["strays"])

    def refused(self) -> list[str]:
        """Return the requests that were refused, but for those that the provider only tries."""
        return [
            "{verb} {host}/{path}: {status} {error}".format_map(request)
            for request in self.requests()
            if request["status"] >= 400
            and (request["status"], request["verb"]) != (404, "GET")
            and request["host"] != "cloudbilling.googleapis.com"
        ]

    def changes(self) -> list[Mapping[str, str]]:
        """Return the requests that changed something, in their order, as ``repeat`` takes them."""
        return [
            {name: request[name] for name in ("verb", "target", "body")}
            for request in self.requests()
            if request["verb"] != "GET" and request["status"] < 400
        ]

    def repeat(self, changes: Iterable[Mapping[str, str]]) -> None:
        """Make such requests again; what they made elsewhere is here then."""
        for change in changes:
            body = json.loads(change["body"]) if change["body"] else None
            self.call(change["verb"], change["target"].lstrip("/"), body)

    def forget(self) -> None:
        """Forget the requests so far."""
        self.call("DELETE", "-/requests")

    def hold(self, method: str = "", *, after: bool = True, skip: int = 0) -> None:
        """Let calls of a method wait for good, once they took effect or before."""
        self.call("PUT", "-/hold", {"method": method, "after": after, "skip": skip})

    def held(self) -> int:
        """Return how many calls wait."""
        return int(self.call("GET", "-/hold")["held"])
