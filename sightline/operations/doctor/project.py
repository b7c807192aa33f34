"""Checks, before anything is created in a project, whether ``pulumi up`` can succeed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from sightline.errors import ConfigurationError, NotFoundError, SightlineError, TransientError
from sightline.gcp.project_apis import (
    ACTIVE,
    BILLING,
    RESOURCE_MANAGER,
    SERVICE_USAGE,
    TIMEOUT_S,
    ProjectApis,
)
from sightline.gcp.rest_session import RefusedCredentialsError
from sightline.operations.doctor.finding import Finding, attempt, failed, not_checked, passed
from sightline.operations.doctor.model_quotas import check_quotas
from sightline.operations.doctor.pulumi_needs import APIS, ROLES
from sightline.operations.doctor.remedies import LOG_IN, google_remedy, grant_on_project
from sightline.settings import Settings
from sightline.wiring.credentials import google_tokens
from sightline.wiring.places import project

_CREDENTIALS = "credentials"
_PERMISSIONS = "permissions"
_CONSUMER = "roles/serviceusage.serviceUsageConsumer"
"""Required to make calls on behalf of a project; Google's refusal names it."""
_SET_PROJECT = "sightline doctor --cloud --project PROJECT"


async def check_project(settings: Settings, timeout_s: float = TIMEOUT_S) -> Sequence[Finding]:
    """Return the findings on credentials, project, billing, APIs, permissions and quotas.

    If Google refuses the credentials, or is unavailable, the other checks are not made.
    ``timeout_s`` bounds each call.
    """
    if not settings.gcp.project:
        return (failed("project", "none is named", _SET_PROJECT),)
    return [finding async for finding in _findings(settings, timeout_s)]


async def _findings(settings: Settings, timeout_s: float) -> AsyncIterator[Finding]:
    endpoint = settings.gcp.endpoint
    try:
        tokens = await asyncio.to_thread(google_tokens, settings, endpoint)
        await tokens.token()
    except SightlineError as error:
        yield failed(_CREDENTIALS, str(error).partition(";")[0], LOG_IN)
        return
    with ProjectApis.open(project(settings), tokens.credentials, endpoint, timeout_s) as apis:
        checks = _Checks(settings, apis)
        first = await checks.state()
        if isinstance(checks.error, RefusedCredentialsError):
            yield failed(_CREDENTIALS, str(checks.error).partition(";")[0], LOG_IN)
            return
        who = settings.gcp.impersonate or "your own account"
        yield passed(_CREDENTIALS, f"Google accepts them, as {who}")
        yield first
        if isinstance(checks.error, TransientError):
            yield not_checked("billing, APIs, permissions and quotas", "Google is out of reach")
            return
        yield await checks.billing()
        yield await checks.apis()
        for finding in await checks.permissions():
            yield finding
        for finding in await check_quotas(settings, apis, checks.remedy(SERVICE_USAGE)):
            yield finding


class _Checks:
    """The checks of one project; ``error`` is that of reading its state, if that failed."""

    def __init__(self, settings: Settings, apis: ProjectApis) -> None:
        self._settings = settings
        self._project = settings.gcp.project
        self._apis = apis
        self.error: SightlineError | None = None

    def remedy(self, api: str) -> Callable[[Exception], str]:
        """Return the remedy for a failed call of an API."""
        by_google = google_remedy(
            self._settings,
            api,
            denied=grant_on_project(self._settings, "roles/viewer"),
            absent="gcloud projects list",
        )

        def remedy(error: Exception) -> str:
            if _CONSUMER in str(error):
                return grant_on_project(self._settings, _CONSUMER)
            return by_google(error)

        return remedy

    async def state(self) -> Finding:
        """Check that the project exists, and is not being deleted."""
        try:
            state = await asyncio.to_thread(self._apis.state)
        except SightlineError as error:
            self.error = error
            return failed("project", str(error), self._remedy_of_state(error))
        if state != ACTIVE:
            detail = f"{self._project} is not active: {state or 'no state is reported'}"
            return failed("project", detail, f"gcloud projects undelete {self._project}")
        return passed("project", f"{self._project} is active")

    def _remedy_of_state(self, error: SightlineError) -> str:
        step = self.remedy(RESOURCE_MANAGER)(error)
        # Google's refusal is the same for a project that does not exist and one that is hidden.
        is_hidden = isinstance(error, ConfigurationError | NotFoundError)
        return "gcloud projects list" if is_hidden and "services enable" not in step else step

    async def billing(self) -> Finding:
        """Check that a billing account pays for the project."""

        async def look() -> str:
            if not await asyncio.to_thread(self._apis.has_billing):
                raise NotFoundError(
                    f"no billing account pays for {self._project}; `gcloud billing accounts list`"
                    " lists yours"
                )
            return f"a billing account pays for {self._project}"

        link = f"gcloud billing projects link {self._project} --billing-account=ACCOUNT"
        remedy = self.remedy(BILLING)
        return await attempt(
            "billing", look, lambda error: link if "pays for" in str(error) else remedy(error)
        )

    async def apis(self) -> Finding:
        """Check that the APIs are enabled."""
        enable = "gcloud services enable {} --project=" + self._project
        missing: list[str] = []

        async def look() -> str:
            enabled = await asyncio.to_thread(self._apis.enabled, APIS)
            missing.extend(api for api in APIS if api not in enabled)
            if missing:
                names = ", ".join(api.partition(".")[0] for api in missing)
                raise NotFoundError(f"not enabled: {names}; enable them")
            return f"{len(APIS)} are enabled"

        remedy = self.remedy(SERVICE_USAGE)
        return await attempt(
            "APIs",
            look,
            lambda error: enable.format(" ".join(missing)) if missing else remedy(error),
        )

    async def permissions(self) -> Sequence[Finding]:
        """Return one finding for each role that is missing, or one on all of them."""
        wanted = [permission for role in ROLES.values() for permission in role]
        try:
            granted = await asyncio.to_thread(self._apis.granted, wanted)
        except SightlineError as error:
            return (failed(_PERMISSIONS, str(error), self.remedy(RESOURCE_MANAGER)(error)),)
        findings = [
            failed(
                role,
                f"no {', '.join(missing)} on {self._project}",
                grant_on_project(self._settings, role),
            )
            for role, permissions in ROLES.items()
            if (missing := [name for name in permissions if name not in granted])
        ]
        return findings or (passed(_PERMISSIONS, f"those of `pulumi up` on {self._project}"),)
