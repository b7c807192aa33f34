"""What only Google says, no emulator: disabled APIs and missing permissions, each with its mend."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest

from sightline.gcp.refusals import error_of, read_refusal
from sightline.operations.doctor.images import check_images
from sightline.operations.doctor.remedies import google_remedy
from sightline.settings import GcpSettings, GcsSettings, Settings
from tests.cli.cloud_rig import CloudProject
from tests.cli.conftest import Command
from tests.cli.http_stand_in import serving
from tests.gcp.servers import BigQueryEmulator

USER = '"user:$(gcloud config get account)"'
GRANT_ON_BUCKET = (
    f"gcloud storage buckets add-iam-policy-binding gs://theirs --member={USER}"
    " --role=roles/storage.objectViewer"
)


def disabled(name: str, api: str) -> dict[str, Any]:
    """Return Google's answer to a call of an API that is not enabled."""
    message = (
        f"{name} has not been used in project 123 before or it is disabled. Enable it by visiting"
        f" https://console.developers.google.com/apis/api/{api}/overview?project=123 then retry."
        " If you enabled this API recently, wait a few minutes for the action to propagate to our"
        " systems and retry."
    )
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "SERVICE_DISABLED",
        "domain": "googleapis.com",
        "metadata": {"service": api, "consumer": "projects/123"},
    }
    reason = {"message": message, "domain": "usageLimits", "reason": "accessNotConfigured"}
    return _error(403, "PERMISSION_DENIED", message, [info], [reason])


def denied(message: str) -> dict[str, Any]:
    """Return Google's answer to a call without a permission."""
    reason = {"message": message, "domain": "global", "reason": "accessDenied"}
    return _error(403, "PERMISSION_DENIED", message, [], [reason])


def _error(code: int, status: str, message: str, details: Any, errors: Any) -> dict[str, Any]:
    error = {"code": code, "message": message, "status": status}
    return {"error": error | {"details": details, "errors": errors}}


@dataclass
class Refuser:
    """A service that answers everything with one refusal."""

    url: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)


@pytest.fixture
def refuser() -> Iterator[Refuser]:
    refuser = Refuser()
    with serving(lambda request, raw: (403, refuser.body)) as refuser.url:
        yield refuser


