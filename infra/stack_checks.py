"""Checks that the parts of a stack's configuration fit together."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator

from infra.stack import Stack
from infra.stack_config import refusal
from sightline.settings.serving import why_not_served

CLOUD_RUN_GRACE_S = 10
CLOUD_RUN_MEMORY_MIB = {
    "1": (512, 4 * 1024),
    "2": (512, 8 * 1024),
    "4": (2 * 1024, 16 * 1024),
    "6": (4 * 1024, 24 * 1024),
    "8": (4 * 1024, 32 * 1024),
}
"""The least and the most memory by processors; the least that any worker needs is 512 MiB.

Source: https://cloud.google.com/run/docs/configuring/services/memory-limits
"""
_LABEL_KEY = r"[a-z][a-z0-9_-]{0,62}"
_LABEL_VALUE = r"[a-z0-9_-]{0,63}"
_OWN_LABELS = ("app", "stack", "managed-by")
_SLOTS_STEP = 50


def find_misfits(stack: Stack) -> Iterator[str]:
    """Yield one sentence for each contradiction."""
    for check in _CHECKS:
        yield from check(stack)


def _places(stack: Stack) -> Iterator[str]:
    region, location = stack.region, stack.location
    area = region.partition("-")[0]
    fits = {"US": area == "us", "EU": area == "europe"}.get(location, location == region)
    if not fits:
        yield (
            f"sightline:location = {location!r} does not fit sightline:region = {region!r};"
            " set the location to the region, or to US or EU where the region is in it"
        )
    listing = stack.config.listing
    if listing and listing.split("/")[1].lower() != location.lower():
        yield (
            f"sightline:listing is in {listing.split('/')[1]!r}, but sightline:location is"
            f" {location!r}; set the location to the listing's, since BigQuery joins no tables"
            " across locations"
        )


def _labels(stack: Stack) -> Iterator[str]:
    text = stack.config.labels
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.partition("=")
        good = equals and re.fullmatch(_LABEL_KEY, name) and re.fullmatch(_LABEL_VALUE, value)
        if not good:
            yield refusal(
                "labels", part, "name=value in lower case letters, digits, - and _, at most 63 each"
            )
        elif name in _OWN_LABELS:
            yield refusal("labels", part, "any name but app, stack and managed-by")


def _datasets(stack: Stack) -> Iterator[str]:
    if not (stack.config.make_dataset or stack.config.dataset):
        yield (
            "sightline:makeDataset is false, but sightline:dataset names no existing one;"
            " set its name"
        )
    taken = {"dataset": stack.dataset, "models_dataset": stack.models_dataset}
    if stack.config.listing:
        taken["listing_dataset"] = stack.listing_dataset
    if len({name.lower() for name in taken.values()}) < len(taken):
        names = ", ".join(f"{key} = {name!r}" for key, name in taken.items())
        yield f"datasets need names of their own, and two are alike ({names}); set another"


def _images(stack: Stack) -> Iterator[str]:
    chosen = stack.config
    if chosen.kms_key and not stack.makes_bucket:
        yield (
            "sightline:kmsKey is for the bucket that is made here, and sightline:imageBucket"
            " names another; set its key there, and remove kmsKey"
        )
    elif chosen.kms_key:
        where = chosen.kms_key.split("/")[3]
        accepted = {"US": "us", "EU": "europe"}.get(stack.location, stack.location)
        if where != accepted:
            yield refusal("kms_key", chosen.kms_key, f"a key in {accepted!r}, where the bucket is")
    if chosen.images_expire_days and not stack.makes_bucket:
        yield (
            "sightline:imagesExpireDays is for the bucket that is made here, and"
            " sightline:imageBucket names another; set its lifecycle there, and remove it here"
        )
    if chosen.notify_new_images and not stack.grants_on_bucket:
        yield (
            "sightline:notifyNewImages needs a grant on the bucket, but sightline:grantOnBucket is"
            " false; change one of them"
        )


def _models(stack: Stack) -> Iterator[str]:
    chosen = stack.config
    for name, model, location in (
        ("model_location", chosen.classify_model, chosen.model_location),
        ("embed_location", chosen.embed_model, chosen.embed_location or chosen.model_location),
    ):
        why_not = why_not_served(model, location)
        if why_not:
            yield refusal(name, location, why_not.partition("; ")[2]) + f" ({model})"


def _fleet(stack: Stack) -> Iterator[str]:
    chosen = stack.config
    if stack.runs_on_cloud_run and chosen.grace_s >= CLOUD_RUN_GRACE_S:
        yield refusal(
            "grace_s", chosen.grace_s, f"less than {CLOUD_RUN_GRACE_S}, which Cloud Run grants"
        )
    if stack.runs_on_cloud_run:
        least, most = CLOUD_RUN_MEMORY_MIB[chosen.cpu]
        if not least <= _mebibytes(chosen.memory) <= most:
            yield refusal(
                "memory",
                chosen.memory,
                f"{_size(least)} to {_size(most)}, which Cloud Run allows with"
                f" {chosen.cpu} processors, or another sightline:cpu",
            )
    if chosen.parallelism > chosen.workers:
        yield refusal(
            "parallelism", chosen.parallelism, f"sightline:workers, {chosen.workers}, or less"
        )
    if chosen.drain_schedule and chosen.fleet != "job":
        yield (
            f"sightline:drainSchedule starts the job, and sightline:fleet is {chosen.fleet!r};"
            " set the fleet to job, or remove the schedule"
        )
    if chosen.producer_schedule and not stack.has_fleet:
        yield (
            "sightline:producerSchedule starts a job, and sightline:fleet is 'none';"
            " set another fleet, or remove the schedule"
        )
    if chosen.collector_image and chosen.fleet != "worker-pool":
        yield (
            "sightline:collectorImage stands beside the workers of a pool, and sightline:fleet is"
            f" {chosen.fleet!r}; remove it (GKE collects the workers' numbers itself)"
        )
    if chosen.reservation_slots % _SLOTS_STEP:
        yield refusal("reservation_slots", chosen.reservation_slots, f"a multiple of {_SLOTS_STEP}")


def _mebibytes(memory: str) -> int:
    return int(memory[:-2]) * (1024 if memory.endswith("Gi") else 1)


def _size(mebibytes: int) -> str:
    return f"{mebibytes}Mi" if mebibytes < 1024 else f"{mebibytes // 1024}Gi"


def _image(stack: Stack) -> Iterator[str]:
    image = stack.config.image
    host, _, path = image.partition("/")
    own = f"{stack.project}/{stack.names.of('images')}/"
    region = host.removesuffix("-docker.pkg.dev")
    if path.startswith(own) and region not in {host, stack.region}:
        yield (
            f"sightline:image is in this stack's registry of {region}, and sightline:region is"
            f" {stack.region!r}: the registry, the workers and the schedules would be replaced, and"
            " no pushed image moves; set the region back, or remove the image, run `pulumi up`, and"
            " push to the new registry"
        )


def _arguments(stack: Stack) -> Iterator[str]:
    arguments = stack.config.producer_arguments
    try:
        shlex.split(arguments)
    except ValueError:
        yield refusal("producer_arguments", arguments, "arguments as a shell takes them")


def _watch(stack: Stack) -> Iterator[str]:
    chosen = stack.config
    if chosen.budget_usd and not chosen.billing_account:
        yield (
            "sightline:budgetUsd needs sightline:billingAccount; `gcloud billing projects describe"
            f" {stack.project}` shows it"
        )


_CHECKS: tuple[Callable[[Stack], Iterator[str]], ...] = (
    _places, _labels, _datasets, _images, _models, _fleet, _image, _arguments,
    _watch,
)  # fmt: skip
