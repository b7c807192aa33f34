"""What one kind of resource has that the others have not: names, and fields that Google fills in.

All else follows from the discovery documents.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scripts.control_plane.discovery import RefusedError

PROJECT_NUMBER = "123456789012"
EPOCH = "2026-11-01T00:00:00Z"
AGENTS = {"storage": "gs-project-accounts"}
"""Services whose agents are not called ``gcp-sa-`` and the service's name."""

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of resource is made. ``body`` holds it within a request to create it.

    ``named`` returns its id by the request's body, ``filled`` the fields that Google fills in;
    ``short_name`` says that its field ``name`` is the id alone.
    """

    body: str = ""
    named: Callable[[Mapping[str, Any], str], str] | None = None
    filled: Callable[[str, Mapping[str, Any]], Mapping[str, Any]] | None = None
    short_name: bool = False


def agent(service: str) -> str:
    """Return the account with which a service acts in the project."""
    short = service.partition(".")[0]
    return (
        f"service-{PROJECT_NUMBER}@{AGENTS.get(short, f'gcp-sa-{short}')}.iam.gserviceaccount.com"
    )


def _last(field: str) -> Callable[[Mapping[str, Any], str], str]:
    def named(body: Mapping[str, Any], _: str) -> str:
        folder_value: Any = body
        *folders, leaf = field.split(".")
        for folder in folders:
            folder_value = folder_value.get(folder) or {}
        name = str(folder_value.get(leaf, "")).rpartition("/")[2]
        if not name:
            raise RefusedError.argument(f"Required field {field} is missing.")
        return name

    return named


def _own_or_number(body: Mapping[str, Any], _: str) -> str:
    return str(body.get("name", "")).rpartition("/")[2] or _number({}, "")


def _number(_: Mapping[str, Any], __: str) -> str:
    return str(4_000_000_000 + next(_numbers))


def _email(body: Mapping[str, Any], parent: str) -> str:
    account, project = body.get("accountId", ""), parent.split("/")[1]
    if not 6 <= len(account) <= 30:
        raise RefusedError.argument(f"Invalid service account id: {account}")
    return f"{account}@{project}.iam.gserviceaccount.com"


def _account(name: str, _body: Mapping[str, Any]) -> Mapping[str, Any]:
    _, project, _, email = name.split("/")
    unique = str(int(hashlib.sha256(name.encode()).hexdigest()[:16], 16))
    return {"email": email, "projectId": project, "uniqueId": unique, "oauth2ClientId": unique}


def _connection(name: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    if "cloudResource" not in body:
        return {}
    part = hashlib.sha256(name.encode()).hexdigest()[:4]
    account = f"bqcx-{PROJECT_NUMBER}-{part}@gcp-sa-bigquery-condel.iam.gserviceaccount.com"
    return {"cloudResource": {"serviceAccountId": account}}


def _cluster(name: str, _: Mapping[str, Any]) -> Mapping[str, Any]:
    project, region = name.split("/")[1], name.split("/")[3]
    network = f"projects/{project}/global/networks/default"
    subnetwork = f"projects/{project}/regions/{region}/subnetworks/default"
    return {
        "network": "default",
        "subnetwork": "default",
        "networkConfig": {"network": network, "subnetwork": subnetwork},
        "loggingService": "logging.googleapis.com/kubernetes",
        "monitoringService": "monitoring.googleapis.com/kubernetes",
        "status": "RUNNING",
        "endpoint": "127.0.0.1",
        "location": region,
        "selfLink": f"https://container.googleapis.com/v1/{name}",
        "currentMasterVersion": "1.33.1-gke.1000",
        "masterAuth": {"clusterCaCertificate": "bm9uZQ=="},
    }


def _cloud_run(_: str, __: Mapping[str, Any]) -> Mapping[str, Any]:
    done = {"type": "Ready", "state": "CONDITION_SUCCEEDED"}
    return {"terminalCondition": done, "conditions": [done], "creator": "somebody@example.com"}


KINDS: Mapping[str, Kind] = {
    "iam serviceAccounts": Kind(body="serviceAccount", named=_email, filled=_account),
    "bigqueryconnection connections": Kind(filled=_connection),
    "container clusters": Kind(
        body="cluster", named=_last("cluster.name"), filled=_cluster, short_name=True
    ),
    "run jobs": Kind(filled=_cloud_run),
    "run services": Kind(filled=_cloud_run),
    "run workerPools": Kind(filled=_cloud_run),
    "cloudscheduler jobs": Kind(named=_last("name"), filled=lambda *_: {"state": "ENABLED"}),
    "bigqueryreservation assignments": Kind(named=_number, filled=lambda *_: {"state": "ACTIVE"}),
    "monitoring dashboards": Kind(named=_own_or_number),
    "monitoring alertPolicies": Kind(named=_number),
    "monitoring notificationChannels": Kind(named=_number),
    "billingbudgets budgets": Kind(named=_number),
    "logging metrics": Kind(named=_last("name"), short_name=True),
    "storage buckets": Kind(named=_last("name"), short_name=True),
    "storage notifications": Kind(
        named=_number,
        filled=lambda name, _: {"id": name.rpartition("/")[2], "kind": "storage#notification"},
    ),
    "bigquery datasets": Kind(
        named=_last("datasetReference.datasetId"),
        filled=lambda *_: {
            "access": [
                {"role": "OWNER", "specialGroup": "projectOwners"},
                {"role": "READER", "specialGroup": "projectReaders"},
                {"role": "WRITER", "specialGroup": "projectWriters"},
            ]
        },
        short_name=True,
    ),
    "bigquery tables": Kind(named=_last("tableReference.tableId"), short_name=True),
}
