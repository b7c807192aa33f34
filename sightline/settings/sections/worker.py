"""Settings of workers (leasing, writing, stopping), of work lists, and of images."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator
from pydantic.dataclasses import dataclass

from sightline.settings.fields import STRICT, Checked, broken_rule

WEEK_S = 604_800
MANY = 1_000_000
"""A number from here on is no limit in practice."""


@dataclass(frozen=True, slots=True, config=STRICT)
class WorkerSettings:
    """How a worker leases, writes and stops. Times are in seconds."""

    max_outstanding: int = Field(
        default=4096, ge=1, le=MANY, description="messages leased and not yet settled, at most"
    )
    prefetch: int = Field(
        default=128,
        ge=1,
        le=MANY,
        description="messages being handled at once; always at least twice `in_flight`",
    )
    lease_s: float = Field(
        default=30.0,
        ge=0.01,
        le=WEEK_S,
        description="for how long a message is leased; extended at a third of it, so a killed"
        " worker's messages are free after this time; Pub/Sub grants 600 at most",
    )
    max_lease_s: float = Field(
        default=3600.0,
        ge=0.01,
        le=WEEK_S,
        description="for how long a lease is extended, at most, and no less than `worker.lease_s`;"
        " retries inside a lease end at half of it",
    )
    idle_poll_s: float = Field(
        default=0.2,
        ge=0.001,
        le=WEEK_S,
        description="pause before the queue is read again after it was empty",
    )
    flush_rows: int = Field(
        default=4000, ge=1, le=MANY, description="rows in a batch, at most, before it is written"
    )
    flush_s: float = Field(
        default=2.0, ge=0, le=WEEK_S, description="how long the first row of a batch waits, at most"
    )
    grace_s: float = Field(
        default=8.0,
        ge=0,
        le=WEEK_S,
        description="how long a stopping worker continues with messages in progress; the rest"
        " are nacked",
    )
    drain_idle_s: float = Field(
        default=2.0,
        ge=0,
        le=WEEK_S,
        description="how long the queue must have been empty before a drain ends",
    )
    drain_missing_s: float = Field(
        default=180.0,
        ge=0,
        le=WEEK_S,
        description="how long a draining worker waits at an empty queue for parts that are neither"
        " written nor dead, before it stops with an error: longer than a lease that runs out and"
        " Pub/Sub's longest pause before it delivers again, together",
    )
    cancel_poll_s: float = Field(
        default=2.0, ge=0.01, le=WEEK_S, description="how often a worker checks for cancelled runs"
    )
    call_timeout_s: float = Field(
        default=120.0,
        ge=0.01,
        le=WEEK_S,
        description="the time limit of a call; after it, the call has failed and may be repeated",
    )
    max_attempts: int = Field(
        default=10,
        ge=1,
        le=MANY,
        description="deliveries of a message whose calls fail with transient errors, before it"
        " becomes a dead letter",
    )
    tries_per_lease: int = Field(
        default=3, ge=1, le=MANY, description="calls for one part in one delivery, at most"
    )
    backoff_s: float = Field(
        default=0.5,
        ge=0,
        le=WEEK_S,
        description="the first pause after a failure; it doubles each time, with full jitter",
    )
    max_backoff_s: float = Field(
        default=60.0, ge=0, le=WEEK_S, description="the longest such pause"
    )
    retry_budget: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="retries as a share of successes; so an outage does not cause more calls",
    )
    systemic_failures: int = Field(
        default=50,
        ge=1,
        le=MANY,
        description="suspect failures in a row, without one success, at which a worker stops",
    )
    systemic_hold_s: float = Field(
        default=20.0,
        ge=0,
        le=WEEK_S,
        description="for how long suspect dead letters are held while the worker is idle",
    )
    heartbeat_file: Path | None = Field(
        default=None,
        description="a file that is touched while the worker runs, for `python -m worker.heartbeat"
        " FILE`, whose exit code shows whether the worker is healthy",
    )

    peers: str = Field(
        default="",
        description="where workers that lease from Pub/Sub report how fast they send, as"
        " `gs://bucket/prefix`, so that they share quotas evenly; if empty, workers do not see each"
        " other",
    )

    @field_validator("max_lease_s")
    @classmethod
    def _no_shorter_than_a_lease(cls, max_lease_s: float, info: ValidationInfo) -> float:
        lease_s = info.data.get("lease_s", 0.0)
        if max_lease_s < lease_s:
            raise broken_rule(f"worker.lease_s, {lease_s}, or more")
        return max_lease_s


@dataclass(frozen=True, slots=True, config=STRICT)
class ProducerSettings:
    """How a run is divided: buckets by hash, in ranges of items, each published in one step."""

    buckets: int = Field(
        default=16, ge=1, le=4096, description="the number of buckets of a work list"
    )
    range_items: int = Field(
        default=5000, ge=1, le=100_000, description="the number of messages published in one step"
    )


@dataclass(frozen=True, slots=True, config=STRICT)
class QueueSettings:
    """The queue's own limit, a backstop far above the worker's."""

    backstop_attempts: int = Field(
        default=100,
        ge=5,
        le=100,
        description="deliveries after which the queue itself sets a message aside; a backstop, the"
        " limit that counts is `worker.max_attempts`",
    )


_BUCKET = Checked.pattern(
    r"[a-z0-9][a-z0-9._-]*", "a bucket's name without gs:// and without a prefix"
)


@dataclass(frozen=True, slots=True, config=STRICT)
class ImageSettings:
    """Which images may be sent to a model, and how large they may be."""

    max_bytes: int = Field(
        default=50_000_000,
        ge=1,
        le=1_000_000_000,
        description="a larger file is refused as `image_too_large`",
    )
    max_pixels: int = Field(
        default=100_000_000,
        ge=1,
        le=10_000_000_000,
        description="an image of more pixels is refused, before it is decoded",
    )
    roots: tuple[Path, ...] = Field(
        default=(),
        description="folders from which images may be read, besides those given to `sightline"
        " import`; a row that names a file elsewhere becomes a dead letter, `bad_uri`. Relative"
        " paths start at the settings file",
    )
    buckets: tuple[Annotated[str, _BUCKET], ...] = Field(
        default=(),
        description="names of the buckets whose images may be sent to a model; empty means those of"
        " the observations that were enqueued",
    )
    files_from_pubsub: bool = Field(
        default=False,
        description="whether messages of Pub/Sub may name files of the worker's machine",
    )
