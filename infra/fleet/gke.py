"""Workers on GKE Autopilot: the cluster, its nodes' account, and the identity of pods."""

from __future__ import annotations

from collections.abc import Callable

import pulumi
import pulumi_gcp as gcp

from infra.fleet.manifests import ADAPTER_ACCOUNT, ADAPTER_NAMESPACE, NAMESPACE, WORKER_ACCOUNT
from infra.roles import Role, account, grant
from infra.stack import Stack

IDENTITY = "roles/iam.workloadIdentityUser"

NODES_RUN = Role(
    "nodes-run", "nodes of the cluster", "roles/container.defaultNodeServiceAccount",
    "the project", "send logs and metrics; nodes' own role is granted on projects",
    "`fleet` is gke",
)  # fmt: skip
NODES_PULL = Role(
    "nodes-pull", "nodes of the cluster", "roles/artifactregistry.reader", "the registry",
    "pull the image", "`fleet` is gke",
)  # fmt: skip
POD_IS_WORKER = Role(
    "pod-is-worker", "the Kubernetes account of the workers", IDENTITY, "the worker's account",
    "pods work as the worker, without a key", "`fleet` is gke",
)  # fmt: skip
ADAPTER_READS_METRICS = Role(
    "adapter-reads-metrics", "the metrics adapter", "roles/monitoring.viewer", "the project",
    "reads the backlog, by which the autoscaler decides; metrics belong to projects",
    "`fleet` is gke",
)  # fmt: skip
GRANTS = (NODES_RUN, NODES_PULL, POD_IS_WORKER, ADAPTER_READS_METRICS)

Below = Callable[..., pulumi.ResourceOptions]


def make_cluster(
    stack: Stack, repository: gcp.artifactregistry.Repository, below: Below
) -> gcp.container.Cluster:
    """Create an Autopilot cluster whose nodes have their own service account."""
    nodes = gcp.serviceaccount.Account(
        "nodes",
        project=stack.project,
        account_id=stack.names.of("nodes"),
        display_name="Sightline: nodes of the cluster",
        opts=below(),
    )
    member, project = account(nodes.email), {"project": stack.project}
    runs = grant(NODES_RUN, gcp.projects.IAMMember, member, project, below())
    at_registry = {**project, "location": stack.region, "repository": repository.repository_id}
    kind = gcp.artifactregistry.RepositoryIamMember
    pulls = grant(NODES_PULL, kind, member, at_registry, below())
    return gcp.container.Cluster(
        "cluster",
        project=stack.project,
        location=stack.region,
        name=stack.names.of(),
        description="Workers of Sightline",
        enable_autopilot=True,
        deletion_protection=False,  # it holds no data, and a fleet may be changed
        resource_labels=stack.labels,
        release_channel=gcp.container.ClusterReleaseChannelArgs(channel="REGULAR"),
        ip_allocation_policy=gcp.container.ClusterIpAllocationPolicyArgs(),
        cluster_autoscaling=gcp.container.ClusterClusterAutoscalingArgs(
            auto_provisioning_defaults=gcp.container.ClusterClusterAutoscalingAutoProvisioningDefaultsArgs(
                service_account=nodes.email,
                oauth_scopes=["https://www.googleapis.com/auth/cloud-platform"],
            )
        ),
        opts=below(runs, pulls),
    )


def let_pods_work(
    stack: Stack,
    worker: gcp.serviceaccount.Account,
    cluster: gcp.container.Cluster,
    below: Below,
    after_apis: pulumi.InvokeOutputOptions,
) -> pulumi.Output[str]:
    """Let pods act as the worker, and the adapter read metrics, once the identity pool exists.

    Returns the adapter, which all clusters of the project share.
    """
    pool = f"{stack.project}.svc.id.goog"
    grant(
        POD_IS_WORKER,
        gcp.serviceaccount.IAMMember,
        f"serviceAccount:{pool}[{NAMESPACE}/{WORKER_ACCOUNT}]",
        {"service_account_id": worker.name},
        below(cluster),
    )
    number = gcp.organizations.get_project_output(project_id=stack.project, opts=after_apis).number
    adapter = pulumi.Output.concat(
        "principal://iam.googleapis.com/projects/",
        number,
        f"/locations/global/workloadIdentityPools/{pool}/subject/ns/{ADAPTER_NAMESPACE}/sa/",
        ADAPTER_ACCOUNT,
    )
    grant(
        ADAPTER_READS_METRICS,
        gcp.projects.IAMMember,
        adapter,
        {"project": stack.project},
        below(cluster),
        keep=True,
    )
    return adapter
