"""Checks that the models are known, served and priced; on demand, calls each once.

Only a call shows whether a project may use a model, and costs a fraction of a cent; calls are made
only with ``--call-models``.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Literal

from sightline.errors import ConfigurationError, PermanentError, Reason
from sightline.http_client.session import check_reached, host_of
from sightline.model import Observation, Usage
from sightline.operations.doctor.finding import CheckStatus, Finding, attempt, not_checked
from sightline.operations.doctor.remedies import (
    google_remedy,
    grant_on_bucket,
    grant_on_project,
    vertex_agent,
)
from sightline.settings import Settings
from sightline.tasks import TaskSpec, parse_task
from sightline.wiring.models import ModelSet, open_models
from sightline.wiring.prices import pricing

API = "aiplatform.googleapis.com"
RUN_ID = "doctor"
ON_DEMAND = "`sightline doctor --call-models` makes one small paid call"
_QUESTION = """
name = "doctor"
description = "Whether the model answers"
asset_types = []
prompt = "Answer that the sky is blue."
max_output_tokens = 256

[fields.blue]
type = "boolean"
description = "Whether the sky is blue"
"""


async def check_models(settings: Settings, *, call: bool, sample_uri: str) -> Sequence[Finding]:
    """Return a finding on each model, and on whether it can read images if it does so itself."""
    if _is_local(settings, "classify") and _is_local(settings, "embed"):
        return (await attempt("model", lambda: _both_local(settings), _LOCAL_REMEDY),)
    findings = [
        *await _connections(settings),
        await _classify(settings, call=call),
        await _embed(settings, call=call),
    ]
    if settings.adapter("classify") == "vertex" and _may_be_sent(settings, sample_uri):
        findings.append(await _image(settings, call=call, uri=sample_uri))
    return findings


async def _connections(settings: Settings) -> Sequence[Finding]:
    """Return a finding on the connection to each service in use; no request is sent yet."""
    from sightline.wiring.remote_models import model_urls  # noqa: PLC0415 - not for local models

    try:
        urls = model_urls(settings)
    except ConfigurationError:
        return ()  # the model's own finding reports what is missing
    return await asyncio.gather(*(_connection(url) for url in dict.fromkeys(urls.values())))


async def _connection(url: str) -> Finding:
    async def look() -> str:
        await check_reached(url)
        return "answers"

    return await attempt(
        f"connection to {host_of(url)}",
        look,
        "start the service, or correct openai.endpoint, gemini.endpoint or vertex.endpoint",
    )


def _may_be_sent(settings: Settings, uri: str) -> bool:
    """Return whether an image is in a bucket that the settings allow."""
    bucket = uri.removeprefix("gs://").partition("/")[0] if uri.startswith("gs://") else ""
    return bool(bucket) and bucket in (settings.images.buckets or (bucket,))


_LOCAL_REMEDY = "install Sightline again, or set models.classify and models.embed"


def _is_local(settings: Settings, port: str) -> bool:
    return settings.adapter("classify" if port == "classify" else "embed") == "local"


async def _both_local(settings: Settings) -> str:
    async with open_models(settings) as models:
        embedding = await models.embed.embed_text("a stop sign")
        return f"{models.classify.model}; {models.embed.model}, {len(embedding.vector)} dimensions"


async def _classify(settings: Settings, *, call: bool) -> Finding:
    subject = f"model {settings.models.classify}"

    async def look() -> str:
        async with _alone(settings, "classify") as models:
            if not call:
                return _not_called(settings, settings.models.classify)
            answer = await models.classify.classify(_question(settings), (), run_id=RUN_ID)
            return f"answers{_cost(answer.usage)}"

    if call and _is_local(settings, "classify"):
        return not_checked(subject, "the offline model needs an image")
    return _noted(await attempt(subject, look, _remedy(settings, "classify")), called=call)


async def _embed(settings: Settings, *, call: bool) -> Finding:
    subject = f"model {settings.models.embed}"

    async def look() -> str:
        async with _alone(settings, "embed") as models:
            if not (call or _is_local(settings, "embed")):
                return _not_called(settings, settings.models.embed)
            embedding = await models.embed.embed_text("a stop sign")
            return f"embeds, {len(embedding.vector)} dimensions{_cost(embedding.usage)}"

    finding = await attempt(subject, look, _remedy(settings, "embed"))
    return _noted(finding, called=call or _is_local(settings, "embed"))


def _not_called(settings: Settings, model: str) -> str:
    """Return what is known of a remote model without a call."""
    known = "served and priced" if pricing(settings).price_of(model) else "configured, unpriced"
    return f"{known}; not called: {ON_DEMAND}"


async def _image(settings: Settings, *, call: bool, uri: str) -> Finding:
    """Return whether the model's service agent can read an image of the source."""
    subject = "images, by the model"
    bucket = uri.removeprefix("gs://").partition("/")[0]
    grant = grant_on_bucket(bucket, vertex_agent(settings))
    if not call:
        why = f"Vertex AI reads gs://{bucket} as its own service agent; {ON_DEMAND}"
        return not_checked(subject, f"{why}, and if it is denied: {grant}")

    async def look() -> str:
        observation = Observation("doctor", "doctor", "doctor", "ASSET_CLASS_UNSPECIFIED", uri)
        async with _alone(settings, "classify") as models:
            answer = await models.classify.classify(
                _question(settings), (observation,), run_id=RUN_ID
            )
            return f"{uri} can be read by the model{_cost(answer.usage)}"

    by_model = _remedy(settings, "classify")

    def remedy(error: Exception) -> str:
        if not isinstance(error, PermanentError):
            return by_model(error)
        if error.reason is Reason.PERMISSION_DENIED:
            return grant
        if error.reason is Reason.IMAGE_GONE:
            return "set bigquery.source to a newer delivery, or upload the images again"
        return "look at the image"

    return await attempt(subject, look, remedy)


