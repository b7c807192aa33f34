"""A stack: its configuration, its names, and derived values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infra.names import Names
from infra.stack_config import StackConfig


@dataclass(frozen=True, slots=True)
class Stack:
    """The configuration, the names, and the values derived from them."""

    config: StackConfig
    names: Names

    @property
    def location(self) -> str:
        """The location of the ledgers in BigQuery."""
        area = self.region.partition("-")[0]
        return self.config.location or {"us": "US", "europe": "EU"}.get(area, self.region)

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of every resource: those of the configuration, and those of the program."""
        parts = filter(None, (part.strip() for part in self.config.labels.split(",")))
        configured = dict(part.partition("=")[::2] for part in parts)
        stack = self.names.of().partition("-")[2]
        return {**configured, "app": "sightline", "stack": stack, "managed-by": "pulumi"}

    @property
    def project(self) -> str:
        """The project's id."""
        return self.config.project

    @property
    def region(self) -> str:
        """The region."""
        return self.config.region

    @property
    def dataset(self) -> str:
        """The dataset of the ledgers."""
        return self.config.dataset or self.names.dataset()

    @property
    def models_dataset(self) -> str:
        """The dataset of remote models."""
        return self.config.models_dataset or self.names.dataset("models")

    @property
    def listing_dataset(self) -> str:
        """The dataset that is linked to the listing."""
        return self.config.listing_dataset or self.names.dataset("listing")

    @property
    def makes_bucket(self) -> bool:
        """Whether the bucket of images is created here."""
        return not self.config.image_bucket

    @property
    def bucket(self) -> str:
        """The bucket of images."""
        return self.config.image_bucket or self.names.bucket("images")

    @property
    def batch_bucket(self) -> str:
        """The bucket of batch jobs."""
        return self.names.bucket("batch")

    @property
    def reports_bucket(self) -> str:
        """The bucket of the workers' reports."""
        return self.names.bucket("reports")

    @property
    def grants_on_bucket(self) -> bool:
        """Whether read access to the bucket is granted here rather than by its owner."""
        return self.makes_bucket or self.config.grant_on_bucket

    @property
    def source(self) -> str:
        """The table of the observations; empty if unknown."""
        if self.config.source:
            return self.config.source
        if self.config.listing:
            return f"{self.project}.{self.listing_dataset}.{self.config.source_layout}"
        if self.config.notify_new_images:
            return f"{self.project}.{self.dataset}.arrivals_observations"
        return ""

    @property
    def protects(self) -> bool:
        """Whether resources with data are protected."""
        return self.config.deletion_protection

    @property
    def runs_on_cloud_run(self) -> bool:
        """Whether workers run on Cloud Run, which grants 10 s after SIGTERM."""
        return self.config.fleet in {"worker-pool", "job"}

    @property
    def runs_on_gke(self) -> bool:
        """Whether workers run on GKE, which scales them and collects their metrics."""
        return self.config.fleet == "gke"

    @property
    def has_fleet(self) -> bool:
        """Whether the stack runs any workers."""
        return self.config.fleet != "none"
