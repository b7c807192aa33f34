"""New objects are enqueued automatically: the bucket notifies a topic, and BigQuery lists them.

A view over the list has the columns of ``latest_observations``, so that the scheduled producer
finds new work as in any other source. No other program has to run in between.
"""

from __future__ import annotations

import json
from typing import Any

import pulumi
import pulumi_gcp as gcp

from infra.entity import Entity
from infra.landing import Landing
from infra.messaging import DAY_S, NEVER
from infra.roles import Role, grant
from infra.services import Services
from infra.stack import Stack
from infra.warehouse import Warehouse

BUCKET_TELLS = Role(
    "bucket-tells", "Cloud Storage's service agent", "roles/pubsub.publisher",
    "the topic of arrivals", "publishes notifications of new objects", "`notifyNewImages` is true",
)  # fmt: skip
AGENT_LISTS = Role(
    "agent-lists", "Pub/Sub's service agent", "roles/bigquery.dataEditor", "the table of arrivals",
    "writes one row for each new object", "`notifyNewImages` is true",
)  # fmt: skip
GRANTS = (BUCKET_TELLS, AGENT_LISTS)

TABLE = "arrivals"
VIEW = "arrivals_observations"
COLUMNS = (
    ("subscription_name", "STRING"),
    ("message_id", "STRING"),
    ("publish_time", "TIMESTAMP"),
    ("data", "STRING"),
    ("attributes", "STRING"),
)
"""The columns that Pub/Sub writes for a message with its metadata."""

SELECT = r"""
SELECT
  COALESCE(REGEXP_EXTRACT(object, r'/[^/]+/v0/([^/]+)\.[^./]+$'), REGEXP_EXTRACT(object, r'^(.+)\.[^./]+$')) AS observation_id,
  JSON_VALUE(data, '$.metadata.asset_id') AS asset_id,
  REGEXP_EXTRACT(object, r'([^/]+)/v0/[^/]+$') AS snapshot_id,
  JSON_VALUE(data, '$.metadata.asset_type') AS asset_type,
  STRUCT(
    SAFE_CAST(JSON_VALUE(data, '$.metadata.latitude') AS FLOAT64) AS latitude,
    SAFE_CAST(JSON_VALUE(data, '$.metadata.longitude') AS FLOAT64) AS longitude) AS location,
  SAFE_CAST(JSON_VALUE(data, '$.metadata.capture_time') AS TIMESTAMP) AS capture_time,
  CAST(NULL AS TIMESTAMP) AS detection_time,
  CAST(NULL AS STRUCT<lo STRUCT<x FLOAT64, y FLOAT64>, hi STRUCT<x FLOAT64, y FLOAT64>>) AS bbox,
  CAST(NULL AS STRUCT<latitude FLOAT64, longitude FLOAT64, altitude FLOAT64, pitch FLOAT64, heading FLOAT64, roll FLOAT64>) AS camera_pose,
  CONCAT('gs://', bucket, '/', object) AS gcs_uri,
  CAST(NULL AS STRING) AS map_url
FROM (
  SELECT
    data,
    publish_time,
    JSON_VALUE(attributes, '$.bucketId') AS bucket,
    JSON_VALUE(attributes, '$.objectId') AS object
  FROM {arrivals}
  WHERE JSON_VALUE(attributes, '$.eventType') = 'OBJECT_FINALIZE'
)
WHERE REGEXP_CONTAINS(LOWER(object), r'\.(jpe?g|png|webp|heic|heif)$')
QUALIFY ROW_NUMBER() OVER (PARTITION BY bucket, object ORDER BY publish_time DESC) = 1
"""  # noqa: E501 - types of BigQuery stand better on one line


class Arrivals(Entity):
    """Topic, notification, table and view of new objects."""

    def __init__(
        self,
        stack: Stack,
        services: Services,
        landing: Landing,
        warehouse: Warehouse,
        **more: Any,
    ) -> None:
        super().__init__("arrivals", stack, needs=services.enabled, **more)
        self._warehouse = warehouse
        self.topic = gcp.pubsub.Topic(
            "arrivals-topic",
            project=stack.project,
            name=stack.names.of("arrivals"),
            labels=stack.labels,
            message_retention_duration=f"{stack.config.retention_days * DAY_S}s",
            opts=self.below(),
        )
        self._notify(landing)
        table = self._table()
        self._list(table, services)
        self._view(table)
        self.register_outputs({})

    def _notify(self, landing: Landing) -> None:
        stack = self.stack
        agent = gcp.storage.get_project_service_account_output(
            project=stack.project, opts=self.after_apis()
        )
        target = {"project": stack.project, "topic": self.topic.name}
        kind = gcp.pubsub.TopicIAMMember
        topic_grant = grant(BUCKET_TELLS, kind, agent.member, target, self.below())
        gcp.storage.Notification(
            "arrivals-notification",
            bucket=landing.bucket,
            topic=self.topic.id,
            payload_format="JSON_API_V1",
            event_types=["OBJECT_FINALIZE"],
            opts=self.below(topic_grant),
        )

    def _table(self) -> gcp.bigquery.Table:
        columns = [{"name": name, "type": kind, "mode": "NULLABLE"} for name, kind in COLUMNS]
        return gcp.bigquery.Table(
            "arrivals",
            project=self.stack.project,
            dataset_id=self._warehouse.dataset_id,
            table_id=TABLE,
            description="Notifications of new objects in the bucket",
            labels=self.stack.labels,
            schema=json.dumps(columns),
            time_partitioning=gcp.bigquery.TableTimePartitioningArgs(
                type="DAY", field="publish_time"
            ),
            deletion_protection=self.stack.protects,
            opts=self.below(holds_data=True),
        )

    def _list(self, table: gcp.bigquery.Table, services: Services) -> None:
        stack = self.stack
        target = {
            "project": stack.project,
            "dataset_id": self._warehouse.dataset_id,
            "table_id": table.table_id,
        }
        kind = gcp.bigquery.IamMember
        may_list = grant(AGENT_LISTS, kind, services.pubsub_agent, target, self.below())
        gcp.pubsub.Subscription(
            "arrivals-subscription",
            project=stack.project,
            name=stack.names.of("arrivals"),
            topic=self.topic.id,
            labels=stack.labels,
            message_retention_duration=f"{stack.config.retention_days * DAY_S}s",
            expiration_policy=gcp.pubsub.SubscriptionExpirationPolicyArgs(ttl=NEVER),
            bigquery_config=gcp.pubsub.SubscriptionBigqueryConfigArgs(
                table=pulumi.Output.concat(stack.project, ".", stack.dataset, ".", table.table_id),
                write_metadata=True,
            ),
            opts=self.below(may_list),
        )

    def _view(self, table: gcp.bigquery.Table) -> None:
        stack = self.stack
        arrivals = f"`{stack.project}.{stack.dataset}.{TABLE}`"
        gcp.bigquery.Table(
            "view-arrivals-observations",
            project=stack.project,
            dataset_id=self._warehouse.dataset_id,
            table_id=VIEW,
            description="The new objects, in the columns of latest_observations",
            labels=stack.labels,
            view=gcp.bigquery.TableViewArgs(
                query=SELECT.replace("{arrivals}", arrivals), use_legacy_sql=False
            ),
            deletion_protection=False,
            opts=self.below(table, retain_on_delete=stack.config.keep_data),
        )
