"""Guard rails: what no resource of any stack may be, checked as each is registered.

The checks are plain functions of a resource's type and inputs, so that the policy pack in
``infra/policy`` can enforce them centrally. Ids are those of the CIS Google Cloud Foundation
Benchmark and of Checkov where they exist. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Inputs = Mapping[str, Any]
Found = Iterator[str]


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource as registered; the names of inputs are in snake case."""

    type: str
    name: str
    inputs: Inputs
    protects: bool = True

    @property
    def kind(self) -> str:
        """The last part of the type: ``Topic`` of ``gcp:pubsub/topic:Topic``."""
        return self.type.rpartition(":")[2]


@dataclass(frozen=True, slots=True)
class Rail:
    """A rule: its id, ids of the same rule elsewhere, its meaning, its reason, and its check."""

    id: str
    also: tuple[str, ...]
    what: str
    why: str
    check: Callable[[Resource], Found]


@dataclass(frozen=True, slots=True)
class Violation:
    """A violation: the rule, the resource, and the detail."""

    rail: Rail
    resource: Resource
    detail: str

    def __str__(self) -> str:
        ids = ", ".join((self.rail.id, *self.rail.also))
        return (
            f"{self.resource.name} ({self.resource.type}): {self.detail} [{ids}]; {self.rail.why}"
        )


def violations(resource: Resource) -> Iterator[Violation]:
    """Yield the violations of a resource; inputs that are not known yet are skipped."""
    for rail in RAILS:
        for detail in rail.check(resource):
            yield Violation(rail, resource, detail)


