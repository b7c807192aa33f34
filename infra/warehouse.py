"""The warehouse: dataset, ledgers and views, the connection to models, the images as a table.

Tables and views come from ``sightline.schema``, as in ``sightline setup``, which also creates the
typed views of tasks: these depend on the task files, not on the stack.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_gcp as gcp

from infra.accounts import Accounts
from infra.entity import Entity
from infra.landing import READER, Landing
from infra.roles import Role, account, grant
from infra.services import Services
from infra.stack import Stack
from sightline.schema import (
    LEDGERS,
    VIEWS,
    Ledger,
    View,
    bigquery_schema,
    embeddings_ledger,
    vector_views,
)

EDITOR = "roles/bigquery.dataEditor"

WORKER_WRITES = Role(
    "worker-writes", "worker", EDITOR, "the dataset of the ledgers",
    "appends results and dead letters, and reads settled parts",
)  # fmt: skip
PRODUCER_WRITES = Role(
    "producer-writes", "producer", EDITOR, "the dataset of the ledgers",
    "writes runs and work lists; creates tables of vectors, and the tables that are its locks",
)  # fmt: skip
PRODUCER_MAKES_MODELS = Role(
    "producer-makes-models", "producer", EDITOR, "the dataset of remote models",
    "the SQL engine creates its remote models there",
)  # fmt: skip
PRODUCER_CONNECTS = Role(
    "producer-connects", "producer", "roles/bigquery.connectionUser", "the connection",
    "the SQL engine's statements call models through it",
)  # fmt: skip
CONNECTION_ASKS_MODELS = Role(
    "connection-asks-models", "the connection's account", "roles/aiplatform.user", "the project",
    "remote models are called with this account; Google's models have no policy of their own",
)  # fmt: skip
CONNECTION_READS_IMAGES = Role(
    "connection-reads-images", "the connection's account", READER, "the bucket of images",
    "the object table lists and reads images as this account", "the bucket's owner allows it",
)  # fmt: skip
GRANTS = (
    WORKER_WRITES, PRODUCER_WRITES, PRODUCER_MAKES_MODELS, PRODUCER_CONNECTS,
    CONNECTION_ASKS_MODELS, CONNECTION_READS_IMAGES,
)  # fmt: skip


class Warehouse(Entity):
    """The ledgers are protected, or kept, as configured; remote models are neither."""

    def __init__(
        self, stack: Stack, services: Services, accounts: Accounts, landing: Landing, **more: Any
    ) -> None:
        super().__init__("warehouse", stack, needs=services.enabled, **more)
        self._landing = landing
        self.dataset_id: pulumi.Input[str] = stack.dataset
        self.models_dataset = self._models_dataset()
        if stack.config.make_dataset:
            self.dataset_id = self._dataset().dataset_id
            self._tables()
        self.connection = self._connection(accounts)
        worker, producer = (
            accounts.member(account) for account in (accounts.worker, accounts.producer)
        )
        self._on_dataset(WORKER_WRITES, self.dataset_id, worker)
        self._on_dataset(PRODUCER_WRITES, self.dataset_id, producer)
        self._on_dataset(PRODUCER_MAKES_MODELS, self.models_dataset.dataset_id, producer)
        if stack.config.reservation_slots:
            self._reserve(stack.config.reservation_slots)
        self.register_outputs({})

    def _dataset(self) -> gcp.bigquery.Dataset:
        stack = self.stack
        return gcp.bigquery.Dataset(
            "ledgers",
            project=stack.project,
            dataset_id=stack.dataset,
            location=stack.location,
            friendly_name="Sightline",
            description="Ledgers and views of Sightline: answers, vectors, runs, dead letters",
            labels=stack.labels,
            delete_contents_on_destroy=not stack.protects,
            opts=self.below(holds_data=True),
        )

    def _models_dataset(self) -> gcp.bigquery.Dataset:
        stack = self.stack
        return gcp.bigquery.Dataset(
            "models",
            project=stack.project,
            dataset_id=stack.models_dataset,
            location=stack.location,
            friendly_name="Sightline's remote models",
            description="Remote models created by the SQL engine's statements; nothing to keep",
            labels=stack.labels,
            delete_contents_on_destroy=True,
            opts=self.below(),
        )

    def _tables(self) -> None:
        chosen = self.stack.config
        vectors = embeddings_ledger(chosen.embed_model, chosen.embed_dimension)
        over_vectors = vector_views([vectors.name])
        tables: dict[str, pulumi.Resource] = {
            ledger.name: self._table(ledger) for ledger in LEDGERS
        }
        # The first model's only: the producer creates the tables of other models.
        tables[vectors.name] = self._table(
            vectors, name="vectors", ignore_changes=["table_id", "description"]
        )
        names = {name: self._quoted(name) for name in tables}
        names |= {view.name: self._quoted(view.name) for view in (*VIEWS, *over_vectors)}
        for view in VIEWS:
            tables[view.name] = self._view(view, names, tables)
        for view in over_vectors:
            name = "vectors-all" if view.name.startswith(vectors.name) else ""
            # The producer and `sightline setup` let them show the vectors of other models too.
            tables[view.name] = self._view(
                view, names, tables, name=name, ignore_changes=["table_id", "view"]
            )
        self.tables: Mapping[str, pulumi.Resource] = tables

    def _quoted(self, name: str) -> str:
        return f"`{self.stack.project}.{self.stack.dataset}.{name}`"

    def _table(self, ledger: Ledger, name: str = "", **more: Any) -> gcp.bigquery.Table:
        stack = self.stack
        partitions = gcp.bigquery.TableTimePartitioningArgs(type="DAY", field=ledger.partition_by)
        return gcp.bigquery.Table(
            name or ledger.name.replace("_", "-"),
            project=stack.project,
            dataset_id=self.dataset_id,
            table_id=ledger.name,
            description=ledger.description,
            labels=stack.labels,
            schema=json.dumps(bigquery_schema(ledger)),
            time_partitioning=partitions if ledger.partition_by else None,
            clusterings=list(ledger.cluster_by) or None,
            deletion_protection=stack.protects,
            opts=self.below(holds_data=True, **more),
        )

    def _view(
        self,
        view: View,
        names: Mapping[str, str],
        tables: Mapping[str, pulumi.Resource],
        name: str = "",
        **more: Any,
    ) -> gcp.bigquery.Table:
        after = [tables[name] for name in _read_by(view.select, tables)]
        return gcp.bigquery.Table(
            f"view-{name or view.name.replace('_', '-')}",
            project=self.stack.project,
            dataset_id=self.dataset_id,
            table_id=view.name,
            description=view.description,
            labels=self.stack.labels,
            view=gcp.bigquery.TableViewArgs(query=view.sql(names), use_legacy_sql=False),
            deletion_protection=False,
            opts=self.below(*after, retain_on_delete=self.stack.config.keep_data, **more),
        )

    def _connection(self, accounts: Accounts) -> gcp.bigquery.Connection:
        stack = self.stack
        connection = gcp.bigquery.Connection(
            "connection",
            project=stack.project,
            connection_id=stack.names.of("models"),
            location=stack.location,
            friendly_name="Sightline",
            description="Calls models and reads images for statements",
            cloud_resource=gcp.bigquery.ConnectionCloudResourceArgs(),
            opts=self.below(),
        )
        self.connection_member = account(
            connection.cloud_resource.apply(
                lambda query: (query.service_account_id if query else None) or ""
            )
        )
        target: dict[str, Any] = {"project": stack.project}
        at_connection = {
            **target,
            "location": stack.location,
            "connection_id": connection.connection_id,
        }
        producer = accounts.member(accounts.producer)
        kind = gcp.bigquery.ConnectionIamMember
        grant(PRODUCER_CONNECTS, kind, producer, at_connection, self.below())
        asks = gcp.projects.IAMMember
        grant(CONNECTION_ASKS_MODELS, asks, self.connection_member, target, self.below())
        if stack.grants_on_bucket:
            self._landing.let_read(CONNECTION_READS_IMAGES, self.connection_member)
            if stack.config.object_table:
                self._object_table(connection)
        return connection

    def _object_table(self, connection: gcp.bigquery.Connection) -> None:
        external = gcp.bigquery.TableExternalDataConfigurationArgs(
            autodetect=False,
            connection_id=connection.name,
            object_metadata="SIMPLE",
            source_uris=[pulumi.Output.concat("gs://", self._landing.bucket, "/*")],
            metadata_cache_mode="AUTOMATIC",
        )
        gcp.bigquery.Table(
            "images-table",
            project=self.stack.project,
            dataset_id=self.dataset_id,
            table_id="images",
            description="The images of the bucket, one row each, for BigQuery's own models",
            labels=self.stack.labels,
            external_data_configuration=external,
            max_staleness="0-0 0 4:0:0",
            deletion_protection=False,
            opts=self.below(*self._landing.grants_to_read),
        )

    def _reserve(self, slots: int) -> None:
        stack = self.stack
        reservation = gcp.bigquery.Reservation(
            "slots",
            project=stack.project,
            name=stack.names.of("slots"),
            location=stack.location,
            edition="ENTERPRISE",
            slot_capacity=0,
            autoscale=gcp.bigquery.ReservationAutoscaleArgs(max_slots=slots),
            labels=stack.labels,
            opts=self.below(),
        )
        gcp.bigquery.ReservationAssignment(
            "slots-for-queries",
            project=stack.project,
            location=stack.location,
            reservation=reservation.id,
            assignee=f"projects/{stack.project}",
            job_type="QUERY",
            opts=self.below(),
        )

    def _on_dataset(
        self, role: Role, dataset_id: pulumi.Input[str], who: pulumi.Input[str]
    ) -> None:
        target = {"project": self.stack.project, "dataset_id": dataset_id}
        grant(role, gcp.bigquery.DatasetIamMember, who, target, self.below())


def _read_by(select: str, tables: Mapping[str, pulumi.Resource]) -> list[str]:
    return [name for name in tables if f"{{{name}}}" in select]