@pytest.fixture
def project(refuser: Refuser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CloudProject:
    nothing = BigQueryEmulator("my-project", refuser.url, "")
    return CloudProject(tmp_path, monkeypatch, bigquery=nothing)


def examine(sightline: Command) -> dict[str, dict[str, Any]]:
    return {finding["what"]: finding for finding in sightline("doctor", code=1)}


def test_a_disabled_bigquery_is_mended_by_enabling_it(
    sightline: Command, project: CloudProject, refuser: Refuser
) -> None:
    refuser.body = disabled("BigQuery API", "bigquery.googleapis.com")
    findings = examine(sightline)
    for what in ("dataset", "queries", "table runs", "source"):
        assert findings[what]["mend"] == (
            "gcloud services enable bigquery.googleapis.com --project=my-project"
        )


def test_each_missing_permission_of_bigquery_has_its_own_grant(
    sightline: Command, project: CloudProject, refuser: Refuser
) -> None:
    refuser.body = denied("Access Denied: User does not have permission for it.")
    findings = examine(sightline)
    grant = f"gcloud projects add-iam-policy-binding my-project --member={USER} --role="
    assert findings["dataset"]["mend"] == f"{grant}roles/bigquery.dataEditor"
    assert findings["queries"]["mend"] == f"{grant}roles/bigquery.jobUser"
    assert findings["source"]["mend"] == (
        "bq query --use_legacy_sql=false --project_id=my-project"
        rf' "GRANT \`roles/bigquery.dataViewer\` ON SCHEMA \`{project.source.rpartition(".")[0]}\`'
        " TO 'user:$(gcloud config get account)'\""
    )


def test_a_service_account_is_granted_roles_as_such(
    sightline: Command, project: CloudProject, refuser: Refuser
) -> None:
    refuser.body = denied("Access Denied: User does not have permission for it.")
    project.let("GCP__IMPERSONATE", "worker@my-project.iam.gserviceaccount.com")
    member = "--member=serviceAccount:worker@my-project.iam.gserviceaccount.com"
    assert member in examine(sightline)["queries"]["mend"]


@pytest.mark.parametrize(
    ("body", "mend"),
    [
        (disabled("Cloud Storage API", "storage.googleapis.com"),
         "gcloud services enable storage.googleapis.com --project=my-project"),
        (denied("me does not have storage.objects.get access to the Google Cloud Storage object."),
         GRANT_ON_BUCKET),
    ],
)  # fmt: skip
async def test_a_bucket_that_may_not_be_read_is_told_with_the_grant(
    body: Mapping[str, Any], mend: str, refuser: Refuser
) -> None:
    refuser.body = body
    settings = Settings(
        engine="gcp", gcp=GcpSettings("my-project"), gcs=GcsSettings(endpoint=refuser.url)
    )
    (finding,) = await check_images(settings, "gs://theirs/s1/v0/o1.jpg")
    assert (finding.failed, finding.remedy) == (True, mend)


def test_a_disabled_vertex_ai_is_mended_by_enabling_it() -> None:
    settings = Settings(engine="gcp", gcp=GcpSettings("my-project"))
    remedy = google_remedy(settings, "aiplatform.googleapis.com", denied="denied", absent="absent")
    refusal = disabled("Vertex AI API", "aiplatform.googleapis.com")
    error = error_of(read_refusal(403, refusal, {}), model="gemini-3.5-flash")
    assert remedy(error) == "gcloud services enable aiplatform.googleapis.com --project=my-project"


@pytest.fixture
def pubsub() -> Iterator[Callable[[Mapping[str, Callable[..., Any]]], str]]:
    """Return a function that serves methods of Pub/Sub, by name, and returns where."""
    servers = []

    def serve(methods: Mapping[str, Callable[..., Any]]) -> str:
        class Handler(grpc.GenericRpcHandler):  # type: ignore[misc]  # grpc ships no types
            def service(self, call: Any) -> Any:
                method = methods.get(call.method.rpartition("/")[2])
                return method and grpc.unary_unary_rpc_method_handler(method)

        server = grpc.server(ThreadPoolExecutor(2))
        server.add_generic_rpc_handlers((Handler(),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        return f"127.0.0.1:{port}"

    yield serve
    for server in servers:
        server.stop(None).wait()


def refusing(message: str) -> Callable[..., Any]:
    def method(_: bytes, context: Any) -> bytes:
        context.abort(grpc.StatusCode.PERMISSION_DENIED, message)
        return b""

    return method


def test_a_disabled_pubsub_is_mended_by_enabling_it(
    sightline: Command, project: CloudProject, pubsub: Callable[..., str]
) -> None:
    message = disabled("Cloud Pub/Sub API", "pubsub.googleapis.com")["error"]["message"]
    methods = dict.fromkeys(("GetTopic", "GetSubscription"), refusing(message))
    project.let("PUBSUB__ENDPOINT", pubsub(methods))
    project.let("ADAPTERS__WAREHOUSE", "local")
    findings = examine(sightline)
    for what in (
        f"topic {project.short('topic')}",
        f"subscription {project.short('subscription')}",
    ):
        assert findings[what]["mend"] == (
            "gcloud services enable pubsub.googleapis.com --project=my-project"
        )


def test_a_topic_that_may_not_be_published_to_is_told_with_the_grant(
    sightline: Command, project: CloudProject, pubsub: Callable[..., str]
) -> None:
    from google.iam.v1.iam_policy_pb2 import (  # type: ignore[import-untyped]  # ships no types
        TestIamPermissionsRequest,
        TestIamPermissionsResponse,
    )
    from google.pubsub_v1 import types

    checks = []

    def granted(raw: bytes, _: Any) -> bytes:
        checks.append(TestIamPermissionsRequest.FromString(raw))
        return bytes(TestIamPermissionsResponse(permissions=[]).SerializeToString())

    def topic(_: bytes, __: Any) -> bytes:
        return bytes(types.Topic.serialize(types.Topic(name="any")))

    project.let("PUBSUB__ENDPOINT", pubsub({"GetTopic": topic, "TestIamPermissions": granted}))
    project.let("ADAPTERS__WAREHOUSE", "local")
    findings = examine(sightline)
    name = project.short("topic")
    assert findings[f"topic {name}"]["mend"] == (
        f"gcloud pubsub topics add-iam-policy-binding {name} --project=my-project"
        f" --member={USER} --role=roles/pubsub.publisher"
    )
    assert findings[f"topic {project.short('dead_letter_topic')}"]["ok"]
    assert [(check.resource, list(check.permissions)) for check in checks] == [
        (f"projects/my-project/topics/{name}", ["pubsub.topics.publish"])
    ]
