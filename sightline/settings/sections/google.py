"""Settings of Google Cloud: the project, BigQuery and its models, batch jobs, Pub/Sub, buckets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from sightline.settings.endpoints import Address, Url
from sightline.settings.fields import STRICT

_LONGEST_LOOK_S = 86_400


@dataclass(frozen=True, slots=True, config=STRICT)
class GcpSettings:
    """The project, and the identity for it."""

    project: str = Field(
        default="", description="the project that contains all resources and is billed for them"
    )
    impersonate: str = Field(
        default="",
        description="the service account to act as, by its address; your own credentials need"
        " `roles/iam.serviceAccountTokenCreator` on it",
    )
    endpoint: Url = Field(
        default="",
        description="URL of a stand-in for the APIs that `sightline doctor --cloud` asks; the host"
        " of each is the first part of a request's path",
    )


@dataclass(frozen=True, slots=True, config=STRICT)
class BigQuerySettings:
    """The dataset of the ledgers, and the table of the observations with its column names."""

    dataset: str = Field(default="sightline", description="the dataset of the ledgers")
    location: str = Field(
        default="US", description="where it is; the source must be in the same place"
    )
    source: str = Field(
        default="", description="the table of the observations, as `project.dataset.table`"
    )
    layout: Literal[
        "latest_observations",
        "all_observations",
        "cropped_observations_latest",
        "cropped_observations_all",
        "full_frame_observations_latest",
        "full_frame_observations_all",
        "pano_observations_latest",
        "pano_observations_all",
    ] = Field(
        default="latest_observations",
        description="which table of the dataset it is: one of the latest observations, or one of"
        " all snapshots",
    )
    columns: Mapping[str, str] = Field(
        default_factory=dict,
        description="columns of the source that have other names: ours to theirs, such as"
        ' `asset_id = "properties.asset"`; an empty one means that the source has none',
    )
    max_gb_billed: float = Field(
        default=100.0,
        ge=0.01,
        le=1_000_000,
        description="the most that one query may read, in GiB; a query that would read more is"
        " refused",
    )
    endpoint: Url = Field(default="", description="URL of an emulator")
    storage_endpoint: Address = Field(
        default="", description="host and port of an emulator's Storage APIs"
    )
    hub_endpoint: Url = Field(
        default="",
        description="URL of a stand-in for Analytics Hub, which `sightline subscribe` asks",
    )


@dataclass(frozen=True, slots=True, config=STRICT)
class SqlSettings:
    """How BigQuery itself calls models."""

    connection: str = Field(
        default="",
        description="the connection through which BigQuery calls models, as"
        " `project.location.connection`",
    )
    models_dataset: str = Field(
        default="",
        description="the dataset of remote models, and of the responses of models until they"
        " are in the ledgers; empty is the ledgers' with `_models` after it",
    )
    object_table: str = Field(
        default="",
        description="an object table over the images, as `project.dataset.table`; empty makes"
        " references of their URIs, which needs none",
    )
    answers: Literal["AI.GENERATE_TEXT", "AI.GENERATE", "ML.GENERATE_TEXT"] = Field(
        default="AI.GENERATE_TEXT",
        description="the function that returns answers; `AI.GENERATE` needs no remote model,"
        " `ML.GENERATE_TEXT` is older",
    )
    embeddings: Literal["AI.GENERATE_EMBEDDING", "ML.GENERATE_EMBEDDING"] = Field(
        default="AI.GENERATE_EMBEDDING",
        description="the function that embeds; `ML.GENERATE_EMBEDDING` is older",
    )
    parts_a_statement: int = Field(
        default=10_000, ge=1, le=25_000, description="the most parts in one statement"
    )
    look_every_s: float = Field(
        default=2.0,
        ge=0.01,
        le=_LONGEST_LOOK_S,
        description="how often the state of a running statement is read",
    )


@dataclass(frozen=True, slots=True, config=STRICT)
class BatchSettings:
    """Jobs of batch prediction."""

    bucket: str = Field(
        default="",
        description="where requests and outputs of batch jobs are stored, as `gs://bucket/prefix`;"
        " empty is `sightline-batch` in `gcs.bucket`",
    )
    requests_a_job: int = Field(
        default=20_000, ge=1, le=200_000, description="the most parts in one job"
    )
    look_every_s: float = Field(
        default=30.0,
        ge=0.01,
        le=_LONGEST_LOOK_S,
        description="how often the state of a running job is read",
    )


@dataclass(frozen=True, slots=True, config=STRICT)
class PubSubSettings:
    """The topic and the subscriptions, by their short names."""

    topic: str = Field(default="sightline-work", description="where messages are published")
    subscription: str = Field(default="sightline-work", description="where workers lease them")
    dead_letter_topic: str = Field(
        default="sightline-work-abandoned",
        description="where Pub/Sub puts messages that it no longer delivers",
    )
    dead_letter_subscription: str = Field(
        default="sightline-work-abandoned",
        description="where workers read these; empty for none",
    )
    endpoint: Address = Field(default="", description="host and port of an emulator")


@dataclass(frozen=True, slots=True, config=STRICT)
class GcsSettings:
    """The bucket of the images."""

    bucket: str = Field(default="", description="the bucket of your own images")
    endpoint: Url = Field(default="", description="URL of an emulator")
