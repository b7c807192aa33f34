"""Whole lives of stacks, by Pulumi's engine and Google's provider, against servers on this machine.

A life is a preview, an ``up``, another that changes nothing, a changed setting, a refresh after
somebody else meddled, and a destroy that leaves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import pulumi.automation as auto
import pytest

from scripts.environment import Environment
from scripts.local_cloud import PROJECT, REGION, Cloud
from tests.infra.engine import (
    AFTER_GKE,
    DEV,
    HOLDS_DATA,
    IMAGE,
    NOTHING,
    Begin,
    begin,
    check_no_secret_is_shown,
    check_nothing_is_said,
    cloud,
    what_is_left,
)

__all__ = ["begin", "cloud"]

pytestmark = [pytest.mark.needs("go")]

EVERYTHING = {
    "image": IMAGE,
    "alertEmail": "roads@example.com",
    "billingAccount": "012345-6789AB-CDEF01",
    "budgetUsd": "500",
    "drainSchedule": "0 7 * * *",
    "fleet": "job",
    "imagesExpireDays": "40",
    "kmsKey": "projects/keys/locations/us/keyRings/ring/cryptoKeys/key",
    "listing": "publisher/us/exchange/listing",
    "messageSchema": "true",
    "notifyNewImages": "true",
    "producerSchedule": "0 6 * * *",
    "reservationSlots": "100",
    "resultsTopic": "true",
}
QUEUES = {"work-topic", "abandoned-topic", "work-subscription", "abandoned-subscription"}
META = ("pulumi:", "sightline:")


def come_up(environment: Environment) -> int:
    """Preview, bring up, and bring up again, which changes nothing; return how many there are."""
    preview = environment.preview()
    assert set(preview.changes) == {"create"}
    assert not environment.cloud.contents()["resources"], "a preview makes nothing"
    made = environment.up()
    assert made.changes == preview.changes
    for outcome in (preview, made):
        check_nothing_is_said(outcome)
    again = environment.up()
    assert set(again.changes) == {"same"}, again.steps
    check_no_secret_is_shown(environment)
    return made.changes["create"]


def data(environment: Environment) -> Iterator[tuple[str, str]]:
    """Yield what holds data, by name and id: these never change while it is kept."""
    for resource in environment.resources():
        if resource["type"] in HOLDS_DATA:
            yield resource["urn"], resource["id"]


def path_of(api: str, name: str) -> str:
    """Return the address of what has this name in the project."""
    return f"{api}/projects/{PROJECT}/{name}"


def check_drift_is_mended(environment: Environment, *, changed: set[str], gone: set[str]) -> None:
    """What somebody else changed or removed: a refresh finds it, ``up`` mends it, and no more."""
    drift = environment.refresh()
    assert (drift.changes.get("update", 0), drift.changes.get("delete", 0)) == (
        len(changed),
        len(gone),
    )
    mended = environment.up()
    assert mended.did("update") == changed
    assert mended.did("create") == gone
    assert set(environment.refresh().changes) == {"same"}


def check_a_change_of_the_pool(dev: Environment) -> None:
    """More workers and a shorter retention: the pool and its queues are updated, no data moves."""
    before = sorted(data(dev))
    dev.set({"workers": "4", "retentionDays": "3"})
    changed = dev.up()
    assert changed.did("update") == {"worker-pool", *QUEUES}
    assert set(changed.changes) == {"same", "update"}
    assert sorted(data(dev)) == before


def test_a_pool_for_development_lives_and_leaves_nothing(begin: Begin, cloud: Cloud) -> None:
    dev = begin({**DEV, "fleet": "worker-pool"})
    outcome = dev.up()
    assert set(outcome.changes) == {"create"}
    check_nothing_is_said(outcome)
    check_no_secret_is_shown(dev)
    check_a_change_of_the_pool(dev)
    dev.destroy()
    assert what_is_left(cloud) == NOTHING


@pytest.mark.extended
def test_a_pool_that_others_meddle_with_is_mended(begin: Begin, cloud: Cloud) -> None:
    dev = begin({**DEV, "fleet": "worker-pool"})
    come_up(dev)
    check_a_change_of_the_pool(dev)

    topic = path_of("pubsub.googleapis.com/v1", "topics/sightline-dev-work")
    cloud.call("POST", f"{topic}:setIamPolicy", {"policy": {"bindings": []}})
    labels = {"topic": {"labels": {"stack": "another"}}, "updateMask": "labels"}
    cloud.call("PATCH", topic, labels)
    check_drift_is_mended(dev, changed={"work-topic"}, gone={"producer-publishes"})

    dev.destroy()
    assert what_is_left(cloud) == NOTHING


@pytest.mark.extended
def test_everything_in_production_is_protected_until_it_is_let_go(
    begin: Begin, cloud: Cloud
) -> None:
    prod = begin(EVERYTHING, name="prod")
    come_up(prod)
    before = sorted(data(prod))

    prod.set({"labels": "team=roads", "imagesExpireDays": "60"})
    changed = prod.up()
    assert set(changed.changes) == {"same", "update"}
    assert {"images", "ledgers", "work-topic", "worker-job"} <= changed.did("update")
    assert sorted(data(prod)) == before

    job = path_of("run.googleapis.com/v2", f"locations/{REGION}/jobs/sightline-prod-worker")
    job_now = dict(cloud.call("GET", job))
    job_now["template"] = {**job_now["template"], "taskCount": 9}
    cloud.call("PATCH", job, job_now)
    schedule = f"locations/{REGION}/jobs/sightline-prod-producer"
    cloud.call("DELETE", path_of("cloudscheduler.googleapis.com/v1", schedule))
    check_drift_is_mended(prod, changed={"worker-job"}, gone={"producer-schedule"})

    with pytest.raises(
        auto.errors.CommandError, match=r"cannot be deleted\s+because it is protected"
    ):
        prod.destroy(preview_only=True)

    prod.set({"deletionProtection": "false"})
    prod.up()
    prod.destroy()
    left = dict(what_is_left(cloud))
    (policy,) = left.pop("policies")
    assert (left, EVERYTHING["kmsKey"] in policy) == (NOTHING, True), "other stacks use the key"


@pytest.mark.extended
def test_a_cluster_and_a_stack_without_a_fleet_live_side_by_side(
    begin: Begin, cloud: Cloud
) -> None:
    theirs = {"imageBucket": "images-of-others", "grantOnBucket": "false"}
    cluster = begin({**DEV, **theirs, "fleet": "gke"}, name="cluster")
    come_up(cluster)
    commands = cluster.outputs()["grantCommands"]
    assert all(
        command.startswith("gcloud storage buckets add-iam-policy-binding") for command in commands
    )
    assert len(commands) == 3
    assert "Deployment" in str(cluster.outputs()["manifests"])
    before = sorted(data(cluster))

    cluster.set({"retentionDays": "3"})
    changed = cluster.up()
    assert changed.did("update") == QUEUES
    assert set(changed.changes) == {"same", "update"}
    assert sorted(data(cluster)) == before

    registry = f"locations/{REGION}/repositories/sightline-cluster-images"
    cloud.call("DELETE", path_of("artifactregistry.googleapis.com/v1", registry))
    check_drift_is_mended(cluster, changed=set(), gone={"registry", "nodes-pull"})

    plain = begin({"deletionProtection": "false", "fleet": "none"}, name="plain")
    come_up_beside = plain.up()
    assert set(come_up_beside.changes) == {"create"}
    assert set(cluster.up().changes) == {"same"}

    plain.destroy()
    assert set(cluster.refresh().changes) == {"same"}
    cluster.destroy()
    assert what_is_left(cloud) == AFTER_GKE


def test_a_wrong_setting_ends_the_preview_before_anything_is_asked(
    begin: Begin, cloud: Cloud
) -> None:
    wrong = begin({**DEV, "location": "EU"})
    with pytest.raises(auto.errors.CommandError, match="does not fit sightline:region"):
        wrong.preview()
    assert cloud.requests() == []
