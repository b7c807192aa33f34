"""What ``pulumi up`` needs of a project: enabled APIs, and the roles of the person who runs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

APIS = tuple(
    f"{name}.googleapis.com"
    for name in (
        "aiplatform", "artifactregistry", "bigquery", "bigqueryconnection", "bigquerystorage",
        "cloudresourcemanager", "iam", "logging", "monitoring", "pubsub", "run", "serviceusage",
        "storage",
    )
)  # fmt: skip
"""The APIs of a stack with the default configuration; ``pulumi up`` enables those of options."""

ROLES: Mapping[str, Sequence[str]] = {
    "roles/serviceusage.serviceUsageAdmin": (
        "serviceusage.services.enable",
        "serviceusage.services.use",
    ),
    "roles/resourcemanager.projectIamAdmin": ("resourcemanager.projects.setIamPolicy",),
    "roles/iam.serviceAccountAdmin": (
        "iam.serviceAccounts.create",
        "iam.serviceAccounts.setIamPolicy",
    ),
    "roles/iam.serviceAccountUser": ("iam.serviceAccounts.actAs",),
    "roles/bigquery.admin": (
        "bigquery.connections.create",
        "bigquery.datasets.create",
        "bigquery.jobs.create",
    ),
    "roles/pubsub.admin": (
        "pubsub.subscriptions.create",
        "pubsub.topics.create",
        "pubsub.topics.setIamPolicy",
    ),
    "roles/storage.admin": ("storage.buckets.create", "storage.buckets.setIamPolicy"),
    "roles/artifactregistry.admin": (
        "artifactregistry.repositories.create",
        "artifactregistry.repositories.uploadArtifacts",
    ),
    "roles/run.admin": ("run.jobs.create", "run.jobs.setIamPolicy", "run.workerpools.create"),
    "roles/cloudscheduler.admin": ("cloudscheduler.jobs.create",),
    "roles/monitoring.editor": ("monitoring.alertPolicies.create", "monitoring.dashboards.create"),
    "roles/aiplatform.user": ("aiplatform.endpoints.predict",),
}
"""The roles, each with the permissions that show whether it is granted."""
