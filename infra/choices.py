"""Every key of the configuration: its default, its meaning, and what it takes.

Standard library only, so that it is documented without Pulumi.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, field
from typing import Any, Literal, get_type_hints

NAMESPACE = "sightline"


def key(
    meaning: str, default: Any = MISSING, *, group: str, pattern: str = "", accepted: str = ""
) -> Any:
    """Declare a key: what it means, what a text must look like, and how that is said."""
    metadata = {"meaning": meaning, "group": group, "pattern": pattern, "accepted": accepted}
    return field(default=default, metadata=metadata)


_DATASET = r"[A-Za-z0-9_]{1,1024}"
_DATASET_SAID = "letters, digits and underscores"
_CRON = r"\S+( \S+){4}"
_CRON_SAID = "five fields of cron, `0 6 * * *` say"


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person chooses. A field ``image_bucket`` is the key ``sightline:imageBucket``."""

    project: str = key(
        "the project that everything is in and billed to",
        group="Place",
        pattern=r"[a-z][a-z0-9-]{4,28}[a-z0-9]",
        accepted="a project's id",
    )
    region: str = key(
        "where workers run and images are kept",
        "us-central1",
        group="Place",
        pattern=r"[a-z]+-[a-z]+[0-9]{1,2}",
        accepted="a region of Google Cloud, us-central1 say",
    )
    location: str = key(
        "where BigQuery keeps the ledgers: US, EU, or the region; empty is US in a region of the"
        " United States, EU in one of Europe, the region elsewhere",
        "",
        group="Place",
        pattern=r"US|EU|[a-z]+-[a-z]+[0-9]{1,2}|",
        accepted="US, EU, or the region",
    )
    labels: str = key(
        "labels on everything, besides those of the program: `team=roads,cost=1234`",
        "",
        group="Place",
    )
    listing: str = key(
        "the Imagery Insights listing to subscribe to: PROJECT/LOCATION/EXCHANGE/LISTING",
        "",
        group="Images",
        pattern=r"[\w.:-]+(/[\w.:-]+){3}|",
        accepted="PROJECT/LOCATION/EXCHANGE/LISTING, as the listing's page shows them",
    )
    listing_dataset: str = key(
        "the name of the dataset that the listing is linked as; empty is one named after the stack",
        "",
        group="Images",
        pattern=_DATASET + "|",
        accepted=_DATASET_SAID,
    )
    source: str = key(
        "the table of the observations, project.dataset.table; empty is `latest_observations` of"
        " the listing, or, with `notifyNewImages`, what arrived in the bucket",
        "",
        group="Images",
        pattern=r"[a-z0-9:.-]+\.\w+\.[\w-]+|",
        accepted="project.dataset.table",
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
    image_bucket: str = key(
        "a bucket of images that is there already; empty makes one",
        "",
        group="Images",
        pattern=r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]|",
        accepted="a bucket's name, without gs://",
    )
    grant_on_bucket: bool = key(
        "grant reading on `imageBucket`; false where its owner has to: the commands are an output",
        default=True,
        group="Images",
    )
    kms_key: str = key(
        "the key that encrypts the bucket that is made; empty is Google's own",
        "",
        group="Images",
        pattern=r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+|",
        accepted="projects/P/locations/L/keyRings/R/cryptoKeys/K",
    )
    images_expire_days: int = key(
        "after how many days images are removed from the bucket that is made; 0 is never",
        0,
        group="Images",
    )
    object_table: bool = key(
        "make an object table over the bucket, for BigQuery's own models", default=True,
        group="Images",
    )  # fmt: skip
    notify_new_images: bool = key(
        "let new objects in the bucket enqueue themselves: they are listed as they arrive, and"
        " the scheduled producer enqueues what is not done yet",
        default=False,
        group="Images",
    )
    dataset: str = key(
        "the dataset of the ledgers; empty is one named after the stack",
        "",
        group="Warehouse",
        pattern=_DATASET + "|",
        accepted=_DATASET_SAID,
    )
    make_dataset: bool = key(
        "make `dataset` and the ledgers in it; false where it is there already: then roles are"
        " granted on it, and `sightline setup` makes its tables",
        default=True,
        group="Warehouse",
    )
    models_dataset: str = key(
        "the dataset of the SQL engine's remote models, emptied on destroy; empty is one named"
        " after the stack",
        "",
        group="Warehouse",
        pattern=_DATASET + "|",
        accepted=_DATASET_SAID,
    )
    reservation_slots: int = key(
        "slots of BigQuery that are reserved at most, by autoscaling; 0 pays by bytes read",
        0,
        group="Warehouse",
    )
    classify_model: str = key(
        "the model that answers tasks",
        "gemini-3.5-flash-lite",
        group="Models",
        pattern=r"[a-z0-9@.-]+",
        accepted="a model's name",
    )
    embed_model: str = key(
        "the model that embeds",
        "gemini-embedding-2",
        group="Models",
        pattern=r"[a-z0-9@.-]+",
        accepted="a model's name",
    )
    embed_dimension: int = key("how many numbers a vector has", 768, group="Models")
    model_location: str = key(
        "where the models are asked: us, eu, global, or a region",
        "global",
        group="Models",
        pattern=r"us|eu|global|[a-z]+-[a-z]+[0-9]{1,2}",
        accepted="us, eu, global, or a region",
    )
    embed_location: str = key(
        "where the model that embeds is asked; empty is the same location",
        "",
        group="Models",
        pattern=r"us|eu|global|[a-z]+-[a-z]+[0-9]{1,2}|",
        accepted="us, eu, global, or a region",
    )
    retention_days: int = key(
        "for how many days Pub/Sub keeps a message that nobody settles", 7, group="Queue"
    )
    message_schema: bool = key(
        "let Pub/Sub refuse messages that are not in the form of version 1", default=False,
        group="Queue",
    )  # fmt: skip
    results_topic: bool = key(
        "make a topic for results, which a continuous query of yours may fill", default=False,
        group="Queue",
    )  # fmt: skip
    fleet: Literal["worker-pool", "job", "gke", "none"] = key(
        "what runs the workers: a Cloud Run worker pool (always on), a Cloud Run job (drains the"
        " backlog and ends), GKE Autopilot (scales on the backlog), or nothing here",
        "worker-pool",
        group="Fleet",
    )
    image: str = key(
        "the container image of workers and producer; while it is empty, nothing that needs it is"
        " made",
        "",
        group="Fleet",
        pattern=r"[a-z0-9][a-z0-9.:-]*(/[a-z0-9._-]+)+(:[\w.-]+)?(@sha256:[0-9a-f]{64})?|",
        accepted="REGISTRY/PATH:TAG or REGISTRY/PATH@sha256:DIGEST",
    )
    workers: int = key(
        "workers of the pool; tasks of the job; pods on GKE at most", 1, group="Fleet"
    )
    parallelism: int = key("tasks of the job that run at once; 0 is all of them", 0, group="Fleet")
    cpu: str = key(
        "processors of a worker",
        "1",
        group="Fleet",
        pattern=r"1|2|4|6|8",
        accepted="1, 2, 4, 6 or 8",
    )
    memory: str = key(
        "memory of a worker",
        "2Gi",
        group="Fleet",
        pattern=r"(512|1024|2048|4096)Mi|([1-9]|[12][0-9]|3[0-2])Gi",
        accepted="512Mi to 32Gi",
    )
    task_timeout_s: int = key(
        "after how many seconds a task of the job is stopped; its messages come again",
        86_400,
        group="Fleet",
    )
    grace_s: int = key(
        "seconds that a stopping worker goes on with what it has in hand; Cloud Run allows 10",
        8,
        group="Fleet",
    )
    backlog_per_worker: int = key(
        "messages for which the autoscaler of GKE adds a pod", 2000, group="Fleet"
    )
    drain_schedule: str = key(
        "when the job of the workers is started; empty is by hand",
        "",
        group="Fleet",
        pattern=_CRON + "|",
        accepted=_CRON_SAID,
    )
    producer_schedule: str = key(
        "when the producer enqueues what is not done yet; empty is by hand",
        "",
        group="Fleet",
        pattern=_CRON + "|",
        accepted=_CRON_SAID,
    )
    producer_arguments: str = key(
        "arguments of `sightline enqueue` for the producer: `--asset-type road_sign --max-cost 20`",
        "",
        group="Fleet",
    )
    collector_image: str = key(
        "an OpenTelemetry collector beside each worker of the pool, for the workers' own"
        " numbers on the dashboard; empty is none; GKE collects them itself",
        "",
        group="Watch",
        pattern=r"[a-z0-9][a-z0-9.:-]*(/[a-z0-9._-]+)+(:[\w.-]+)?(@sha256:[0-9a-f]{64})?|",
        accepted="REGISTRY/PATH:TAG or REGISTRY/PATH@sha256:DIGEST",
    )
    alert_email: str = key(
        "who is told of alerts; empty is nobody, and alerts are seen in the console alone",
        "",
        group="Watch",
        pattern=r"[^@\s]+@[^@\s]+\.[^@\s]+|",
        accepted="an address, roads@example.com say",
    )
    backlog_alert_s: int = key(
        "how old, in seconds, the oldest message may get before an alert", 21_600, group="Watch"
    )
    billing_account: str = key(
        "the billing account, for the budget",
        "",
        group="Watch",
        pattern=r"[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}|",
        accepted="XXXXXX-XXXXXX-XXXXXX",
    )
    budget_usd: int = key(
        "what the project may cost a month, in US dollars, before somebody is told; 0 is no budget",
        0,
        group="Watch",
    )
    runbook_url: str = key(
        "where the runbooks are read, `https://…/docs/runbooks`; alerts link to them",
        "",
        group="Watch",
        pattern=r"https://\S+|",
        accepted="a URL that begins with https://",
    )
    deletion_protection: bool = key(
        "let neither Pulumi nor Google's services remove what holds data", default=True,
        group="Life and death",
    )  # fmt: skip
    keep_data: bool = key(
        "leave ledgers and images in place when the stack is destroyed", default=False,
        group="Life and death",
    )  # fmt: skip
    guardrails: Literal["stop", "warn"] = key(
        "what a broken guard rail does: stop the preview, or only say so",
        "stop",
        group="Life and death",
    )


def key_name(one: Field[Any] | str) -> str:
    """Return a field's key: ``image_bucket`` is ``imageBucket``."""
    head, *tail = (one if isinstance(one, str) else one.name).split("_")
    return head + "".join(word.capitalize() for word in tail)


def key_kind(one: Field[Any]) -> Any:
    """Return the type of a field."""
    return get_type_hints(Choices)[one.name]


def refusal(name: str, value: object, accepted: str) -> str:
    """Return the sentence that refuses a value."""
    return f"{NAMESPACE}:{key_name(name)} = {value!r} is not accepted; accepted: {accepted}"
