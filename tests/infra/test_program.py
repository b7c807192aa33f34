"""What the program registers, for every kind of fleet, protected and not."""

from __future__ import annotations

import json
import logging
from functools import cache

import pytest

from infra.guardrails import Resource, violations
from infra.program import GRANTS
from infra.recording import DEV, MINIMAL, PROD, Environment, Recorded, dumped, run
from sightline.schema import LEDGERS, VIEWS, bigquery_schema, embeddings_ledger, vector_views
from sightline.settings.queue_shape import ACK_DEADLINE_S
from tests.secrets import SECRET

FLEETS = ("worker-pool", "job", "gke", "none")
EVERYTHING = {
    **PROD,
    "listing": "provider/us/exchange/listing",
    "notifyNewImages": "true",
    "producerSchedule": "0 6 * * *",
    "resultsTopic": "true",
    "messageSchema": "true",
    "reservationSlots": "100",
    "kmsKey": "projects/p/locations/us/keyRings/r/cryptoKeys/k",
    "imagesExpireDays": "40",
    "collectorImage": "example.com/otel:1",
    "billingAccount": "012345-6789AB-CDEF01",
    "budgetUsd": "500",
}
DATA = {"Bucket", "Dataset", "Table"}


@cache
def made_of(fleet: str, kind: str) -> Environment:
    """Return the environment of one kind of fleet, made once in this process."""
    return run({**(PROD if kind == "prod" else DEV), "fleet": fleet}, stack=kind)


@pytest.fixture(scope="module")
def everything() -> Environment:
    return run(EVERYTHING, stack="prod")


@pytest.mark.parametrize("kind", ["dev", "prod"])
@pytest.mark.parametrize("fleet", FLEETS)
def test_a_stack_keeps_every_guard_rail(fleet: str, kind: str) -> None:
    made = made_of(fleet, kind)
    protects = kind == "prod"
    broken = [
        str(wrong)
        for one in made.resources
        if one.type.startswith("gcp:")
        for wrong in violations(Resource(one.type, one.name, one.inputs, protects))
    ]
    assert broken == []


@pytest.mark.parametrize(
    ("fleet", "runs"),
    [
        ("worker-pool", {"WorkerPool", "Job"}),
        ("job", {"Job"}),
        ("gke", {"Cluster", "Job"}),
        ("none", set()),
    ],
)
def test_a_fleet_is_of_the_kind_that_is_configured(fleet: str, runs: set[str]) -> None:
    made = made_of(fleet, "prod")
    kinds = {"WorkerPool", "Job", "Cluster"}
    assert {one.type.rpartition(":")[2] for one in made.resources} & kinds == runs
    assert len(made.of("cloudrunv2/job:Job")) == {"job": 2, "none": 0}.get(fleet, 1)


def test_without_an_image_all_is_made_but_what_needs_it() -> None:
    made = run(MINIMAL)
    assert made.of(":Repository")
    assert not made.of(":WorkerPool")
    assert not made.of(":Job")
    assert any("docker build" in one for one in made.outputs["next"])


def test_ledgers_and_views_are_those_of_setup(everything: Environment) -> None:
    vectors = embeddings_ledger("gemini-embedding-2", 768)
    tables = {one.inputs["table_id"]: one for one in everything.of("bigquery/table:Table")}
    for ledger in (*LEDGERS, vectors):
        made = tables[ledger.name].inputs
        assert json.loads(str(made["schema"])) == bigquery_schema(ledger)
        assert made.get("clusterings", []) == list(ledger.cluster_by)
        assert (made.get("time_partitioning") or {}).get("field") == ledger.partition_by
        assert made["deletion_protection"] is True
    views = [*VIEWS, *vector_views([vectors.name])]
    for view in views:
        query = tables[view.name].inputs["view"]["query"]
        assert "`my-project.sightline_prod." in query
        assert "{" not in query
    others = {"images", "arrivals", "arrivals_observations"}
    assert set(tables) == {one.name for one in LEDGERS} | {vectors.name} | others | {
        one.name for one in views
    }


def test_a_view_is_made_after_what_it_reads(everything: Environment) -> None:
    made = everything.one(":Table", "view-classifications-current")
    assert {"view-classifications-all", "view-tasks-active"} <= set(made.depends_on)


