"""One service account each for the producer, the workers, and the starter of jobs."""

from __future__ import annotations

from typing import Any

import pulumi
import pulumi_gcp as gcp

from infra.entity import Entity
from infra.roles import Role, account, grant
from infra.stack import Stack

WORKER_QUERIES = Role(
    "worker-queries", "worker", "roles/bigquery.jobUser", "the project",
    "looks up redelivered messages before paying for a call; jobs belong to projects",
)  # fmt: skip
WORKER_ASKS_MODELS = Role(
    "worker-asks-models", "worker", "roles/aiplatform.user", "the project",
    "calls Gemini and the embedding model; Google's models have no policy of their own",
)  # fmt: skip
WORKER_WRITES_METRICS = Role(
    "worker-writes-metrics", "worker", "roles/monitoring.metricWriter", "the project",
    "the collector beside it exports its metrics; metrics belong to projects",
    "`collectorImage` is set",
)  # fmt: skip
PRODUCER_QUERIES = Role(
    "producer-queries", "producer", "roles/bigquery.jobUser", "the project",
    "writes work lists by one statement; jobs belong to projects",
)  # fmt: skip
PRODUCER_READS_LISTS = Role(
    "producer-reads-lists", "producer", "roles/bigquery.readSessionUser", "the project",
    "reads work lists by ranges, through read sessions, which belong to projects",
)  # fmt: skip
GRANTS = (
    WORKER_QUERIES, WORKER_ASKS_MODELS, WORKER_WRITES_METRICS, PRODUCER_QUERIES,
    PRODUCER_READS_LISTS,
)  # fmt: skip


class Accounts(Entity):
    """Service accounts without keys, and the few roles that only a project can grant."""

    def __init__(self, stack: Stack, **more: Any) -> None:
        super().__init__("accounts", stack, **more)
        self.worker = self._account("worker", "Sightline: leases, calls models, writes")
        self.producer = self._account("producer", "Sightline: publishes what is not done yet")
        self._grant(WORKER_QUERIES, self.worker)
        self._grant(WORKER_ASKS_MODELS, self.worker)
        if stack.config.collector_image:
            self._grant(WORKER_WRITES_METRICS, self.worker)
        self._grant(PRODUCER_QUERIES, self.producer)
        self._grant(PRODUCER_READS_LISTS, self.producer)
        self.register_outputs({})

    def member(self, account_resource: gcp.serviceaccount.Account) -> pulumi.Output[str]:
        """Return a service account as a member of IAM policies."""
        return account(account_resource.email)

    def _account(self, name: str, says: str) -> gcp.serviceaccount.Account:
        return gcp.serviceaccount.Account(
            name,
            project=self.stack.project,
            account_id=self.stack.names.of(name),
            display_name=says,
            opts=self.below(),
        )

    def _grant(self, role: Role, account_resource: gcp.serviceaccount.Account) -> None:
        target = {"project": self.stack.project}
        grant(role, gcp.projects.IAMMember, self.member(account_resource), target, self.below())