def snake(value: Any) -> Any:
    """Return inputs with names in snake case, at every level."""
    if isinstance(value, Mapping):
        return {re.sub(r"(?<!^)(?=[A-Z])", "_", str(k)).lower(): snake(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [snake(item) for item in value]
    return value


EVERYBODY = ("allUsers", "allAuthenticatedUsers")
BASIC = ("roles/owner", "roles/editor", "roles/viewer")
ONLY_ON_PROJECTS: Mapping[str, str] = {
    "roles/aiplatform.user": "Google's models have no policy of their own",
    "roles/bigquery.jobUser": "jobs belong to projects",
    "roles/bigquery.readSessionUser": "read sessions belong to projects",
    "roles/container.defaultNodeServiceAccount": "nodes write logs and metrics of the project",
    "roles/monitoring.metricWriter": "metrics belong to projects",
    "roles/monitoring.viewer": "metrics belong to projects",
}
"""Roles that only a project can grant, and why."""

_QUEUES = {"gcp:pubsub/topic:Topic", "gcp:pubsub/subscription:Subscription"}
_PROTECTED_BY_FLAG = ("Table",)
_LABELLED = {
    "gcp:artifactregistry/repository:Repository": "labels",
    "gcp:bigquery/dataset:Dataset": "labels",
    "gcp:bigquery/table:Table": "labels",
    "gcp:bigquery/reservation:Reservation": "labels",
    "gcp:cloudrunv2/job:Job": "labels",
    "gcp:cloudrunv2/workerPool:WorkerPool": "labels",
    "gcp:container/cluster:Cluster": "resource_labels",
    "gcp:monitoring/alertPolicy:AlertPolicy": "user_labels",
    "gcp:monitoring/notificationChannel:NotificationChannel": "user_labels",
    "gcp:pubsub/subscription:Subscription": "labels",
    "gcp:pubsub/topic:Topic": "labels",
    "gcp:storage/bucket:Bucket": "labels",
}
"""The types with labels, and the name of that input."""


def _members(resource: Resource) -> list[str]:
    inputs = resource.inputs
    members = [inputs.get("member"), *(inputs.get("members") or [])]
    for access in inputs.get("accesses") or []:
        members += [access.get("special_group"), access.get("iam_member")]
    return [member for member in members if isinstance(member, str)]


def _role(resource: Resource) -> str:
    role = resource.inputs.get("role")
    return role if isinstance(role, str) else ""


def _is_grant(resource: Resource) -> bool:
    return re.search(r"(Iam|IAM)(Member|Binding|Policy)$", resource.kind) is not None


def _is_true(value: Any) -> bool:
    """Return whether an input is true, or not known yet."""
    return value is True or not isinstance(value, bool | type(None))


def _public(resource: Resource) -> Found:
    for member in _members(resource):
        if member in EVERYBODY or member.removeprefix("all").lower() == "authenticatedusers":
            yield f"it grants access to {member}"


def _basic(resource: Resource) -> Found:
    if _role(resource) in BASIC:
        yield f"it grants the basic role {_role(resource)}"


def _project_level(resource: Resource) -> Found:
    role = _role(resource)
    on_project = resource.type.startswith(("gcp:projects/", "gcp:folder/", "gcp:organizations/"))
    spared = role in ONLY_ON_PROJECTS or role in BASIC or not role
    if _is_grant(resource) and on_project and not spared:
        yield f"it grants {role} on a whole {_holder(resource)}"


def _holder(resource: Resource) -> str:
    return {"projects": "project", "folder": "folder"}.get(
        resource.type.split(":")[1].partition("/")[0], "organization"
    )


def _authoritative(resource: Resource) -> Found:
    if _is_grant(resource) and resource.kind.endswith(("Binding", "Policy")):
        yield "it replaces the grants of others there"


def _impersonation(resource: Resource) -> Found:
    roles = ("roles/iam.serviceAccountUser", "roles/iam.serviceAccountTokenCreator")
    if resource.type.startswith("gcp:projects/") and _role(resource) in roles:
        yield f"it grants {_role(resource)} on all accounts of the project"


def _uniform(resource: Resource) -> Found:
    if resource.kind == "Bucket" and not _is_true(
        resource.inputs.get("uniform_bucket_level_access")
    ):
        yield "its objects may have policies of their own"


def _prevented(resource: Resource) -> Found:
    value = resource.inputs.get("public_access_prevention")
    if resource.kind == "Bucket" and value in {None, "inherited"}:
        yield "public access to it is not prevented"


def _protected(resource: Resource) -> Found:
    inputs = resource.inputs
    is_view = any(inputs.get(key) for key in ("view", "external_data_configuration"))
    for kind, name, unsafe, how in (
        *((kind, "deletion_protection", False, "") for kind in _PROTECTED_BY_FLAG),
        ("Bucket", "force_destroy", True, " with all its objects"),
        ("Dataset", "delete_contents_on_destroy", True, " with all its tables"),
    ):
        is_unsafe = resource.kind == kind and inputs.get(name) is unsafe
        if resource.protects and is_unsafe and not is_view and not _is_of_models(resource):
            yield f"it can be deleted{how}, though this stack protects what it holds"


def _is_of_models(resource: Resource) -> bool:
    """Return whether a dataset holds only remote models, which can be recreated."""
    return resource.kind == "Dataset" and resource.name == "models"


def _keyless(resource: Resource) -> Found:
    if resource.type == "gcp:serviceaccount/key:Key":
        yield "it creates a key, which is a password in a file"


def _retained(resource: Resource) -> Found:
    retention = resource.inputs.get("message_retention_duration")
    if resource.type in _QUEUES and not retention:
        yield "message retention is not set"
    policy = resource.inputs.get("soft_delete_policy")
    if resource.kind == "Bucket" and not policy:
        yield "retention of deleted objects is not set"


def _expires(resource: Resource) -> Found:
    if resource.type != "gcp:pubsub/subscription:Subscription":
        return
    policy = resource.inputs.get("expiration_policy")
    if policy is None or (isinstance(policy, Mapping) and policy.get("ttl")):
        yield "it expires if nothing pulls from it for a month"


def _labelled(resource: Resource) -> Found:
    name = _LABELLED.get(resource.type)
    if name and not resource.inputs.get(name):
        yield "it has no labels"


RAILS: tuple[Rail, ...] = (
    Rail(
        "SL-1", ("CIS 5.1", "CIS 7.1", "CKV_GCP_28", "CKV_GCP_15"),
        "nothing is open to allUsers or allAuthenticatedUsers",
        "the imagery licence forbids showing it to outsiders; grant a group or an account",
        _public,
    ),
    Rail(
        "SL-2", ("CIS 1.5", "CKV_GCP_117"), "no basic roles: owner, editor, viewer",
        "they give access to everything in the project; grant a role of the one service",
        _basic,
    ),
    Rail(
        "SL-3", (), "no role on a project where a resource can grant it",
        "the role would apply to every resource there; grant it on the resource",
        _project_level,
    ),
    Rail(
        "SL-4", (), "grants are additive: members, not bindings or policies",
        "the grants of others would be removed at the next `pulumi up`; use an IAMMember",
        _authoritative,
    ),
    Rail(
        "SL-5", ("CIS 1.6", "CKV_GCP_41", "CKV_GCP_49"),
        "no account may act as all service accounts of a project",
        "an account that may act as every other has all their roles; grant it on the one account",
        _impersonation,
    ),
    Rail(
        "SL-6", ("CIS 5.2", "CKV_GCP_29"), "buckets have uniform access",
        "the policy of a single object is easily overlooked; set uniform_bucket_level_access",
        _uniform,
    ),
    Rail(
        "SL-7", ("CKV_GCP_114",), "public access to buckets is prevented",
        "one mistaken grant would publish the images; set public_access_prevention to enforced",
        _prevented,
    ),
    Rail(
        "SL-8", ("CKV_GCP_121",), "what holds data is protected from deletion",
        "it cannot be recreated; set sightline:deletionProtection to false if you intend this",
        _protected,
    ),
    Rail(
        "SL-9", ("CIS 1.4",), "no keys of service accounts",
        "a key in a file is copied and never expires; attach the account, or impersonate it",
        _keyless,
    ),
    Rail(
        "SL-10", (), "retention is set",
        "defaults change, and data that is not kept long enough is lost; set the retention",
        _retained,
    ),
    Rail(
        "SL-11", (), "subscriptions do not expire",
        "a month without pulls would delete the backlog; set an expiration policy without a ttl",
        _expires,
    ),
    Rail(
        "SL-12", (), "every resource that accepts labels has labels",
        "costs and owners are found by labels; pass the stack's",
        _labelled,
    ),
)  # fmt: skip
