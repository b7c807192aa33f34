"""The APIs to enable, and the service agents of Google's own services."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pulumi
import pulumi_gcp as gcp

from infra.entity import Entity
from infra.stack import Stack

READS_PROJECTS = "cloudresourcemanager"
"""Enabled before the others: afterwards, the provider reads its project through these."""


def wanted_apis(stack: Stack) -> Iterator[str]:
    """Yield the APIs that this configuration needs, by their short names."""
    chosen = stack.config
    yield from (
        "aiplatform", "artifactregistry", "bigquery", "bigqueryconnection", "cloudresourcemanager",
        "iam", "monitoring", "pubsub", "storage",
    )  # fmt: skip
    for api, is_wanted in (
        ("analyticshub", chosen.listing),
        ("bigqueryreservation", chosen.reservation_slots),
        ("billingbudgets", chosen.budget_usd),
        ("cloudkms", chosen.kms_key),
        ("cloudscheduler", chosen.producer_schedule or chosen.drain_schedule),
        ("container", stack.runs_on_gke),
        ("run", stack.has_fleet),
    ):
        if is_wanted:
            yield api


class Services(Entity):
    """APIs stay enabled when the stack is destroyed: others in the project may use them."""

    def __init__(self, stack: Stack, **more: Any) -> None:
        super().__init__("services", stack, **more)
        first = self._enable(READS_PROJECTS)
        others = [api for api in wanted_apis(stack) if api != READS_PROJECTS]
        self.enabled: list[pulumi.Resource] = [
            first, *(self._enable(api, first) for api in others),
        ]  # fmt: skip
        self.pubsub_agent = self._agent("pubsub")
        self.vertex_agent = self._agent("aiplatform")
        self.register_outputs({})

    def _enable(self, api: str, *after: pulumi.Resource) -> gcp.projects.Service:
        return gcp.projects.Service(
            f"api-{api}",
            project=self.stack.project,
            service=f"{api}.googleapis.com",
            disable_on_destroy=False,
            disable_dependent_services=False,
            opts=self.below(*after),
        )

    def _agent(self, api: str) -> pulumi.Output[str]:
        """Create a service's agent unless it exists; return it as a member of IAM policies."""
        agent = gcp.projects.ServiceIdentity(
            f"agent-{api}",
            project=self.stack.project,
            service=f"{api}.googleapis.com",
            opts=self.below(*self.enabled),
        )
        return agent.member
