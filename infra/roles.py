"""Roles as data: who may do what on what, and why; each is declared beside what it opens."""

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
    """A role that is granted. ``name`` is the grant's own, ``when`` the choice that brings it."""

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
) -> pulumi.CustomResource:
    """Grant a role on a resource, beside whatever others are granted there."""
    make: Any = kind
    member_grant: pulumi.CustomResource = make(
        role.name, role=role.role, member=member, opts=opts, **target
    )
    return member_grant


def account(email: pulumi.Input[str]) -> pulumi.Output[str]:
    """Return a service account as a member of policies."""
    return pulumi.Output.concat("serviceAccount:", email)
