"""Roles as data: who may do what on which resource, and why; declared with the resource."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_gcp as gcp

IamMember = (
    type[gcp.pubsub.TopicIAMMember]
    | type[gcp.pubsub.SubscriptionIAMMember]
    | type[gcp.storage.BucketIAMMember]
    | type[gcp.bigquery.DatasetIamMember]
    | type[gcp.bigquery.IamMember]
    | type[gcp.bigquery.ConnectionIamMember]
    | type[gcp.artifactregistry.RepositoryIamMember]
    | type[gcp.cloudrunv2.JobIamMember]
    | type[gcp.serviceaccount.IAMMember]
    | type[gcp.projects.IAMMember]
    | type[gcp.kms.CryptoKeyIAMMember]
)


@dataclass(frozen=True, slots=True)
class Role:
    """A role to grant. ``name`` identifies the grant, ``when`` is the option that requires it."""

    name: str
    who: str
    role: str
    on: str
    why: str
    when: str = "always"


def grant(
    role: Role,
    kind: IamMember,
    member: pulumi.Input[str],
    target: Mapping[str, Any],
    opts: pulumi.ResourceOptions,
    *,
    keep: bool = False,
) -> pulumi.CustomResource:
    """Grant a role on a resource, in addition to those that others grant there.

    ``keep`` it when the stack is destroyed: other stacks of the project may need it, because the
    member is one of Google's agents and the resource is not the stack's own.
    """
    make: Any = kind
    if keep:
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True))
    member_grant: pulumi.CustomResource = make(
        role.name, role=role.role, member=member, opts=opts, **target
    )
    return member_grant


def account(email: pulumi.Input[str]) -> pulumi.Output[str]:
    """Return a service account as a member of IAM policies."""
    return pulumi.Output.concat("serviceAccount:", email)
