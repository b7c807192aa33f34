"""The control plane refuses what Google refuses: unknown fields, second creates, lost updates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from scripts.control_plane.calls import Call
from scripts.control_plane.discovery import HOSTS, RefusedError, find_method, methods
from scripts.control_plane.gaps import EMULATED, GAPS, gaps_of, table
from scripts.control_plane.plane import ControlPlane
from scripts.control_plane.router import resource_name
from scripts.servers import CHECKOUT

P = "projects/sightline-test"
HERE = f"{P}/locations/us-central1"
RUN = "run.googleapis.com"
JOB = {"template": {"template": {"containers": [{"image": "an-image"}]}}}


class Google:
    """A control plane, asked by path as Google's APIs are."""

    def __init__(self) -> None:
        self.plane = ControlPlane("sightline-test")
        self.plane.project.enabled |= set(HOSTS)

    def ask(
        self, verb: str, host: str, path: str, body: Mapping[str, Any] | None = None, **query: str
    ) -> Mapping[str, Any]:
        method, _ = find_method(host, verb, path)
        method.check_query(query)
        method.check_body(body or {})
        self.plane.project.check_enabled(host)
        name = resource_name(path, method, "sightline-test")
        return self.plane.answer(Call(method, host, name, query, body or {}))

    def operation(self, host: str, version: str, begun: Mapping[str, Any]) -> Mapping[str, Any]:
        return self.ask("GET", host, f"{version}/{begun['name']}")


@pytest.fixture
def google() -> Google:
    return Google()


def refused(code: int, says: str) -> Any:
    return pytest.raises(RefusedError, match=says, check=lambda error: error.code == code)


def test_a_path_that_google_does_not_have_is_not_found(google: Google) -> None:
    with refused(404, "is no method of Google's"):
        google.ask("POST", RUN, f"v2/{HERE}/workerpools")


def test_a_parameter_that_google_does_not_have_is_named(google: Google) -> None:
    with refused(400, 'Unknown name "jobID"'):
        google.ask("POST", RUN, f"v2/{HERE}/jobs", JOB, jobID="worker")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"templates": {}}, 'Unknown name "templates"'),
        ({"template": {"taskCount": "many"}}, "Invalid value at 'template.taskCount'"),
        ({"template": {"template": {"containers": {}}}}, "Invalid value at .*containers"),
        ({"template": {"template": {"containers": [{"img": "x"}]}}}, r"containers\[0\]"),
        ({"launchStage": "SOON"}, "Invalid value at 'launchStage'"),
    ],
)
def test_a_field_that_google_does_not_have_is_named(
    google: Google, body: Mapping[str, Any], says: str
) -> None:
    with refused(400, says):
        google.ask("POST", RUN, f"v2/{HERE}/jobs", body, jobId="worker")


def test_an_api_that_is_not_enabled_is_refused_until_it_is(google: Google) -> None:
    google.plane.project.enabled.discard(RUN)
    with refused(403, "has not been used in project"):
        google.ask("GET", RUN, f"v2/{HERE}/jobs")
    google.ask("POST", "serviceusage.googleapis.com", f"v1/{P}/services/{RUN}:enable")
    assert google.ask("GET", RUN, f"v2/{HERE}/jobs") == {}


def test_what_is_created_is_read_listed_and_deleted(google: Google) -> None:
    begun = google.ask("POST", RUN, f"v2/{HERE}/jobs", JOB, jobId="worker")
    assert begun["done"] is False
    operation_done = google.operation(RUN, "v2", begun)
    assert operation_done["response"]["name"] == f"{HERE}/jobs/worker"
    assert google.ask("GET", RUN, f"v2/{HERE}/jobs/worker")["template"] == JOB["template"]
    assert len(google.ask("GET", RUN, f"v2/{HERE}/jobs")["jobs"]) == 1
    google.ask("DELETE", RUN, f"v2/{HERE}/jobs/worker")
    with refused(404, "was not found"):
        google.ask("GET", RUN, f"v2/{HERE}/jobs/worker")


def test_a_second_create_of_the_same_name_is_refused(google: Google) -> None:
    google.ask("POST", RUN, f"v2/{HERE}/jobs", JOB, jobId="worker")
    with refused(409, "already exists"):
        google.ask("POST", RUN, f"v2/{HERE}/jobs", JOB, jobId="worker")


def test_what_only_google_sets_is_ignored_in_requests(google: Google) -> None:
    google.ask("POST", RUN, f"v2/{HERE}/jobs", {**JOB, "uid": "mine"}, jobId="worker")
    assert google.ask("GET", RUN, f"v2/{HERE}/jobs/worker")["uid"] != "mine"