def test_another_model_changes_no_table_and_hides_no_vectors() -> None:
    before, after = (
        made_of("none", "prod"),
        run({**PROD, "fleet": "none", "embedDimension": "256"}, stack="prod"),
    )
    assert {one.name for one in before.resources} == {one.name for one in after.resources}
    assert after.one(":Table", "vectors").ignored == ("tableId", "description")
    for name in ("vectors-all", "embeddings", "embeddings-all", "embeddings-rows"):
        assert after.one(":Table", f"view-{name}").ignored == ("tableId", "view")


def test_the_subscription_is_as_setup_would_make_it(everything: Environment) -> None:
    made = everything.one(":Subscription", "work-subscription").inputs
    assert made["ack_deadline_seconds"] == ACK_DEADLINE_S == 60
    assert made["expiration_policy"] == {"ttl": ""}
    assert made["retry_policy"] == {"minimum_backoff": "1s", "maximum_backoff": "60s"}
    assert made["dead_letter_policy"]["max_delivery_attempts"] == 100
    assert made["message_retention_duration"] == "604800s"


@pytest.mark.parametrize(
    ("configuration", "protect", "retain", "force"),
    [
        ({}, True, False, False),
        ({"deletionProtection": "false"}, False, False, True),
        ({"deletionProtection": "false", "keepData": "true"}, False, True, True),
    ],
)
def test_what_holds_data_is_protected_kept_or_removed_as_is_chosen(
    configuration: dict[str, str], protect: bool, retain: bool, force: bool
) -> None:
    made = run({**PROD, **configuration})
    for kind, name in ((":Dataset", "ledgers"), (":Bucket", "images"), (":Table", "runs")):
        one = made.one(kind, name)
        assert (one.protect, one.retain) == (protect, retain), name
    for name in ("images", "batch-files"):
        assert made.one(":Bucket", name).inputs["force_destroy"] is force
    assert made.one(":Dataset", "ledgers").inputs["delete_contents_on_destroy"] is force
    assert made.one(":Dataset", "models").inputs["delete_contents_on_destroy"] is True


def test_every_role_that_is_granted_is_declared_and_every_one_declared_is_granted() -> None:
    declared = {one.name: one.role for one in GRANTS}
    assert len(declared) == len(GRANTS)
    granted: dict[str, str] = {}
    for configuration in (
        EVERYTHING,
        {**PROD, "fleet": "gke"},
        {**PROD, "fleet": "job", "drainSchedule": "0 1 * * *"},
        {**PROD, "source": "my-project.imagery.latest_observations"},
    ):
        for one in run(configuration).resources:
            if "role" in one.inputs:
                granted[one.name] = str(one.inputs["role"])
    assert granted == declared


OWN_BUCKETS = {"batch-files", "reports"}
"""Those that are not of images; they are made in every stack."""


def on_images(made: Environment) -> list[Recorded]:
    """Return the grants on the bucket of images."""
    own = {made.one(":Bucket", name).inputs["name"] for name in OWN_BUCKETS}
    return [one for one in made.of("BucketIAMMember") if one.inputs["bucket"] not in own]


def test_batch_jobs_have_a_bucket_that_empties_itself() -> None:
    made = run(PROD)
    bucket = made.one(":Bucket", "batch-files").inputs
    grants = [one for one in made.of("BucketIAMMember") if one.inputs["bucket"] == bucket["name"]]
    assert {one.name: one.inputs["role"] for one in grants} == {
        "producer-keeps-requests": "roles/storage.objectUser",
        "vertex-writes-answers": "roles/storage.objectUser",
    }
    (rule,) = bucket["lifecycle_rules"]
    assert (rule["action"]["type"], rule["condition"]["age"]) == ("Delete", 30)
    assert bucket["soft_delete_policy"] == {"retention_duration_seconds": 0}


