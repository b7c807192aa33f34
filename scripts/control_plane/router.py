"""The one address that the provider talks to: checks a request, records it, has it answered.

A request's path begins with the host it is meant for: ``/run.googleapis.com/v2/projects/…``. What
is meant for anywhere else arrives here as a proxy's request; it is recorded as stray, and refused.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import unquote

import aiohttp
import grpc.aio
from aiohttp import web

from scripts.control_plane.calls import Call, key_of, merge
from scripts.control_plane.discovery import Method, RefusedError, camel, find_method
from scripts.control_plane.gaps import EMULATED, Gap, gaps_of, respelt
from scripts.control_plane.plane import ControlPlane
from scripts.control_plane.pstest import send_to_pstest

_POLICIES = {"getIamPolicy", "setIamPolicy", "testIamPermissions"}
_ALWAYS_ENABLED = {"serviceusage.googleapis.com"}
_ENVELOPES = {"pubsub topics": "topic", "pubsub subscriptions": "subscription"}
"""Updates whose body holds the resource in a field."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that came, and who answered it: ``emulator``, ``control plane`` or ``nobody``.

    ``target`` and ``body`` are the request's own, to the letter, so that it can be made again.
    """

    verb: str
    host: str
    path: str
    method: str
    by: str
    status: int
    error: str = ""
    target: str = ""
    body: str = ""


@dataclass
class Hold:
    """Lets calls of one method wait for good, before or after they take effect."""

    method: str = ""
    after: bool = True
    skip: int = 0
    held: int = 0


@dataclass
class Router:
    """Routes requests. ``emulators`` has the URL of each emulated host; pstest's has no scheme."""

    plane: ControlPlane
    emulators: Mapping[str, str]
    seen: list[Seen] = field(default_factory=list)
    strays: list[str] = field(default_factory=list)
    remembered: dict[str, dict[str, Any]] = field(default_factory=dict)
    hold: Hold = field(default_factory=Hold)

    async def open(self) -> None:
        """Open connections to the emulators."""
        self._session = aiohttp.ClientSession()
        pubsub = self.emulators["pubsub.googleapis.com"]
        self._pstest = None if "://" in pubsub else grpc.aio.insecure_channel(pubsub)

    async def close(self) -> None:
        """Close them."""
        await self._session.close()
        if self._pstest is not None:
            await self._pstest.close()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer any request."""
        if request.method == "CONNECT" or request.raw_path.startswith("http"):
            self.strays.append(f"{request.method} {request.raw_path}")
            return web.Response(
                status=403, text="nothing outside this machine is reached from here"
            )
        host, _, path = _decoded(request.rel_url.raw_path).lstrip("/").partition("/")
        if host == "-":
            return await self._control(request, path)
        method = ""
        by = "nobody"
        try:
            method_called, _ = find_method(host, request.method, path)
            method = method_called.name
            call = await self._read(request, host, path, method_called)
            await self._wait_if(call, after=False)
            by, status, answer = await self._answer(call)
            await self._wait_if(call, after=True)
        except RefusedError as error:
            status, answer = error.code, _error(error)
        message = answer.get("error", {}).get("message", "") if status >= 400 else ""
        verb, target, body = request.method, request.rel_url.raw_path_qs, await request.text()
        self.seen.append(Seen(verb, host, path, method, by, status, message, target, body))
        return web.json_response(answer, status=status)

    async def _read(self, request: web.BaseRequest, host: str, path: str, method: Method) -> Call:
        text = await request.text()
        try:
            body = json.loads(text) if text.strip() else {}
        except ValueError:
            raise RefusedError.argument("Invalid JSON payload received.") from None
        method.check_query(request.query)
        query = {camel(key): ",".join(request.query.getall(key)) for key in request.query}
        method.check_body(body)
        if host not in _ALWAYS_ENABLED:
            self.plane.project.check_enabled(host)
        name = resource_name(path, method, self.plane.project.name)
        return Call(method, host, name, query, body)

    async def _answer(self, call: Call) -> tuple[str, int, Mapping[str, Any]]:
        if call.host not in EMULATED:
            return "control plane", 200, self.plane.answer(call)
        ours = self.plane.has(call)
        gaps = gaps_of(call.method.name, call.body, ours=ours)
        if any(gap.is_whole for gap in gaps):
            if call.method.action in _POLICIES and not ours:
                await self._check_emulator_has(call)
            return "control plane", 200, self.plane.answer(call)
        return "emulator", *await self._forward(call, gaps)

    async def _forward(self, call: Call, gaps: Sequence[Gap]) -> tuple[int, Mapping[str, Any]]:
        fields = {name for gap in gaps for name in gap.fields}
        body, query = dict(call.body), dict(call.query)
        envelope = _ENVELOPES.get(f"{call.service} {call.method.collection}", "")
        if envelope in body and "updateMask" in query:
            body["updateMask"] = query.pop("updateMask")
        inner = body.get(envelope, body) if call.method.action == "patch" else body
        kept = {name: value for name, value in inner.items() if name in fields}
        left = {name: value for name, value in inner.items() if name not in fields}
        mask = [part for part in body.get("updateMask", "").split(",") if part]
        is_masked = bool(mask) and inner is not body
        if is_masked:
            kept |= {part: None for part in mask if part in fields and part not in kept}
            rest = [part for part in mask if part.partition(".")[0] not in fields]
            body = {envelope: left, "updateMask": ",".join(rest)}
        else:
            body = left
        if any(gap.respells for gap in gaps) and "schema" in body:
            body = {**body, "schema": respelt(body["schema"])}
        if is_masked and not rest:
            status, answer = await self._send(call, "GET", call.name, {}, {})
        else:
            status, answer = await self._send(call, call.method.verb, call.name, query, body)
        if status >= 400:
            is_there = status == 500 and "already created" in json.dumps(answer)
            return (409 if is_there else status), answer
        name = _made(call)
        key = key_of(call.service, name)
        if call.method.action == "delete":
            self.remembered.pop(key, None)
            self.plane.drop(call)
        elif gaps:
            if call.method.action in {"create", "insert"}:
                filled = call.kind.filled
                self.remembered[key] = dict(filled(name, call.body)) if filled else {}
            merge(self.remembered.setdefault(key, {}), kept)
        merged = dict(answer)
        merge(merged, self.remembered.get(key, {}))
        return status, merged

    async def _check_emulator_has(self, call: Call) -> None:
        status, _ = await self._send(call, "GET", call.name, {}, {})
        if status == 404:
            raise RefusedError(404, "NOT_FOUND", f"Resource '{call.name}' was not found")

    async def _send(
        self, call: Call, verb: str, name: str, query: Mapping[str, str], body: Mapping[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        base = self.emulators[call.host]
        method = call.method
        if verb == "GET" and method.verb != "GET":
            method, _ = find_method(call.host, "GET", method.prefix + name)
        if self._pstest is not None and call.host == "pubsub.googleapis.com":
            return await send_to_pstest(self._pstest, method, name, body)
        url = f"{base}/{method.prefix}{name}"
        has_body = verb in {"POST", "PUT", "PATCH"}
        async with self._session.request(
            verb, url, params=query, json=body if has_body else None
        ) as answer:
            text = await answer.text()
            try:
                return answer.status, json.loads(text or "null") or {}
            except ValueError:
                return answer.status, {"error": {"code": answer.status, "message": text}}

    # For tests: what was asked, what is there, and calls that never end.

    async def _wait_if(self, call: Call, *, after: bool) -> None:
        hold = self.hold
        if hold.method != call.method.name or hold.after is not after:
            return
        if hold.skip:
            hold.skip -= 1
            return
        hold.held += 1
        await asyncio.Event().wait()

    async def _control(self, request: web.BaseRequest, topic: str) -> web.StreamResponse:
        if topic == "requests":
            if request.method == "DELETE":
                self.seen.clear()
            report: Any = {
                "requests": [asdict(request) for request in self.seen],
                "strays": self.strays,
            }
        elif topic == "hold":
            if request.method == "PUT":
                self.hold = Hold(**await request.json())
            report = asdict(self.hold)
        else:
            report = {
                "resources": self.plane.resources, "policies": self.plane.policies.all(),
                "remembered": self.remembered, "enabled": sorted(self.plane.project.enabled),
            }  # fmt: skip
        return web.json_response(report)


def _decoded(path: str) -> str:
    """Decode a path, but for names of objects that hold a slash."""
    parts = path.split("/")
    return "/".join(part if "%2f" in part.lower() else unquote(part) for part in parts)


def resource_name(path: str, method: Method, project: str) -> str:
    """Return the name of what a path is about: without version, verb and the like."""
    name = path.removeprefix(method.prefix)
    parent, _, last = name.rpartition("/")
    if ":" in last:
        last = last.rpartition(":")[0]
    name = f"{parent}/{last}" if parent else last
    if method.name.startswith("storage.buckets.") and method.action in _POLICIES:
        name = "/".join(name.split("/")[:2])
    return name.replace("projects/-/", f"projects/{project}/")


def _made(call: Call) -> str:
    """Return the name of what a call was about, also of what it has made."""
    if call.method.action == "insert" and call.kind.named is not None:
        return f"{call.name}/{call.kind.named(call.body, call.name)}"
    return call.name


def _error(error: RefusedError) -> dict[str, Any]:
    error_body = {"code": error.code, "message": str(error), "status": error.status}
    usual = {404: "notFound", 409: "alreadyExists", 403: "forbidden"}.get(error.code, "badRequest")
    reasons = [{"message": str(error), "reason": error.reason or usual}]
    if error.reason == "accessNotConfigured":
        info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED"}
        error_body["details"] = [{**info, "domain": "googleapis.com"}]
    return {"error": {**error_body, "errors": reasons}}
