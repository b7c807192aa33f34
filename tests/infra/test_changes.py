"""A stack is changed for years, beside others: fleets come and go, and nobody loses a grant."""

from __future__ import annotations

from typing import Any

import pytest

from scripts.local_cloud import Cloud
from tests.infra.engine import DEV, IMAGE, Begin, begin, cloud, what_is_left

__all__ = ["begin", "cloud"]

pytestmark = [pytest.mark.needs("go"), pytest.mark.extended]

THEIRS = "images-of-others"
KEY = "projects/keys/locations/us/keyRings/ring/cryptoKeys/key"
READER = "roles/storage.objectViewer"


def readers(cloud: Cloud) -> list[str]:
    """Return who may read the bucket of others."""
    policy = cloud.call("GET", f"storage.googleapis.com/storage/v1/b/{THEIRS}/iam")
    bindings: list[dict[str, Any]] = policy.get("bindings", [])
    return [who for it in bindings if it["role"] == READER for who in it["members"]]


def make_their_bucket(cloud: Cloud) -> None:
    path = "storage.googleapis.com/storage/v1/b?project=their-project"
    cloud.call("POST", path, {"name": THEIRS, "location": "US"})


def test_destroying_a_stack_leaves_the_grants_that_another_needs(
    begin: Begin, cloud: Cloud
) -> None:
    make_their_bucket(cloud)
    settings = {**DEV, "fleet": "none", "imageBucket": THEIRS}
    first, second = (begin(settings, name=name) for name in ("aa", "bb"))
    first.up()
    second.up()
    (agent,) = {who for who in readers(cloud) if "gcp-sa-aiplatform" in who}
    (command,) = first.outputs()["keptGrants"]
    assert command.startswith(f"gcloud storage buckets remove-iam-policy-binding gs://{THEIRS} ")
    assert command.endswith(f" --member={agent} --role={READER}")

    first.destroy()
    assert agent in readers(cloud)
    assert not any("sightline-aa" in who for who in readers(cloud))
    assert set(second.refresh().changes) == {"same"}
    second.destroy()
    assert readers(cloud) == [agent]


def test_a_key_stays_usable_for_another_stack_and_for_kept_data(begin: Begin, cloud: Cloud) -> None:
    first, second = (begin({**DEV, "fleet": "none", "kmsKey": KEY}, name=n) for n in ("aa", "bb"))
    first.up()
    second.up()
    (command,) = first.outputs()["keptGrants"]
    assert command.startswith(f"gcloud kms keys remove-iam-policy-binding {KEY} --member=")
    first.destroy()
    assert set(second.refresh().changes) == {"same"}
    second.destroy()
    (policy,) = what_is_left(cloud)["policies"]
    assert KEY in policy


@pytest.mark.parametrize(
    ("before", "after"), [("worker-pool", "job"), ("gke", "worker-pool"), ("worker-pool", "none")]
)
def test_a_protected_stack_changes_its_fleet(
    begin: Begin, cloud: Cloud, before: str, after: str
) -> None:
    prod = begin({"image": IMAGE, "fleet": before})
    prod.up()
    prod.set({"fleet": after})
    prod.up()
    assert set(prod.up().changes) == {"same"}
    pools = [name for name in cloud.contents()["resources"] if "/workerPools/" in name]
    clusters = [name for name in cloud.contents()["resources"] if "/clusters/" in name]
    assert (len(pools), len(clusters)) == (int(after == "worker-pool"), 0)


def test_a_protected_pool_is_removed_with_its_image(begin: Begin, cloud: Cloud) -> None:
    prod = begin({"image": IMAGE, "fleet": "worker-pool"})
    prod.up()
    prod.set({"image": ""})
    assert {"worker-pool", "producer-job"} <= prod.up().did("delete")