def test_workers_report_in_a_bucket_of_their_own_and_may_write_in_no_other() -> None:
    made = run(PROD)
    bucket = made.one(":Bucket", "reports").inputs
    assert made.one("BucketIAMMember", "worker-reports").inputs["bucket"] == bucket["name"]
    (rule,) = bucket["lifecycle_rules"]
    assert (rule["action"]["type"], rule["condition"]["age"]) == ("Delete", 1)
    worker = made.one("BucketIAMMember", "worker-reports").inputs["member"]
    granted = [one for one in made.of("BucketIAMMember") if one.inputs["member"] == worker]
    assert {one.name: one.inputs["role"] for one in granted} == {
        "worker-reads-images": "roles/storage.objectViewer",
        "worker-reports": "roles/storage.objectUser",
    }


def test_a_foreign_bucket_is_opened_by_commands_for_its_owner() -> None:
    made = run({**PROD, "imageBucket": "theirs", "grantOnBucket": "false"})
    assert on_images(made) == []
    assert {one.name for one in made.of(":Bucket")} == OWN_BUCKETS
    commands = made.outputs["grantCommands"]
    assert len(commands) == 3
    for one, who in zip(
        commands, ("sightline-dev-worker@", "gcp-sa-aiplatform", "gcp-sa-bigquery"), strict=True
    ):
        assert one.startswith("gcloud storage buckets add-iam-policy-binding gs://theirs ")
        assert who in one
        assert one.endswith("--role=roles/storage.objectViewer")


def test_a_bucket_of_one_s_own_is_opened_but_not_made() -> None:
    made = run({**PROD, "imageBucket": "ours"})
    assert {one.inputs["bucket"] for one in on_images(made)} == {"ours"}
    assert len(on_images(made)) == 3
    assert {one.name for one in made.of(":Bucket")} == OWN_BUCKETS


def test_a_dataset_of_one_s_own_is_opened_but_not_made() -> None:
    made = run({**PROD, "dataset": "ours", "makeDataset": "false"})
    assert [one.name for one in made.of(":Dataset")] == ["models"]
    assert {one.name for one in made.of("bigquery/table:Table")} == {"images-table"}
    opened = made.one("DatasetIamMember", "worker-writes")
    assert opened.inputs["dataset_id"] == "ours"


def test_nothing_of_a_stack_is_a_secret(everything: Environment) -> None:
    text = dumped(everything)
    assert not SECRET.search(text)
    assert "password" not in text.lower()
    assert not everything.of(":Key")


def test_everything_is_of_the_project_by_the_provider_of_the_program(
    everything: Environment,
) -> None:
    for one in everything.resources:
        if one.type.startswith("gcp:") and "project" in one.inputs and one.name != "listing":
            assert one.inputs["project"] == "my-project", one.name


def test_a_listing_is_subscribed_to_where_it_is_and_linked_here(everything: Environment) -> None:
    made = everything.one(":ListingSubscription").inputs
    assert (made["project"], made["data_exchange_id"]) == ("provider", "exchange")
    reference = made["destination_dataset"]["dataset_reference"]
    assert reference == {"project_id": "my-project", "dataset_id": "sightline_prod_listing"}


def test_two_stacks_in_one_project_share_no_name() -> None:
    names = []
    for stack in ("dev", "prod"):
        made = run({**EVERYTHING, "fleet": "gke", "collectorImage": ""}, stack=stack)
        found = set()
        for one in made.resources:
            kind = one.type.rpartition(":")[2]
            for key in ("name", "account_id", "dataset_id", "repository_id", "connection_id"):
                is_own = key != "dataset_id" or kind == "Dataset"
                if is_own and key in one.inputs and "role" not in one.inputs:
                    found.add((kind, one.inputs[key]))
        names.append(found)
    assert len(names[0]) > 10
    assert names[0] & names[1] == set()


def test_no_deprecated_argument_is_used(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        run(EVERYTHING)
        run({**PROD, "fleet": "gke"})
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING] == []


def test_alerts_have_a_runbook_and_somebody_to_tell(everything: Environment) -> None:
    policies = everything.of(":AlertPolicy")
    assert len(policies) == 4
    for one in policies:
        assert f"docs/runbooks/{one.name.removeprefix('alert-')}.md" in str(one.inputs)
        assert one.inputs["notification_channels"] == ["channel-id"]


def test_a_preview_knows_what_the_run_will_make() -> None:
    names = {one.name for one in run(PROD, stack="prod", preview=True).resources}
    assert names == {one.name for one in made_of("worker-pool", "prod").resources}
