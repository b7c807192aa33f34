"""The registry of container images: old ones are deleted, the latest ones kept."""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from infra.stack import Stack

KEPT_VERSIONS = 10
OLD_S = "2592000s"


def make_registry(stack: Stack, opts: pulumi.ResourceOptions) -> gcp.artifactregistry.Repository:
    """Create the repository of images."""
    policy = gcp.artifactregistry.RepositoryCleanupPolicyArgs
    return gcp.artifactregistry.Repository(
        "registry",
        project=stack.project,
        location=stack.region,
        repository_id=stack.names.of("images"),
        format="DOCKER",
        description="Container images of Sightline",
        labels=stack.labels,
        cleanup_policies=[
            policy(
                id="keep-the-last",
                action="KEEP",
                most_recent_versions=gcp.artifactregistry.RepositoryCleanupPolicyMostRecentVersionsArgs(
                    keep_count=KEPT_VERSIONS
                ),
            ),
            policy(
                id="remove-the-old",
                action="DELETE",
                condition=gcp.artifactregistry.RepositoryCleanupPolicyConditionArgs(
                    older_than=OLD_S, tag_state="ANY"
                ),
            ),
        ],
        opts=opts,
    )


def repository_url(stack: Stack) -> str:
    """Return the address to which images are pushed."""
    return f"{stack.region}-docker.pkg.dev/{stack.project}/{stack.names.of('images')}"
