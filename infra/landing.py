"""The source of images: the subscribed listing, and the bucket with its readers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pulumi
import pulumi_gcp as gcp

from infra.accounts import Accounts
from infra.buckets import Rule, after_days, bucket
from infra.entity import Entity
from infra.roles import Role, grant
from infra.services import Services
from infra.stack import Stack

READER = "roles/storage.objectViewer"

WORKER_READS_IMAGES = Role(
    "worker-reads-images", "worker", READER, "the bucket of images",
    "reads images itself if a model cannot",
)  # fmt: skip
VERTEX_READS_IMAGES = Role(
    "vertex-reads-images", "Vertex AI's service agent", READER, "the bucket of images",
    "Gemini reads `gs://` images with this account, not with the worker's",
)  # fmt: skip
STORAGE_ENCRYPTS = Role(
    "storage-encrypts", "Cloud Storage's service agent",
    "roles/cloudkms.cryptoKeyEncrypterDecrypter", "the key of the bucket",
    "encrypts and decrypts images", "`kmsKey` is set",
)  # fmt: skip
PRODUCER_READS_LISTING = Role(
    "producer-reads-listing", "producer", "roles/bigquery.dataViewer", "the linked dataset",
    "reads the observations of the subscription", "`listing` is set",
)  # fmt: skip
PRODUCER_READS_SOURCE = Role(
    "producer-reads-source", "producer", "roles/bigquery.dataViewer", "the table of observations",
    "reads the observations", "`source` is set, in this project and in another dataset",
)  # fmt: skip
GRANTS = (
    WORKER_READS_IMAGES, VERTEX_READS_IMAGES, STORAGE_ENCRYPTS, PRODUCER_READS_LISTING,
    PRODUCER_READS_SOURCE,
)  # fmt: skip


class Landing(Entity):
    """The bucket is created here or exists already; a configured listing is subscribed to."""

    def __init__(self, stack: Stack, services: Services, accounts: Accounts, **more: Any) -> None:
        super().__init__("landing", stack, needs=services.enabled, **more)
        self._accounts = accounts
        self.bucket: pulumi.Input[str] = stack.bucket
        self.made: gcp.storage.Bucket | None = None
        self.encrypts: pulumi.Output[str] | None = None
        if stack.makes_bucket:
            self.made = self._bucket()
            self.bucket = self.made.name
        self.grants_to_read: list[pulumi.Resource] = []
        self.readers: dict[str, pulumi.Output[str]] = {
            "the worker": accounts.member(accounts.worker),
            "Vertex AI's service agent": services.vertex_agent,
        }
        if stack.grants_on_bucket:
            for role, who in zip(
                (WORKER_READS_IMAGES, VERTEX_READS_IMAGES), self.readers.values(), strict=True
            ):
                is_shared = role is VERTEX_READS_IMAGES and not stack.makes_bucket
                self.let_read(role, who, keep=is_shared)
        if stack.config.listing:
            self._subscribe()
        elif self._source_is_ours():
            self._open_source()
        self.register_outputs({})

    def let_read(self, role: Role, who: pulumi.Input[str], *, keep: bool = False) -> None:
        """Grant read access to the images; ``keep`` it when the stack is destroyed."""
        target = {"bucket": self.bucket}
        kind = gcp.storage.BucketIAMMember
        granted = grant(role, kind, who, target, self.below(), keep=keep)
        self.grants_to_read.append(granted)

    def _bucket(self) -> gcp.storage.Bucket:
        stack, needs = self.stack, []
        more: dict[str, Any] = {}
        if stack.config.kms_key:
            needs = [self._let_encrypt(stack.config.kms_key)]
            more["encryption"] = gcp.storage.BucketEncryptionArgs(
                default_kms_key_name=stack.config.kms_key
            )
        return bucket(
            "images",
            stack,
            self.below(*needs, holds_data=True),
            called=stack.bucket,
            rules=list(self._lifecycle()),
            keeps_deleted_s=604_800,
            **more,
        )

    def _lifecycle(self) -> Iterator[Rule]:
        yield after_days(7, "AbortIncompleteMultipartUpload")
        if days := self.stack.config.images_expire_days:
            yield after_days(days)

    def _let_encrypt(self, key: str) -> pulumi.Resource:
        agent = gcp.storage.get_project_service_account_output(
            project=self.stack.project, opts=self.after_apis()
        )
        self.encrypts = agent.member
        target, kind = {"crypto_key_id": key}, gcp.kms.CryptoKeyIAMMember
        return grant(STORAGE_ENCRYPTS, kind, agent.member, target, self.below(), keep=True)

    def _subscribe(self) -> None:
        stack = self.stack
        project, location, exchange, listing = stack.config.listing.split("/")
        at = gcp.bigqueryanalyticshub
        subscription = at.ListingSubscription(
            "listing",
            project=project,  # of the listing: the linked dataset is in the destination's project
            location=location,
            data_exchange_id=exchange,
            listing_id=listing,
            destination_dataset=at.ListingSubscriptionDestinationDatasetArgs(
                location=stack.location,
                friendly_name="Imagery observations, for Sightline",
                labels=stack.labels,
                dataset_reference=at.ListingSubscriptionDestinationDatasetDatasetReferenceArgs(
                    project_id=stack.project, dataset_id=stack.listing_dataset
                ),
            ),
            # Labels of a linked dataset cannot change, and its name stays taken while it exists.
            opts=self.below(
                ignore_changes=["destinationDataset.labels"], delete_before_replace=True
            ),
        )
        producer = self._accounts.member(self._accounts.producer)
        target = {"project": stack.project, "dataset_id": stack.listing_dataset}
        grant(
            PRODUCER_READS_LISTING,
            gcp.bigquery.DatasetIamMember,
            producer,
            target,
            self.below(subscription),
        )

    def _source_is_ours(self) -> bool:
        """Return whether the source is a table on which this project can grant access."""
        project, dataset, _ = (self.stack.config.source or "..").split(".")
        return project == self.stack.project and dataset != self.stack.dataset

    def _open_source(self) -> None:
        _, dataset, table = self.stack.config.source.split(".")
        producer = self._accounts.member(self._accounts.producer)
        target = {"project": self.stack.project, "dataset_id": dataset, "table_id": table}
        grant(PRODUCER_READS_SOURCE, gcp.bigquery.IamMember, producer, target, self.below())
