"""Each guard rail stops what breaks it, names what and why, and lets the rest pass."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_gcp as gcp
import pytest

from infra.enforcement import enforce
from infra.guardrails import RAILS, Resource, snake, violations
from infra.recording import MINIMAL, run
from infra.stack_reader import read_stack

LABELS = {"app": "sightline"}
SAFE_BUCKET = {
    "labels": LABELS,
    "uniform_bucket_level_access": True,
    "public_access_prevention": "enforced",
    "soft_delete_policy": {"retention_duration_seconds": 604800},
}
SAFE_SUBSCRIPTION = {
    "labels": LABELS,
    "message_retention_duration": "604800s",
    "expiration_policy": {"ttl": ""},
}
BUCKET = "gcp:storage/bucket:Bucket"
TOPIC = "gcp:pubsub/topic:Topic"
SUBSCRIPTION = "gcp:pubsub/subscription:Subscription"
ON_TOPIC = "gcp:pubsub/topicIAMMember:TopicIAMMember"
ON_PROJECT = "gcp:projects/iAMMember:IAMMember"
TABLE = "gcp:bigquery/table:Table"
DATASET = "gcp:bigquery/dataset:Dataset"

BROKEN: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("SL-1", ON_TOPIC, {"role": "roles/pubsub.publisher", "member": "allUsers"}),
    ("SL-1", "gcp:storage/bucketIAMMember:BucketIAMMember",
     {"role": "roles/storage.objectViewer", "member": "allAuthenticatedUsers"}),
    ("SL-1", DATASET, {"labels": LABELS, "accesses": [{"special_group": "allAuthenticatedUsers"}]}),
    ("SL-2", ON_PROJECT, {"role": "roles/editor", "member": "user:a@example.com"}),
    ("SL-2", ON_TOPIC, {"role": "roles/owner", "member": "user:a@example.com"}),
    ("SL-3", ON_PROJECT, {"role": "roles/pubsub.publisher", "member": "user:a@example.com"}),
    ("SL-3", "gcp:folder/iAMMember:IAMMember", {"role": "roles/storage.admin", "member": "user:a"}),
    ("SL-4", "gcp:pubsub/topicIAMBinding:TopicIAMBinding",
     {"role": "roles/pubsub.publisher", "members": ["user:a@example.com"]}),
    ("SL-4", "gcp:storage/bucketIAMPolicy:BucketIAMPolicy", {"policy_data": "{}"}),
    ("SL-5", ON_PROJECT, {"role": "roles/iam.serviceAccountTokenCreator", "member": "user:a"}),
    ("SL-6", BUCKET, {**SAFE_BUCKET, "uniform_bucket_level_access": False}),
    ("SL-7", BUCKET, {**SAFE_BUCKET, "public_access_prevention": "inherited"}),
    ("SL-8", BUCKET, {**SAFE_BUCKET, "force_destroy": True}),
    ("SL-8", TABLE, {"labels": LABELS, "deletion_protection": False}),
    ("SL-8", DATASET, {"labels": LABELS, "delete_contents_on_destroy": True}),
    ("SL-9", "gcp:serviceaccount/key:Key", {"service_account_id": "worker"}),
    ("SL-10", TOPIC, {"labels": LABELS}),
    ("SL-10", SUBSCRIPTION, {**SAFE_SUBSCRIPTION, "message_retention_duration": None}),
    ("SL-10", BUCKET, {**SAFE_BUCKET, "soft_delete_policy": None}),
    ("SL-11", SUBSCRIPTION, {**SAFE_SUBSCRIPTION, "expiration_policy": None}),
    ("SL-11", SUBSCRIPTION, {**SAFE_SUBSCRIPTION, "expiration_policy": {"ttl": "2678400s"}}),
    ("SL-12", TOPIC, {"message_retention_duration": "600s"}),
    ("SL-12", BUCKET, {**SAFE_BUCKET, "labels": {}}),
)  # fmt: skip

KEPT: tuple[tuple[str, dict[str, Any]], ...] = (
    (ON_TOPIC, {"role": "roles/pubsub.publisher", "member": "serviceAccount:a@example.com"}),
    (ON_PROJECT, {"role": "roles/bigquery.jobUser", "member": "serviceAccount:a@example.com"}),
    (BUCKET, SAFE_BUCKET),
    (SUBSCRIPTION, SAFE_SUBSCRIPTION),
    (TOPIC, {"labels": LABELS, "message_retention_duration": "604800s"}),
    (TABLE, {"labels": LABELS, "deletion_protection": True}),
    (TABLE, {"labels": LABELS, "deletion_protection": False, "view": {"query": "SELECT 1"}}),
)


def broken_ids(kind: str, inputs: dict[str, Any], *, protects: bool = True) -> set[str]:
    broken = violations(Resource(kind, "it", inputs, protects))
    return {violation.rail.id for violation in broken}


def test_every_rail_is_broken_by_something_here() -> None:
    assert {rail.id for rail in RAILS} == {rail for rail, _, _ in BROKEN}
    assert len({rail.id for rail in RAILS}) == len(RAILS)


@pytest.mark.parametrize(("rail", "kind", "inputs"), BROKEN)
def test_what_breaks_a_rail_is_found_by_it_alone(
    rail: str, kind: str, inputs: dict[str, Any]
) -> None:
    assert rail in broken_ids(kind, inputs)
    assert len(broken_ids(kind, inputs) - {rail, "SL-3"}) == 0


@pytest.mark.parametrize(("kind", "inputs"), KEPT)
def test_what_keeps_the_rails_passes(kind: str, inputs: dict[str, Any]) -> None:
    assert broken_ids(kind, inputs) == set()


def test_a_stack_without_protection_may_be_emptied() -> None:
    assert broken_ids(BUCKET, {**SAFE_BUCKET, "force_destroy": True}, protects=False) == set()


def test_a_violation_says_what_which_and_why() -> None:
    (violation,) = violations(Resource(BUCKET, "images", {**SAFE_BUCKET, "labels": {}}))
    assert str(violation) == (
        "images (gcp:storage/bucket:Bucket): it has no labels [SL-12]; costs and owners are found"
        " by labels; pass the stack's"
    )


def test_inputs_of_policy_packs_are_read_in_the_same_names() -> None:
    inputs = {"uniformBucketLevelAccess": False, "softDeletePolicy": {"retentionDuration": [1]}}
    assert snake(inputs) == {
        "uniform_bucket_level_access": False, "soft_delete_policy": {"retention_duration": [1]}
    }  # fmt: skip


def guarded(make: Any, **configuration: str) -> list[str]:
    """Run a program of one resource under the guard rails; return what was registered."""

    def program() -> None:
        enforce(read_stack({**MINIMAL, **configuration}, "dev"))
        make()

    resources = run(MINIMAL, of=program).resources
    return [resource.name for resource in resources if resource.type.startswith("gcp:")]


def open_to_all(member: pulumi.Input[str] = "allUsers") -> None:
    gcp.pubsub.TopicIAMMember("opened", topic="t", role="roles/pubsub.publisher", member=member)


def test_a_violation_stops_the_preview_before_anything_is_registered() -> None:
    with pytest.raises(pulumi.RunError) as caught:
        guarded(open_to_all)
    text = str(caught.value)
    assert text.startswith("guard rail: opened (gcp:pubsub/topicIAMMember:TopicIAMMember)")
    assert "SL-1, CIS 5.1" in text
    assert "licence" in text


def test_a_member_that_is_known_only_later_is_looked_at_then() -> None:
    with pytest.raises(pulumi.RunError, match="SL-1"):
        guarded(lambda: open_to_all(pulumi.Output.from_input("allUsers")))
    account = pulumi.Output.from_input
    assert guarded(lambda: open_to_all(account("user:a@example.com"))) == ["opened"]


def test_nested_inputs_are_looked_at() -> None:
    def make() -> None:
        gcp.pubsub.Subscription(
            "forgotten",
            topic="t",
            labels=LABELS,
            message_retention_duration="600s",
            expiration_policy=gcp.pubsub.SubscriptionExpirationPolicyArgs(ttl="2678400s"),
        )

    with pytest.raises(pulumi.RunError, match="SL-11"):
        guarded(make)


def test_a_violation_only_warns_where_that_is_chosen(caplog: pytest.LogCaptureFixture) -> None:
    assert guarded(open_to_all, guardrails="warn") == ["opened"]
    assert "SL-1" in caplog.text
