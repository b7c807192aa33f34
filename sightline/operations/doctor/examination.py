"""Runs the groups of checks that the settings call for, concurrently.

No failure hides another: each check that can run is run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sightline.errors import SightlineError
from sightline.gcp.project_apis import TIMEOUT_S
from sightline.operations.cloud import has_cloud_queue, has_cloud_warehouse
from sightline.operations.doctor.batch import check_batch
from sightline.operations.doctor.credentials import check_credentials
from sightline.operations.doctor.finding import Finding, failed, passed
from sightline.operations.doctor.images import check_images
from sightline.operations.doctor.local_engine import check_engine
from sightline.operations.doctor.machine import check_interpreter, check_machine
from sightline.operations.doctor.models import check_models
from sightline.operations.doctor.project import check_project
from sightline.operations.doctor.queue import check_queue
from sightline.operations.doctor.source import check_source
from sightline.operations.doctor.tables import check_tables
from sightline.operations.starter_settings import starter_values
from sightline.progress import Progress, no_progress
from sightline.redaction import without_secrets
from sightline.settings import Settings

ReadSettings = Callable[[Mapping[str, Any]], Settings]
"""Reads the settings, with some values that override all others."""
_CORRECT = "correct the settings file, or unset the variable"


@dataclass(frozen=True, slots=True)
class Examination:
    """All findings, in the order in which failures are best corrected."""

    findings: Sequence[Finding]

    @property
    def has_failures(self) -> bool:
        """Whether any check failed."""
        return any(finding.failed for finding in self.findings)


async def examine(
    read_settings: Callable[[], Settings],
    *,
    call_models: bool = False,
    progress: Progress = no_progress,
) -> Examination:
    """Check this machine and, with the gcp engine, everything that it uses in the cloud.

    Unreadable settings are a finding, too. ``call_models`` calls each cloud model once, which costs
    money.
    """
    with progress("checking", None):
        findings = await _findings(read_settings, call_models=call_models)
    return _without_secrets(findings)


async def examine_project(
    read_settings: ReadSettings,
    *,
    project: str = "",
    timeout_s: float = TIMEOUT_S,
    progress: Progress = no_progress,
) -> Examination:
    """Check what ``pulumi up`` needs of a project, by default the one in the settings.

    If the settings are those of the local engine, the defaults for Google Cloud are used.
    ``timeout_s`` bounds each call to Google.
    """
    with progress("checking", None):
        findings = await _project_findings(read_settings, project, timeout_s)
    return _without_secrets(findings)


async def _project_findings(
    read_settings: ReadSettings, project: str, timeout_s: float
) -> Sequence[Finding]:
    findings = [*check_interpreter()]
    try:
        settings = read_settings({"gcp": {"project": project}} if project else {})
        if settings.engine == "local":
            settings = read_settings(starter_values(settings.gcp.project))
    except SightlineError as error:
        return [*findings, failed("settings", str(error), _CORRECT)]
    return [*findings, *await check_project(settings, timeout_s)]


def _without_secrets(findings: Sequence[Finding]) -> Examination:
    return Examination(
        [replace(finding, detail=without_secrets(finding.detail)) for finding in findings]
    )


async def _findings(
    read_settings: Callable[[], Settings], *, call_models: bool
) -> Sequence[Finding]:
    findings = [*check_interpreter()]
    try:
        settings = read_settings()
    except SightlineError as error:
        return [*findings, failed("settings", str(error), _CORRECT)]
    findings.append(passed("settings", f"engine {settings.engine}, home {settings.home}"))
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
    groups.append(_check_source_and_models(settings, call_models=call_models))
    for group in await asyncio.gather(*groups):
        findings += group
    return findings


async def _check_source_and_models(settings: Settings, *, call_models: bool) -> Sequence[Finding]:
    """Return the findings that need an image of the source, or can use one."""
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
