"""The fleet: the registry, the configured kind of workers, the producer, and schedules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi
import pulumi_gcp as gcp

from infra.accounts import Accounts
from infra.entity import Entity
from infra.fleet import gke, starter
from infra.fleet.cloud_run import drain_job, producer_job, worker_pool
from infra.fleet.registry import make_registry
from infra.services import Services
from infra.stack import Stack

GRANTS = (*starter.GRANTS, *gke.GRANTS)


class Fleet(Entity):
    """What needs the image is created once the image is configured; the rest at once."""

    def __init__(
        self,
        stack: Stack,
        services: Services,
        accounts: Accounts,
        *,
        opened: Sequence[pulumi.Resource],
        **more: Any,
    ) -> None:
        super().__init__("fleet", stack, needs=[*services.enabled, *opened], **more)
        self.registry = make_registry(stack, self.below(protect=stack.protects))
        self.cluster: gcp.container.Cluster | None = None
        self.adapter: pulumi.Output[str] | None = None
        self._starter: gcp.serviceaccount.Account | None = None
        if stack.runs_on_gke:
            self.cluster = gke.make_cluster(stack, self.registry, self.below)
            self.adapter = gke.let_pods_work(
                stack, accounts.worker, self.cluster, self.below, self.after_apis()
            )
        if stack.config.image and stack.has_fleet:
            self._run(accounts)
        self.register_outputs({})

    def _run(self, accounts: Accounts) -> None:
        stack, chosen = self.stack, self.stack.config
        if chosen.fleet == "worker-pool":
            worker_pool(stack, accounts.worker.email, self.below())
        elif chosen.fleet == "job":
            job = drain_job(stack, accounts.worker.email, self.below())
            self._schedule(starter.STARTER_STARTS_WORKERS, job, chosen.drain_schedule)
        producer = producer_job(stack, accounts.producer.email, self.below())
        self._schedule(starter.STARTER_STARTS_PRODUCER, producer, chosen.producer_schedule)

    def _schedule(self, role: Any, job: gcp.cloudrunv2.Job, schedule: str) -> None:
        if not schedule:
            return
        self._starter = self._starter or starter.starter_account(self.stack, self.below())
        starter.start_by_clock(self.stack, role, job, self._starter, schedule, self.below())
