"""The bucket in which workers report their rates to each other."""

from __future__ import annotations

from typing import Any

import pulumi_gcp as gcp

from infra.accounts import Accounts
from infra.buckets import after_days, bucket
from infra.entity import Entity
from infra.roles import Role, grant
from infra.services import Services
from infra.stack import Stack

WORKER_REPORTS = Role(
    "worker-reports", "worker", "roles/storage.objectUser", "the bucket of reports",
    "reports its rates, and reads the other workers' reports",
)  # fmt: skip
GRANTS = (WORKER_REPORTS,)

LEFT_FOR_DAYS = 1
"""In days. A report is valid for less than a minute; this removes those of killed workers."""


class Reports(Entity):
    """A separate bucket: the only one that a worker may write to."""

    def __init__(self, stack: Stack, services: Services, accounts: Accounts, **more: Any) -> None:
        super().__init__("reports", stack, needs=services.enabled, **more)
        reports_bucket = bucket(
            "reports",
            stack,
            self.below(),
            called=stack.reports_bucket,
            rules=[after_days(LEFT_FOR_DAYS)],
            location=stack.region,
        )
        member = accounts.member(accounts.worker)
        target = {"bucket": reports_bucket.name}
        grant(WORKER_REPORTS, gcp.storage.BucketIAMMember, member, target, self.below())
        self.register_outputs({})
