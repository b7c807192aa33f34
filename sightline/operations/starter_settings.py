"""The settings file that ``sightline init`` writes: the usual settings, each with a comment."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from typing import Literal

from sightline.errors import ConfigurationError
from sightline.gcp.bigquery.place import BigQueryPlace, checked_table

Engine = Literal["local", "gcp"]
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_LOCATION = re.compile(r"[A-Za-z0-9-]{2,40}")

_LOCAL = """\
# Settings of Sightline: docs/settings.md lists them all, with their defaults.
# Everything stays on this machine; `sightline init --engine gcp` writes a file for Google Cloud.
engine = "local"

# The folder of imported observations, the queue and the results.
home = ".sightline"

[models]
# The demo model stands in for Gemini: docs/demo-model.md. It needs no account and no network.
classify = "demo-1"
embed = "demo-1"
# How many numbers a vector has.
embed_dimension = 256

[worker]
# How long a stopping worker may take to finish its calls, in seconds.
grace_s = 8.0

[telemetry]
# Let workers serve their metrics to Prometheus on this port: docs/telemetry.md.
# prometheus_port = 9464
"""

_GCP = """\
# Settings of Sightline on Google Cloud: docs/settings.md lists them all, with their defaults.
# Next: `sightline setup` creates what is named here, `sightline doctor` checks it.
engine = "gcp"

[gcp]
# The project that holds all resources and is billed for them.
project = {project}

[bigquery]
# The dataset of the ledgers, and where it is; the source must be in the same location.
dataset = {dataset}
location = {location}
# The table of the observations, as project.dataset.table. `sightline subscribe` finds the one of
# an Imagery Insights subscription, `sightline upload` makes one of your own photographs.
source = {source}
# The most that one query may read, in GiB; a query that would read more is refused.
max_gb_billed = 100.0

[pubsub]
# Where messages are published, and where workers lease them.
topic = "sightline-work"
subscription = "sightline-work"
# Where Pub/Sub moves messages that it stops delivering, and where workers collect them.
dead_letter_topic = "sightline-work-abandoned"
dead_letter_subscription = "sightline-work-abandoned"

[vertex]
# The location of the models; Gemini 3 is served from us, eu and global.
location = "global"

[gcs]
# The bucket of your own photographs; images of a subscription are in Google's.
bucket = {bucket}

[models]
# The model that answers tasks, and the one that embeds. Every row records them, so
# another model, or another dimension, answers everything again.
classify = "gemini-3.5-flash-lite"
embed = "gemini-embedding-2"
# How many numbers a vector has: 128 to 3072.
embed_dimension = 768

[classify_limit]
# The most calls in flight in each worker.
in_flight = 64
# The most calls that each worker starts in a second; 0 sets no limit.
rate_per_s = 0.0
# Find the model's quota, and follow it, under these bounds.
adaptive = true

[embed_limit]
# The same for embedding.
in_flight = 64
rate_per_s = 0.0
adaptive = true

[telemetry]
# Let workers serve their metrics to Prometheus on this port: docs/telemetry.md.
# prometheus_port = 9464
"""


@dataclass(frozen=True, slots=True)
class Starter:
    """The options of a new settings file."""

    engine: Engine
    project: str = ""
    dataset: str = "sightline"
    location: str = "US"
    source: str = ""
    bucket: str = ""


def starter_text(starter: Starter) -> str:
    """Return the text of the settings file.

    Raises:
        ConfigurationError: a name is invalid; the error names the option.
    """
    if starter.engine == "local":
        if starter != Starter("local"):
            raise ConfigurationError(
                "the local engine has no project, dataset, source or bucket; give --engine gcp"
            )
        return _LOCAL
    _check(starter)
    return _text(starter)


def _text(starter: Starter) -> str:
    return _GCP.format(
        project=json.dumps(starter.project),
        dataset=json.dumps(starter.dataset),
        location=json.dumps(starter.location),
        source=json.dumps(starter.source),
        bucket=json.dumps(starter.bucket),
    )


def starter_values(project: str) -> dict[str, object]:
    """Return the settings of a new file for Google Cloud, possibly without a project yet."""
    return tomllib.loads(_text(Starter("gcp", project)))


def _check(starter: Starter) -> None:
    if not starter.project:
        raise ConfigurationError(
            "a settings file for Google Cloud names a project; give --project PROJECT"
        )
    BigQueryPlace(starter.project, starter.dataset)
    if not _LOCATION.fullmatch(starter.location):
        raise ConfigurationError(
            f"--location {starter.location!r} is not accepted; accepted: US, EU, or a region"
        )
    if starter.source:
        checked_table(starter.source, "--source")
    if starter.bucket and not _BUCKET.fullmatch(starter.bucket):
        raise ConfigurationError(
            f"--bucket {starter.bucket!r} is not accepted; accepted: a bucket's name, without gs://"
        )
