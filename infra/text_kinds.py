"""The accepted forms of texts in a stack's configuration, and their descriptions.

If a pattern ends with a bar, the text may be empty.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from cronsim import CronSim, CronSimError

from sightline.settings.fields import Checked

_CRON_FIELDS = 5
_REGION = r"[a-z]+-[a-z]+[0-9]{1,2}"
ProjectId = Annotated[str, Checked.pattern(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", "a project's id")]
Region = Annotated[str, Checked.pattern(_REGION, "a region of Google Cloud, us-central1 say")]
Location = Annotated[str, Checked.pattern(rf"US|EU|{_REGION}|", "US, EU, or the region")]
ListingName = Annotated[
    str,
    Checked.pattern(
        r"[\w.:-]+(/[\w.:-]+){3}|",
        "PROJECT/LOCATION/EXCHANGE/LISTING, as the listing's page shows them",
    ),
]
DatasetName = Annotated[
    str, Checked.pattern(r"[A-Za-z0-9_]{1,1024}|", "letters, digits and underscores")
]
TableName = Annotated[str, Checked.pattern(r"[a-z0-9:.-]+\.\w+\.[\w-]+|", "project.dataset.table")]
BucketName = Annotated[
    str,
    Checked.pattern(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]|", "a bucket's name, without gs://"),
]
KmsKey = Annotated[
    str,
    Checked.pattern(
        r"projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+|",
        "projects/P/locations/L/keyRings/R/cryptoKeys/K",
    ),
]
ModelName = Annotated[str, Checked.pattern(r"[a-z0-9@.-]+", "a model's name")]
_MODEL_LOCATION_SAID = "us, eu, global, or a region"
ModelLocation = Annotated[str, Checked.pattern(rf"us|eu|global|{_REGION}", _MODEL_LOCATION_SAID)]
EmbedLocation = Annotated[str, Checked.pattern(rf"us|eu|global|{_REGION}|", _MODEL_LOCATION_SAID)]
ImageName = Annotated[
    str,
    Checked.pattern(
        r"[a-z0-9][a-z0-9.:-]*(/[a-z0-9._-]+)+(:[\w.-]+)?(@sha256:[0-9a-f]{64})?|",
        "REGISTRY/PATH:TAG or REGISTRY/PATH@sha256:DIGEST",
    ),
]
Processors = Annotated[str, Checked.pattern(r"1|2|4|6|8", "1, 2, 4, 6 or 8")]
Memory = Annotated[
    str,
    Checked.pattern(r"(512|1024|2048|4096)Mi|([1-9]|[12][0-9]|3[0-2])Gi", "512Mi to 32Gi"),
]


def _is_cron(text: str) -> bool:
    """Return whether Cloud Scheduler takes a schedule: five fields, without ``L`` and ``#``.

    Source: https://cloud.google.com/scheduler/docs/configuring/cron-job-schedules
    """
    fields = text.upper().split(" ")
    if len(fields) != _CRON_FIELDS or any(
        "#" in field or "L" in field.split(",") for field in fields
    ):
        return not text
    try:
        CronSim(text, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError:
        return False
    return True


Cron = Annotated[str, Checked("five fields of cron, `0 6 * * *` say", _is_cron)]
MailAddress = Annotated[
    str, Checked.pattern(r"[^@\s]+@[^@\s]+\.[^@\s]+|", "an address, such as roads@example.com")
]
BillingAccount = Annotated[
    str, Checked.pattern(r"[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}|", "XXXXXX-XXXXXX-XXXXXX")
]
PageUrl = Annotated[str, Checked.pattern(r"https://\S+|", "a URL that begins with https://")]
