"""The examination: the groups of checks that the settings call for, side by side.

One failure hides no other: each check that can be made is made.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

from sightline.cli.checkup.batch import check_batch
from sightline.cli.checkup.finding import Finding
from sightline.cli.checkup.google import check_credentials
from sightline.cli.checkup.images import check_images
from sightline.cli.checkup.local import check_engine
from sightline.cli.checkup.machine import check_interpreter, check_machine
from sightline.cli.checkup.models import check_models
from sightline.cli.checkup.queue import check_queue
from sightline.cli.checkup.source import check_source
from sightline.cli.checkup.tables import check_tables
from sightline.cli.cloud import has_cloud_queue, has_cloud_warehouse
from sightline.cli.state import State
from sightline.errors import SightlineError
from sightline.settings import Settings


async def examine(state: State, *, call_models: bool) -> Sequence[Finding]:
    """Return all findings, in the order in which they are best mended."""
    findings = [*check_interpreter()]
    try:
        settings = state.settings()
    except SightlineError as error:
        mend = "mend the settings file, or unset the variable"
        return [*findings, Finding("settings", False, str(error), mend)]
    findings.append(Finding("settings", True, f"engine {settings.engine}, home {settings.home}"))
    findings += await check_machine(settings)
    if _asks_google(settings):
        findings += await check_credentials(settings)
    groups: list[Awaitable[Sequence[Finding]]] = []
    if has_cloud_warehouse(settings):
        groups.append(check_tables(settings))
    else:
        groups.append(check_engine(settings))
    if has_cloud_queue(settings):
        groups.append(check_queue(settings))
    if settings.engine == "batch":
        groups.append(check_batch(settings))
    groups.append(_source_and_models(settings, call_models=call_models))
    for found in await asyncio.gather(*groups):
        findings += found
    return findings


async def _source_and_models(settings: Settings, *, call_models: bool) -> Sequence[Finding]:
    """Return the findings that need an image of the source, or at least can use one."""
    findings: list[Finding] = []
    sample_uri = ""
    if has_cloud_warehouse(settings):
        source = await check_source(settings)
        sample_uri = source.sample_uri
        findings.append(source.finding)
        findings += await check_images(settings, sample_uri)
    findings += await check_models(settings, call=call_models, sample_uri=sample_uri)
    return findings


def _asks_google(settings: Settings) -> bool:
    models = {settings.adapter("classify"), settings.adapter("embed")}
    return has_cloud_queue(settings) or has_cloud_warehouse(settings) or "vertex" in models
