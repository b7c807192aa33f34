"""Completes what an interrupted ``pulumi up`` had started, so that the next one can continue.

    pulumi stack export | .venv/bin/python -m infra.repair | pulumi stack import
    pulumi refresh --yes && pulumi up

Pulumi does not know whether a resource that it was creating exists by now. If its id follows from
its name, it is added to the state with that id: the refresh keeps it if it exists, and drops it
otherwise, so that ``up`` creates it. A grant is repeated, which changes nothing. Resources whose
ids Google assigns, such as alerts, may exist twice, so they are listed on standard error.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

IDS: Mapping[str, str] = {
    "gcp:artifactregistry/repository:Repository": (
        "projects/{project}/locations/{location}/repositories/{repositoryId}"
    ),
    "gcp:bigquery/connection:Connection": (
        "projects/{project}/locations/{location}/connections/{connectionId}"
    ),
    "gcp:bigquery/dataset:Dataset": "projects/{project}/datasets/{datasetId}",
    "gcp:bigquery/reservation:Reservation": (
        "projects/{project}/locations/{location}/reservations/{name}"
    ),
    "gcp:bigquery/table:Table": "projects/{project}/datasets/{datasetId}/tables/{tableId}",
    "gcp:cloudrunv2/job:Job": "projects/{project}/locations/{location}/jobs/{name}",
    "gcp:cloudrunv2/workerPool:WorkerPool": (
        "projects/{project}/locations/{location}/workerPools/{name}"
    ),
    "gcp:cloudscheduler/job:Job": "projects/{project}/locations/{region}/jobs/{name}",
    "gcp:container/cluster:Cluster": "projects/{project}/locations/{location}/clusters/{name}",
    "gcp:pubsub/schema:Schema": "projects/{project}/schemas/{name}",
    "gcp:pubsub/subscription:Subscription": "projects/{project}/subscriptions/{name}",
    "gcp:pubsub/topic:Topic": "projects/{project}/topics/{name}",
    "gcp:serviceaccount/account:Account": (
        "projects/{project}/serviceAccounts/{accountId}@{project}.iam.gserviceaccount.com"
    ),
    "gcp:storage/bucket:Bucket": "{project}/{name}",
}
"""The ids of what Google knows by its name.

A bucket is found by its name alone, too; then the provider asks the Compute Engine API for its
project, and a project need not have that API.
"""


def repaired(state: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return the state with what was started in it, and the URNs of what may be there twice."""
    deployment = dict(state["deployment"])
    imported, unknown = [], []
    for operation in deployment.pop("pending_operations", None) or []:
        resource = operation["resource"]
        if operation["type"] != "creating":
            continue
        template = IDS.get(resource["type"])
        if template:
            imported.append({**resource, "id": template.format_map(resource["inputs"])})
        elif not resource["type"].lower().endswith("iammember"):
            unknown.append(resource["urn"])
    there = {resource["urn"] for resource in deployment.get("resources", [])}
    new = [resource for resource in imported if resource["urn"] not in there]
    return {
        **state,
        "deployment": {**deployment, "resources": [*deployment["resources"], *new]},
    }, unknown


def main() -> None:
    """Read a state, and print it repaired."""
    state, unknown = repaired(json.load(sys.stdin))
    for urn in unknown:
        print(f"may be there twice after `pulumi up`; look in the console: {urn}", file=sys.stderr)
    print(json.dumps(state))


if __name__ == "__main__":
    main()