@asynccontextmanager
async def _alone(settings: Settings, port: str) -> AsyncIterator[ModelSet]:
    """Open only one model, so that a fault of the other does not prevent this check."""
    own, models = settings.adapters, settings.models
    if port == "classify":
        changed = replace(
            settings, adapters=replace(own, embed="local"), models=replace(models, embed="noop")
        )
    else:
        changed = replace(
            settings,
            adapters=replace(own, classify="local"),
            models=replace(models, classify="noop"),
        )
    async with open_models(changed) as opened:
        yield opened


def _question(settings: Settings) -> TaskSpec:
    return parse_task(_QUESTION, "doctor").resolve(settings.models.classify)


def _remedy(settings: Settings, port: Literal["classify", "embed"]) -> Callable[[Exception], str]:
    by_google = google_remedy(
        settings,
        API,
        denied=grant_on_project(settings, "roles/aiplatform.user"),
        absent=f"set models.{port} to a model that this project may call",
        otherwise=f"set models.{port}, vertex.location or prices",
    )

    def remedy(error: Exception) -> str:
        message = str(error)
        key = settings.gemini.api_key_env
        if settings.adapter(port) == "gemini" and (
            key in message or "gemini.api_key_env" in message
        ):
            return f"export {key}=... with a key of the Gemini API"
        if "closed or retired" in message:
            return f"set models.{port} to another model, or vertex.location to one that serves it"
        if "not served" in message or "no price" in message or "not accepted" in message:
            return f"set models.{port}, vertex.location or prices"
        if isinstance(error, PermanentError):
            return f"set models.{port} to another model, since this one returns no usable answer"
        return by_google(error)

    return remedy


def _cost(usage: Usage) -> str:
    return f", for {usage.cost_usd_micros / 1e6:.6f} US dollars" if usage.cost_usd_micros else ""


def _noted(finding: Finding, *, called: bool) -> Finding:
    if finding.failed or called:
        return finding
    return replace(finding, status=CheckStatus.NOT_CHECKED)
