"""A project of Google's behind HTTP: the control plane's, which a test changes and lets refuse.

Requests are held to Google's discovery documents, and so are the answers.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from scripts.control_plane.discovery import find_method
from scripts.control_plane.plane import ControlPlane
from scripts.control_plane.router import Router
from sightline.operations.doctor.pulumi_needs import APIS

NAME = "my-project"
NOWHERE = {f"{name}.googleapis.com": "http://127.0.0.1:9" for name in ("bigquery", "storage")}
EMBEDDING = "aiplatform.googleapis.com/embed_content_input_tokens_per_minute_per_base_model"


def quota(
    metric: str, limit: str | None, unit: str = "1/min/{project}/{base_model}", **dimensions: str
) -> Mapping[str, Any]:
    """Return a metric of an API with one limit, as Google lists it: for all, and for some."""
    name = f"projects/123/services/aiplatform.googleapis.com/consumerQuotaMetrics/{metric}"
    buckets: list[dict[str, Any]] = [{"effectiveLimit": "0", "defaultLimit": "0"}]
    if limit is not None:
        buckets.append({"effectiveLimit": limit, "defaultLimit": "0", "dimensions": dimensions})
    limits = [{"name": f"{name}/limits/x", "metric": metric, "unit": unit, "quotaBuckets": buckets}]
    return {"name": name, "metric": metric, "unit": "1", "consumerQuotaLimits": limits}


@dataclass
class GoogleProject:
    """A sound project, until a test changes it.

    ``refusals`` answers calls of some methods with a status and a body; ``silent`` has methods
    that never answer; ``methods`` has those that were called; ``headers`` those of the last.
    """

    plane: ControlPlane
    url: str = ""
    refusals: dict[str, tuple[int, Any]] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    methods: list[str] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)

    def refuse(self, method: str, code: int, message: str, reason: str = "") -> None:
        """Answer calls of a method as Google refuses them."""
        error: dict[str, Any] = {"code": code, "message": message, "status": "REFUSED"}
        if reason:
            kind = "type.googleapis.com/google.rpc.ErrorInfo"
            error["details"] = [{"@type": kind, "reason": reason, "domain": "googleapis.com"}]
        self.refusals[method] = (code, {"error": error})


class _Server:
    def __init__(self, google: GoogleProject) -> None:
        self._google = google
        self._router = Router(google.plane, {**NOWHERE, "pubsub.googleapis.com": "http://x"})

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        host, _, path = request.path.lstrip("/").partition("/")
        method, _ = find_method(host, request.method, path)
        self._google.methods.append(method.name)
        self._google.headers = {name.lower(): value for name, value in request.headers.items()}
        if method.name in self._google.silent:
            await asyncio.Event().wait()
        if method.name in self._google.refusals:
            code, body = self._google.refusals[method.name]
            return web.json_response(body, status=code)
        answer = await self._router.handle(request)
        assert isinstance(answer, web.Response)
        if answer.status == 200:
            assert answer.text is not None
            method.document.check(json.loads(answer.text), {"$ref": method.response}, "answer")
        return answer

    async def serve(self, ready: threading.Event, stop: asyncio.Event) -> None:
        runner = web.ServerRunner(web.Server(self.handle), shutdown_timeout=0.01)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._google.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        await stop.wait()
        await runner.cleanup()


@contextmanager
def google_project() -> Iterator[GoogleProject]:
    """Serve a project in which nothing is missing, on a port of its own."""
    plane = ControlPlane(NAME)
    plane.project.enabled |= {*APIS, "cloudbilling.googleapis.com"}
    plane.project.billing_account = "012345-6789AB-CDEF01"
    plane.project.quotas = [
        quota(EMBEDDING, "5000000", base_model="gemini-embedding"),
        quota("aiplatform.googleapis.com/a_metric_of_no_model", None),
    ]
    google = GoogleProject(plane)
    loop = asyncio.new_event_loop()
    ready, stop = threading.Event(), asyncio.Event()
    serving = threading.Thread(
        target=loop.run_until_complete, args=(_Server(google).serve(ready, stop),)
    )
    serving.start()
    ready.wait()
    try:
        yield google
    finally:
        loop.call_soon_threadsafe(stop.set)
        serving.join()
        loop.close()
