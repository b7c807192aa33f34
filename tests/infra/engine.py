"""A cloud for a test of its own: emulators, the control plane in front of them, and stacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from scripts.environment import Environment, Outcome, infrastructure
from scripts.local_cloud import PROJECT, TOKEN, Cloud, run_cloud

IMAGE = "us-docker.pkg.dev/sightline-test/sightline/sightline:1"
DEV = {"deletionProtection": "false", "image": IMAGE}
WHO_AM_I = "CONNECT openidconnect.googleapis.com:443"
"""The provider asks whose token it has, to log it. It is refused, and goes on."""
HOLDS_DATA = {
    "gcp:bigquery/dataset:Dataset",
    "gcp:bigquery/table:Table",
    "gcp:storage/bucket:Bucket",
}

Begin = Callable[..., Environment]


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """Yield a cloud; whatever is refused in it, or asked elsewhere, fails the test."""
    with run_cloud(tmp_path) as running:
        yield running
        strays, refused = set(running.strays()) - {WHO_AM_I}, running.refused()
        assert not strays, strays
        assert not refused, refused


@pytest.fixture
def begin(cloud: Cloud, tmp_path: Path) -> Begin:
    """Return what begins a stack of ``infra/`` in that cloud."""

    def begin_stack(settings: Mapping[str, str], name: str = "dev") -> Environment:
        folder = tmp_path / name
        return Environment(cloud, folder, infrastructure(cloud), name=name, settings=settings)

    return begin_stack


def check_nothing_is_said(outcome: Outcome) -> None:
    """No warning, and so no deprecation."""
    assert outcome.messages == []


def check_no_secret_is_shown(environment: Environment) -> None:
    """The token is neither in the outputs nor in any file of the state in clear text."""
    assert TOKEN not in str(environment.outputs())
    files = [path for path in environment.state.rglob("*") if path.is_file()]
    assert any("v1:" in file.read_text("utf-8") for file in files if file.suffix == ".json")
    for file in files:
        assert TOKEN.encode() not in file.read_bytes(), file


def what_is_left(cloud: Cloud) -> Mapping[str, Any]:
    """Return what is left in the project, wherever it is kept; enabled APIs are meant to stay."""
    there = cloud.contents()
    owner = "cloudresourcemanager: projects/" + PROJECT
    left = {
        "kept": list(there["resources"]),
        "remembered": [name for name, value in there["remembered"].items() if value],
        "policies": [name for name in there["policies"] if name != owner],
        "project": sorted(it["role"] for it in there["policies"][owner]["bindings"]),
        "topics": cloud.call("GET", f"pubsub.googleapis.com/v1/projects/{PROJECT}/topics"),
        "subscriptions": cloud.call(
            "GET", f"pubsub.googleapis.com/v1/projects/{PROJECT}/subscriptions"
        ),
        "buckets": cloud.call("GET", f"storage.googleapis.com/storage/v1/b?project={PROJECT}").get(
            "items"
        ),
        "datasets": cloud.call(
            "GET", f"bigquery.googleapis.com/bigquery/v2/projects/{PROJECT}/datasets"
        ).get("datasets"),
    }
    return {name: value for name, value in left.items() if value}


NOTHING = {"project": ["roles/owner"]}
"""What a project has before anything is made in it."""

AFTER_GKE = {"project": ["roles/monitoring.viewer", "roles/owner"]}
"""What a cluster leaves: the role of the metrics adapter, which clusters of a project share."""
