"""Every key of the configuration: its default, its meaning, and its accepted values.

Without Pulumi, so that the documentation can be generated without it; declared like the settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from infra.text_kinds import (
    BillingAccount,
    BucketName,
    Cron,
    DatasetName,
    EmbedLocation,
    ImageName,
    KmsKey,
    ListingName,
    Location,
    MailAddress,
    Memory,
    ModelLocation,
    ModelName,
    PageUrl,
    Processors,
    ProjectId,
    Region,
    TableName,
)
from sightline.settings.fields import STRICT, fields_of

NAMESPACE = "sightline"


def key(
    meaning: str,
    default: Any = PydanticUndefined,
    *,
    group: str,
    ge: int | None = None,
    le: int | None = None,
) -> Any:
    """Declare a key: its meaning, and a number's minimum and maximum."""
    return Field(
        default=default, ge=ge, le=le, description=meaning, json_schema_extra={"group": group}
    )


@dataclass(frozen=True, slots=True, config=STRICT)
class StackConfig:
    """The configuration of a stack; the field ``image_bucket`` is ``sightline:imageBucket``."""

    project: ProjectId = key(
        "the project that contains all resources and is billed for them",
        group="Place",
    )
    region: Region = key(
        "where workers run, and where their container images are",
        "us-central1",
        group="Place",
    )
    location: Location = key(
        "where BigQuery keeps the ledgers: US, EU, or the region; if empty, US in a region of the"
        " United States, EU in one of Europe, the region elsewhere",
        "",
        group="Place",
    )
    labels: str = key(
        "labels on everything, besides those of the program: `team=roads,cost=1234`",
        "",
        group="Place",
    )
    listing: ListingName = key(
        "the Imagery Insights listing to subscribe to: PROJECT/LOCATION/EXCHANGE/LISTING",
        "",
        group="Images",
    )
    listing_dataset: DatasetName = key(
        "the name of the dataset that the listing is linked as; if empty, it is named after the"
        " stack",
        "",
        group="Images",
    )
    source: TableName = key(
        "the table of the observations, project.dataset.table; if empty, `latest_observations` of"
        " the listing, or, with `notifyNewImages`, the objects that arrived in the bucket",
        "",
        group="Images",
    )
    source_layout: Literal[
        "latest_observations",
        "all_observations",
        "cropped_observations_latest",
        "cropped_observations_all",
        "full_frame_observations_latest",
        "full_frame_observations_all",
        "pano_observations_latest",
        "pano_observations_all",
    ] = key("how the columns of the source are named", "latest_observations", group="Images")
    image_bucket: BucketName = key(
        "an existing bucket of images; if empty, one is created",
        "",
        group="Images",
    )
    grant_on_bucket: bool = key(
        "grant read access to `imageBucket`; false if its owner has to: the commands are an output",
        default=True,
        group="Images",
    )
    kms_key: KmsKey = key(
        "the key that encrypts the bucket that is created; if empty, Google's own",
        "",
        group="Images",
    )
    images_expire_days: int = key(
        "after how many days images are deleted from the bucket that is created; 0 means never",
        0,
        group="Images",
        ge=0,
        le=3650,
    )
    object_table: bool = key(
        "create an object table over the bucket, for BigQuery's own models", default=True,
        group="Images",
    )  # fmt: skip
    notify_new_images: bool = key(
        "enqueue new objects in the bucket automatically: they are listed as they arrive, and"
        " the scheduled producer enqueues what is not done yet",
        default=False,
        group="Images",
    )
    dataset: DatasetName = key(
        "the dataset of the ledgers; if empty, it is named after the stack",
        "",
        group="Warehouse",
    )
    make_dataset: bool = key(
        "create `dataset` and the ledgers in it; false if it already exists: then roles are"
        " granted on it, and `sightline setup` creates its tables",
        default=True,
        group="Warehouse",
    )
    models_dataset: DatasetName = key(
        "the dataset of the SQL engine's remote models, emptied on destroy; if empty, it is"
        " named after the stack",
        "",
        group="Warehouse",
    )
    reservation_slots: int = key(
        "the most slots of BigQuery that autoscaling reserves; 0 pays by bytes read",
        0,
        group="Warehouse",
        ge=0,
        le=10_000,
    )
    classify_model: ModelName = key(
        "the model that answers tasks",
        "gemini-3.5-flash-lite",
        group="Models",
    )
    embed_model: ModelName = key(
        "the model that embeds",
        "gemini-embedding-2",
        group="Models",
    )
    embed_dimension: int = key(
        "how many numbers a vector has",
        768,
        group="Models",
        ge=128,
        le=3072,
    )
    model_location: ModelLocation = key(
        "where the models are called: us, eu, global, or a region",
        "global",
        group="Models",
    )
    embed_location: EmbedLocation = key(
        "where the model that embeds is called; if empty, the same location",
        "",
        group="Models",
    )
    retention_days: int = key(
        "for how many days Pub/Sub keeps an unsettled message",
        7,
        group="Queue",
        ge=1,
        le=31,
    )
    message_schema: bool = key(
        "let Pub/Sub refuse messages that are not in the form of version 1", default=False,
        group="Queue",
    )  # fmt: skip
    results_topic: bool = key(
        "create a topic for results, which a continuous query of yours may fill", default=False,
        group="Queue",
    )  # fmt: skip
    fleet: Literal["worker-pool", "job", "gke", "none"] = key(
        "what runs the workers: a Cloud Run worker pool (always on), a Cloud Run job (drains the"
        " backlog and ends), GKE Autopilot (scales on the backlog), or nothing here",
        "worker-pool",
        group="Fleet",
    )
    image: ImageName = key(
        "the container image of workers and producer; while it is empty, nothing that needs it is"
        " created",
        "",
        group="Fleet",
    )
    workers: int = key(
        "workers of the pool; tasks of the job; the most pods on GKE",
        1,
        group="Fleet",
        ge=1,
        le=1000,
    )
    parallelism: int = key(
        "tasks of the job that run at once; 0 means all of them",
        0,
        group="Fleet",
        ge=0,
        le=1000,
    )
    cpu: Processors = key(
        "processors of a worker",
        "1",
        group="Fleet",
    )
    memory: Memory = key(
        "memory of a worker",
        "2Gi",
        group="Fleet",
    )
    task_timeout_s: int = key(
        "after how many seconds a task of the job is stopped; its messages are delivered again",
        86_400,
        group="Fleet",
        ge=60,
        le=604_800,
    )
    grace_s: int = key(
        "seconds for which a stopping worker continues with messages in progress; Cloud Run allows"
        " 10",
        8,
        group="Fleet",
        ge=1,
        le=540,
    )
    backlog_per_worker: int = key(
        "messages for which the autoscaler of GKE adds a pod",
        2000,
        group="Fleet",
        ge=1,
        le=1_000_000,
    )
    drain_schedule: Cron = key(
        "when the job of the workers is started; if empty, by hand",
        "",
        group="Fleet",
    )
    producer_schedule: Cron = key(
        "when the producer enqueues what is not done yet; if empty, by hand",
        "",
        group="Fleet",
    )
    producer_arguments: str = key(
        "arguments of `sightline enqueue` for the producer: `--asset-type road_sign --max-cost 20`",
        "",
        group="Fleet",
    )
    collector_image: ImageName = key(
        "an OpenTelemetry collector beside each worker of the pool, for the workers' own"
        " metrics on the dashboard; if empty, no collector runs; GKE collects them itself",
        "",
        group="Monitoring",
    )
    alert_email: MailAddress = key(
        "the address that receives alerts; if empty, alerts appear only in the console",
        "",
        group="Monitoring",
    )
    backlog_alert_s: int = key(
        "how old, in seconds, the oldest message may get before an alert",
        21_600,
        group="Monitoring",
        ge=60,
        le=604_800,
    )
    billing_account: BillingAccount = key(
        "the billing account, for the budget",
        "",
        group="Monitoring",
    )
    budget_usd: int = key(
        "the monthly cost in US dollars at which a notification is sent; 0 means no budget",
        0,
        group="Monitoring",
        ge=0,
        le=10_000_000,
    )
    runbook_url: PageUrl = key(
        "where the runbooks are published, `https://…/docs/runbooks`; alerts link to them",
        "",
        group="Monitoring",
    )
    deletion_protection: bool = key(
        "let neither Pulumi nor Google's services delete what holds data", default=True,
        group="Protection and deletion",
    )  # fmt: skip
    keep_data: bool = key(
        "leave ledgers and images in place when the stack is destroyed", default=False,
        group="Protection and deletion",
    )  # fmt: skip
    guardrails: Literal["stop", "warn"] = key(
        "what a broken guard rail does: stop the preview, or only report it",
        "stop",
        group="Protection and deletion",
    )


KEYS: Mapping[str, FieldInfo] = fields_of(StackConfig)
"""Every key, by the name of its field."""


def key_name(field: str) -> str:
    """Return a field's key: ``image_bucket`` is ``imageBucket``."""
    head, *tail = field.split("_")
    return head + "".join(word.capitalize() for word in tail)


def refusal(name: str, value: object, accepted: str) -> str:
    """Return the sentence that refuses a value."""
    return refused(name, repr(value), accepted)


def refused(name: str, value_text: str, accepted: str) -> str:
    """Return the sentence that refuses a value, of which ``value_text`` may be shown."""
    return f"{NAMESPACE}:{key_name(name)} = {value_text} is not accepted; accepted: {accepted}"
