"""Creates every bucket alike: uniform access, nothing public, deleted objects kept or not."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_gcp as gcp

from infra.stack import Stack

Rule = gcp.storage.BucketLifecycleRuleArgs


def bucket(
    name: str,
    stack: Stack,
    opts: pulumi.ResourceOptions,
    *,
    called: str,
    rules: list[Rule],
    location: str = "",
    keeps_deleted_s: int = 0,
    **more: Any,
) -> gcp.storage.Bucket:
    """Create a bucket; in a protected stack, it cannot be deleted while it contains objects."""
    return gcp.storage.Bucket(
        name,
        project=stack.project,
        name=called,
        location=(location or stack.location).upper(),
        labels=stack.labels,
        uniform_bucket_level_access=True,
        public_access_prevention="enforced",
        force_destroy=not stack.protects,
        lifecycle_rules=rules,
        soft_delete_policy=gcp.storage.BucketSoftDeletePolicyArgs(
            retention_duration_seconds=keeps_deleted_s
        ),
        opts=opts,
        **more,
    )


def after_days(days: int, action: str = "Delete") -> Rule:
    """Return a lifecycle rule for objects of this age."""
    return Rule(
        action=gcp.storage.BucketLifecycleRuleActionArgs(type=action),
        condition=gcp.storage.BucketLifecycleRuleConditionArgs(age=days),
    )
