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
    environment = made_of(fleet, kind)
    protects = kind == "prod"
    broken = [
        str(wrong)
        for resource in environment.resources
        if resource.type.startswith("gcp:")
        for wrong in violations(Resource(resource.type, resource.name, resource.inputs, protects))
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
    environment = made_of(fleet, "prod")
    kinds = {"WorkerPool", "Job", "Cluster"}
    assert {resource.type.rpartition(":")[2] for resource in environment.resources} & kinds == runs
    assert len(environment.of("cloudrunv2/job:Job")) == {"job": 2, "none": 0}.get(fleet, 1)


def test_without_an_image_all_is_made_but_what_needs_it() -> None:
    environment = run(MINIMAL)
    assert environment.of(":Repository")
    assert not environment.of(":WorkerPool")
    assert not environment.of(":Job")
    assert any("docker build" in output for output in environment.outputs["next"])


def test_ledgers_and_views_are_those_of_setup(everything: Environment) -> None:
    vectors = embeddings_ledger("gemini-embedding-2", 768)
    tables = {table.inputs["table_id"]: table for table in everything.of("bigquery/table:Table")}
    for ledger in (*LEDGERS, vectors):
        table_inputs = tables[ledger.name].inputs
        assert json.loads(str(table_inputs["schema"])) == bigquery_schema(ledger)
        assert table_inputs.get("clusterings", []) == list(ledger.cluster_by)
        assert (table_inputs.get("time_partitioning") or {}).get("field") == ledger.partition_by
        assert table_inputs["deletion_protection"] is True
    views = [*VIEWS, *vector_views([vectors.name])]
    for view in views:
        query = tables[view.name].inputs["view"]["query"]
        assert "`my-project.sightline_prod." in query
        assert "{" not in query
    others = {"images", "arrivals", "arrivals_observations"}
    assert set(tables) == {ledger.name for ledger in LEDGERS} | {vectors.name} | others | {
        view.name for view in views
    }


def test_a_view_is_made_after_what_it_reads(everything: Environment) -> None:
    inputs_made = everything.only(":Table", "view-classifications-current")
    assert {"view-classifications-all", "view-tasks-active"} <= set(inputs_made.depends_on)


def test_another_model_changes_no_table_and_hides_no_vectors() -> None:
    before, after = (
        made_of("none", "prod"),
        run({**PROD, "fleet": "none", "embedDimension": "256"}, stack="prod"),
    )
    assert {resource.name for resource in before.resources} == {
        resource.name for resource in after.resources
    }
    assert after.only(":Table", "vectors").ignored == ("tableId", "description")
    for name in ("vectors-all", "embeddings", "embeddings-all", "embeddings-rows"):
        assert after.only(":Table", f"view-{name}").ignored == ("tableId", "view")


def test_the_subscription_is_as_setup_would_make_it(everything: Environment) -> None:
    inputs_made = everything.only(":Subscription", "work-subscription").inputs
    assert inputs_made["ack_deadline_seconds"] == ACK_DEADLINE_S == 60
    assert inputs_made["expiration_policy"] == {"ttl": ""}
    assert inputs_made["retry_policy"] == {"minimum_backoff": "1s", "maximum_backoff": "60s"}
    assert inputs_made["dead_letter_policy"]["max_delivery_attempts"] == 100
    assert inputs_made["message_retention_duration"] == "604800s"


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
    environment = run({**PROD, **configuration})
    for kind, name in ((":Dataset", "ledgers"), (":Bucket", "images"), (":Table", "runs")):
        resource = environment.only(kind, name)
        assert (resource.protect, resource.retain) == (protect, retain), name
    for name in ("images", "batch-files"):
        assert environment.only(":Bucket", name).inputs["force_destroy"] is force
    assert environment.only(":Dataset", "ledgers").inputs["delete_contents_on_destroy"] is force
    assert environment.only(":Dataset", "models").inputs["delete_contents_on_destroy"] is True


def test_every_role_that_is_granted_is_declared_and_every_one_declared_is_granted() -> None:
    declared = {grant.name: grant.role for grant in GRANTS}
    assert len(declared) == len(GRANTS)
    granted: dict[str, str] = {}
    for configuration in (
        EVERYTHING,
        {**PROD, "fleet": "gke"},
        {**PROD, "fleet": "job", "drainSchedule": "0 1 * * *"},
        {**PROD, "source": "my-project.imagery.latest_observations"},
    ):
        for resource in run(configuration).resources:
            if "role" in resource.inputs:
                granted[resource.name] = str(resource.inputs["role"])
    assert granted == declared


OWN_BUCKETS = {"batch-files", "reports"}
"""Those that are not of images; they are made in every stack."""


def on_images(environment: Environment) -> list[Recorded]:
    """Return the grants on the bucket of images."""
    own = {environment.only(":Bucket", name).inputs["name"] for name in OWN_BUCKETS}
    return [
        grant for grant in environment.of("BucketIAMMember") if grant.inputs["bucket"] not in own
    ]


def test_batch_jobs_have_a_bucket_that_empties_itself() -> None:
    environment = run(PROD)
    bucket = environment.only(":Bucket", "batch-files").inputs
    grants = [
        grant
        for grant in environment.of("BucketIAMMember")
        if grant.inputs["bucket"] == bucket["name"]
    ]
    assert {grant.name: grant.inputs["role"] for grant in grants} == {
        "producer-keeps-requests": "roles/storage.objectUser",
        "vertex-writes-answers": "roles/storage.objectUser",
    }
    (rule,) = bucket["lifecycle_rules"]
    assert (rule["action"]["type"], rule["condition"]["age"]) == ("Delete", 30)
    assert bucket["soft_delete_policy"] == {"retention_duration_seconds": 0}


def test_workers_report_in_a_bucket_of_their_own_and_may_write_in_no_other() -> None:
    environment = run(PROD)
    bucket = environment.only(":Bucket", "reports").inputs
    assert environment.only("BucketIAMMember", "worker-reports").inputs["bucket"] == bucket["name"]
    (rule,) = bucket["lifecycle_rules"]
    assert (rule["action"]["type"], rule["condition"]["age"]) == ("Delete", 1)
    worker = environment.only("BucketIAMMember", "worker-reports").inputs["member"]
    granted = [
        grant for grant in environment.of("BucketIAMMember") if grant.inputs["member"] == worker
    ]
    assert {grant.name: grant.inputs["role"] for grant in granted} == {
        "worker-reads-images": "roles/storage.objectViewer",
        "worker-reports": "roles/storage.objectUser",
    }


def test_a_foreign_bucket_is_opened_by_commands_for_its_owner() -> None:
    environment = run({**PROD, "imageBucket": "theirs", "grantOnBucket": "false"})
    assert on_images(environment) == []
    assert {bucket.name for bucket in environment.of(":Bucket")} == OWN_BUCKETS
    commands = environment.outputs["grantCommands"]
    assert len(commands) == 3
    for command, who in zip(
        commands, ("sightline-dev-worker@", "gcp-sa-aiplatform", "gcp-sa-bigquery"), strict=True
    ):
        assert command.startswith("gcloud storage buckets add-iam-policy-binding gs://theirs ")
        assert who in command
        assert command.endswith("--role=roles/storage.objectViewer")


def test_a_bucket_of_one_s_own_is_opened_but_not_made() -> None:
    environment = run({**PROD, "imageBucket": "ours"})
    assert {grant.inputs["bucket"] for grant in on_images(environment)} == {"ours"}
    assert len(on_images(environment)) == 3
    assert {bucket.name for bucket in environment.of(":Bucket")} == OWN_BUCKETS


def test_a_dataset_of_one_s_own_is_opened_but_not_made() -> None:
    environment = run({**PROD, "dataset": "ours", "makeDataset": "false"})
    assert [dataset.name for dataset in environment.of(":Dataset")] == ["models"]
    assert {table.name for table in environment.of("bigquery/table:Table")} == {"images-table"}
    opened = environment.only("DatasetIamMember", "worker-writes")
    assert opened.inputs["dataset_id"] == "ours"


def test_nothing_of_a_stack_is_a_secret(everything: Environment) -> None:
    text = dumped(everything)
    assert not SECRET.search(text)
    assert "password" not in text.lower()
    assert not everything.of(":Key")


def test_everything_is_of_the_project_by_the_provider_of_the_program(
    everything: Environment,
) -> None:
    for resource in everything.resources:
        if (
            resource.type.startswith("gcp:")
            and "project" in resource.inputs
            and resource.name != "listing"
        ):
            assert resource.inputs["project"] == "my-project", resource.name


def test_a_listing_is_subscribed_to_where_it_is_and_linked_here(everything: Environment) -> None:
    inputs_made = everything.only(":ListingSubscription").inputs
    assert (inputs_made["project"], inputs_made["data_exchange_id"]) == ("provider", "exchange")
    reference = inputs_made["destination_dataset"]["dataset_reference"]
    assert reference == {"project_id": "my-project", "dataset_id": "sightline_prod_listing"}


def test_two_stacks_in_one_project_share_no_name() -> None:
    names = []
    for stack in ("dev", "prod"):
        environment = run({**EVERYTHING, "fleet": "gke", "collectorImage": ""}, stack=stack)
        used_names = set()
        for resource in environment.resources:
            kind = resource.type.rpartition(":")[2]
            for key in ("name", "account_id", "dataset_id", "repository_id", "connection_id"):
                is_own = key != "dataset_id" or kind == "Dataset"
                if is_own and key in resource.inputs and "role" not in resource.inputs:
                    used_names.add((kind, resource.inputs[key]))
        names.append(used_names)
    assert len(names[0]) > 10
    assert names[0] & names[1] == set()


def test_no_deprecated_argument_is_used(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        run(EVERYTHING)
        run({**PROD, "fleet": "gke"})
    assert [
        record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING
    ] == []


def test_alerts_have_a_runbook_and_somebody_to_tell(everything: Environment) -> None:
    policies = everything.of(":AlertPolicy")
    assert len(policies) == 4
    for policy in policies:
        assert f"docs/runbooks/{policy.name.removeprefix('alert-')}.md" in str(policy.inputs)
        assert policy.inputs["notification_channels"] == ["channel-id"]


def test_a_preview_knows_what_the_run_will_make() -> None:
    names = {resource.name for resource in run(PROD, stack="prod", preview=True).resources}
    assert names == {resource.name for resource in made_of("worker-pool", "prod").resources}


@pytest.mark.parametrize(
    ("configuration", "kept"),
    [
        ({}, set()),
        ({"imageBucket": "theirs"}, {"vertex-reads-images"}),
        ({"imageBucket": "theirs", "grantOnBucket": "false"}, set()),
        ({"kmsKey": "projects/p/locations/us/keyRings/r/cryptoKeys/k"}, {"storage-encrypts"}),
        ({"fleet": "gke"}, {"adapter-reads-metrics"}),
    ],
)
def test_a_grant_that_other_stacks_use_stays_and_its_removal_is_an_output(
    configuration: dict[str, str], kept: set[str]
) -> None:
    environment = run({**DEV, **configuration})
    grants = [it for it in environment.resources if it.type.lower().endswith("iammember")]
    assert {grant.name for grant in grants if grant.retain} == kept
    commands = environment.outputs.get("keptGrants", [])
    assert [" remove-iam-policy-binding " in command for command in commands] == [True] * len(kept)


@pytest.mark.parametrize("fleet", ["worker-pool", "job", "gke"])
def test_a_fleet_holds_no_data_so_that_it_can_be_changed(fleet: str) -> None:
    environment = run({**PROD, "fleet": fleet})
    kinds = ("WorkerPool", "Job", "Cluster")
    fleets = [it for it in environment.resources if it.type.rpartition(":")[2] in kinds]
    assert fleets
    assert not any(it.protect or it.inputs.get("deletion_protection") for it in fleets)
    (registry,) = environment.of("repository:Repository")
    assert registry.protect, "it holds the images that were pushed"
