"""Checks the models' quotas: how much of each the project may use, in the configured location."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

from sightline.errors import SightlineError
from sightline.gcp.project_apis import UNLIMITED, ProjectApis, ServiceQuota
from sightline.operations.doctor.finding import Finding, failed, not_checked, passed
from sightline.settings import Settings
from sightline.wiring.places import vertex_place

API = "aiplatform.googleapis.com"
_MODEL, _REGION = "base_model", "region"
_PORTS: tuple[Literal["classify", "embed"], ...] = ("classify", "embed")


async def check_quotas(
    settings: Settings, apis: ProjectApis, remedy: Callable[[Exception], str]
) -> Sequence[Finding]:
    """Return a finding on each model of Vertex AI; ``remedy`` is for a call that fails."""
    ports = [port for port in _PORTS if settings.adapter(port) == "vertex"]
    if not ports:
        return ()
    try:
        quotas = await asyncio.to_thread(lambda: tuple(apis.quotas(API)))
    except SightlineError as error:
        return (failed("quotas of the models", str(error), remedy(error)),)
    return [_finding(settings, port, quotas) for port in ports]


def _finding(
    settings: Settings, port: Literal["classify", "embed"], quotas: Iterable[ServiceQuota]
) -> Finding:
    model = settings.models.classify if port == "classify" else settings.models.embed
    location = vertex_place(settings, port).location
    subject = f"quota of {model}"
    own = quotas_of(model, location, quotas)
    if not own:
        return not_checked(
            subject,
            f"the project has none of its own for it in {location}; Google shares out what it has,"
            " and workers find their share",
        )
    shown = "; ".join(f"{_metric(quota)}: {_limit(quota)}" for quota in own)
    if any(quota.limit == 0 for quota in own):
        console = "https://console.cloud.google.com/iam-admin/quotas"
        return failed(
            subject,
            f"{shown}, in {location}",
            f"ask for more at {console}?service={API}&project={settings.gcp.project}, or set"
            f" models.{port} or vertex.location",
        )
    return passed(subject, f"{shown}, in {location}")


def quotas_of(model: str, location: str, quotas: Iterable[ServiceQuota]) -> Sequence[ServiceQuota]:
    """Return the quotas of a model in a location, one for each metric.

    A base model stands for its versions: ``gemini-embedding`` for ``gemini-embedding-2``. A quota
    bucket of the location takes precedence over one of every location.
    """
    chosen: dict[tuple[str, str], tuple[tuple[int, bool], ServiceQuota]] = {}
    for quota in quotas:
        base = quota.dimensions.get(_MODEL, "")
        region = quota.dimensions.get(_REGION, location)
        if not base or region != location or not _is_version(model, base):
            continue
        rank = (len(base), _REGION in quota.dimensions)
        key = (quota.metric, quota.unit)
        if key not in chosen or rank > chosen[key][0]:
            chosen[key] = (rank, quota)
    return [quota for _, quota in chosen.values()]


def _is_version(model: str, base: str) -> bool:
    return re.fullmatch(rf"{re.escape(base)}([@-]\d+)?", model) is not None


def _metric(quota: ServiceQuota) -> str:
    return quota.metric.rpartition("/")[2].replace("_", " ")


def _limit(quota: ServiceQuota) -> str:
    return "no limit" if quota.limit == UNLIMITED else f"{quota.limit:,}"
