"""The bucket for the requests and responses of batch jobs, emptied automatically."""

from __future__ import annotations

from typing import Any

import pulumi_gcp as gcp

from infra.accounts import Accounts
from infra.buckets import after_days, bucket
from infra.entity import Entity
from infra.roles import Role, grant
from infra.services import Services
from infra.stack import Stack

KEEPER = "roles/storage.objectUser"
LEFT_FOR_DAYS = 30
"""In days: far longer than a job waits and runs.

A run's objects are removed when it is done. Responses are in the ledgers by then, and would cost
storage for nothing.
"""

PRODUCER_ASKS_BY_JOBS = Role(
    "producer-asks-by-jobs", "producer", "roles/aiplatform.user", "the project",
    "starts batch jobs and reads their state; jobs belong to projects",
)  # fmt: skip
PRODUCER_KEEPS_REQUESTS = Role(
    "producer-keeps-requests", "producer", KEEPER, "the bucket of batch jobs",
    "writes requests, reads responses, removes both once they are in the ledgers",
)  # fmt: skip
VERTEX_WRITES_ANSWERS = Role(
    "vertex-writes-answers", "Vertex AI's service agent", KEEPER, "the bucket of batch jobs",
    "batch jobs read requests and write responses with this account",
)  # fmt: skip
GRANTS = (PRODUCER_ASKS_BY_JOBS, PRODUCER_KEEPS_REQUESTS, VERTEX_WRITES_ANSWERS)


class Batch(Entity):
    """A separate bucket, since that of the images may have another owner."""

    def __init__(self, stack: Stack, services: Services, accounts: Accounts, **more: Any) -> None:
        super().__init__("batch", stack, needs=services.enabled, **more)
        producer = accounts.member(accounts.producer)
        batch_bucket = bucket(
            "batch-files",
            stack,
            self.below(),
            called=stack.batch_bucket,
            rules=[after_days(LEFT_FOR_DAYS)],
        )
        files = {"bucket": batch_bucket.name}
        on_bucket, on_project = gcp.storage.BucketIAMMember, gcp.projects.IAMMember
        project = {"project": stack.project}
        grant(PRODUCER_ASKS_BY_JOBS, on_project, producer, project, self.below())
        grant(PRODUCER_KEEPS_REQUESTS, on_bucket, producer, files, self.below())
        grant(VERTEX_WRITES_ANSWERS, on_bucket, services.vertex_agent, files, self.below())
        self.register_outputs({})