def test_a_mask_changes_what_it_names_and_nothing_else(google: Google) -> None:
    host, where = "artifactregistry.googleapis.com", f"v1/{HERE}/repositories"
    repository = {"format": "DOCKER", "description": "images", "labels": {"a": "b"}}
    google.ask("POST", host, where, repository, repositoryId="sightline")
    change = {"description": "other", "labels": {"a": "c"}}
    google.ask("PATCH", host, f"{where}/sightline", change, updateMask="labels")
    topic = google.ask("GET", host, f"{where}/sightline")
    assert (topic["labels"], topic["description"]) == ({"a": "c"}, "images")
    with refused(400, "no field of Repository"):
        google.ask("PATCH", host, f"{where}/sightline", change, updateMask="label")


def test_an_update_with_an_old_etag_is_refused(google: Google) -> None:
    google.ask("POST", RUN, f"v2/{HERE}/jobs", JOB, jobId="worker")
    etag = google.ask("GET", RUN, f"v2/{HERE}/jobs/worker")["etag"]
    google.ask("PATCH", RUN, f"v2/{HERE}/jobs/worker", {**JOB, "etag": etag})
    with refused(409, "etag"):
        google.ask("PATCH", RUN, f"v2/{HERE}/jobs/worker", {**JOB, "etag": etag})


def test_a_policy_that_was_changed_since_it_was_read_is_refused(google: Google) -> None:
    host, path = "cloudresourcemanager.googleapis.com", f"v1/{P}"
    policy = google.ask("POST", host, f"{path}:getIamPolicy")
    binding = {"role": "roles/viewer", "members": ["user:somebody@example.com"]}
    changed = {"etag": policy["etag"], "bindings": [*policy["bindings"], binding]}
    google.ask("POST", host, f"{path}:setIamPolicy", {"policy": changed})
    with refused(409, "concurrent policy changes"):
        google.ask("POST", host, f"{path}:setIamPolicy", {"policy": changed})


@pytest.mark.parametrize(
    ("role", "member", "says"),
    [
        ("owner", "user:somebody@example.com", "Role owner is not supported"),
        ("roles/viewer", "somebody@example.com", "Invalid member"),
        (
            "roles/viewer",
            "serviceAccount:nobody@sightline-test.iam.gserviceaccount.com",
            "Service account nobody@.* does not exist",
        ),
        (
            "roles/viewer",
            "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com",
            "does not exist",
        ),
    ],
)
def test_a_policy_names_only_what_there_is(
    google: Google, role: str, member: str, says: str
) -> None:
    binding = {"role": role, "members": [member]}
    with refused(400, says):
        google.ask(
            "POST",
            "cloudresourcemanager.googleapis.com",
            f"v1/{P}:setIamPolicy",
            {"policy": {"bindings": [binding]}},
        )


def test_a_service_has_an_agent_once_it_was_asked_for(google: Google) -> None:
    host = "serviceusage.googleapis.com"
    path = f"v1beta1/{P}/services/pubsub.googleapis.com:generateServiceIdentity"
    operation = google.operation(host, "v1", google.ask("POST", host, path))
    email = operation["response"]["email"]
    binding = {"role": "roles/viewer", "members": [f"serviceAccount:{email}"]}
    policy = {"policy": {"bindings": [binding]}}
    google.ask("POST", "cloudresourcemanager.googleapis.com", f"v1/{P}:setIamPolicy", policy)


def test_what_is_below_something_needs_it(google: Google) -> None:
    with refused(404, "reservations/slots' was not found"):
        google.ask(
            "POST",
            "bigqueryreservation.googleapis.com",
            f"v1/{HERE}/reservations/slots/assignments",
            {"assignee": P, "jobType": "QUERY"},
        )


def test_a_method_without_a_rule_fails_loudly(google: Google) -> None:
    with refused(501, r"no rule for run\.projects\.locations\.jobs\.run"):
        google.ask("POST", RUN, f"v2/{HERE}/jobs/worker:run", {})


def test_every_gap_names_methods_that_google_has() -> None:
    there = [method.name for host in EMULATED for method in methods(host)]
    for gap in GAPS:
        body: dict[str, Any] = {gap.where: {}} if gap.where else {}
        assert any(gap in gaps_of(name, body, ours=True) for name in there), gap.method
        assert gap.why


def test_a_gap_that_depends_on_a_field_is_none_without_it() -> None:
    assert not any(gap.is_whole for gap in gaps_of("bigquery.tables.insert", {"schema": {}}))
    outside: dict[str, Any] = {"externalDataConfiguration": {}}
    assert any(gap.is_whole for gap in gaps_of("bigquery.tables.insert", outside))


def test_the_page_of_proofs_prints_the_gaps() -> None:
    page = (CHECKOUT / "docs" / "proof.md").read_text()
    assert table() in page, "paste what `python -m scripts.control_plane.gaps` prints"


def test_an_object_may_have_slashes_in_its_name() -> None:
    path = "storage/v1/b/images/o/street%2F1.jpg"
    method, values = find_method("storage.googleapis.com", "DELETE", path)
    assert (method.name, values["object"]) == ("storage.objects.delete", "street/1.jpg")
