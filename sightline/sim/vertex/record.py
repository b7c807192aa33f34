"""Records each call, for tests that need to know which calls were repeated, and when.

| path | methods | body |
|---|---|---|
| /control/calls | GET, PUT, DELETE | {"kept": true}; GET adds the calls, in order of arrival |

Recording is off by default, since it grows with every call. DELETE removes the recorded calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import orjson
from aiohttp import web

from sightline.sim.vertex.faults import Verb
from sightline.sim.vertex.requests import Image

UNANSWERED = "unanswered"
"""The outcome of a call that is in progress, or whose client disconnected."""

ANSWERED = "answered"
OVER_QUOTA = "over_quota"


@dataclass(slots=True)
class CallLine:
    """One call about one image (the first of several), in seconds of the server's own clock.

    ``outcome`` is one of the above, or the name of a fault. ``ended_s`` is None while the call is
    in progress.
    """

    method: Verb
    model: str
    image: str
    began_s: float
    ended_s: float | None = None
    outcome: str = UNANSWERED


class CallRecord:
    """The recorded calls, if recording is on."""

    def __init__(self) -> None:
        self.kept = False
        self.lines: list[CallLine] = []

    def began(self, method: Verb, model: str, images: Sequence[Image], *, now_s: float) -> CallLine:
        """Return the line of a new call, whose outcome the server sets."""
        line = CallLine(method, model, images[0].uri if images else "", now_s)
        if self.kept:
            self.lines.append(line)
        return line

    def routes(self) -> list[web.RouteDef]:
        """Return the routes for an application."""
        return [
            web.get("/control/calls", self._read),
            web.put("/control/calls", self._switch),
            web.delete("/control/calls", self._forget),
        ]

    async def _read(self, _: web.Request) -> web.Response:
        return self._reply()

    async def _switch(self, request: web.Request) -> web.Response:
        try:
            wanted = orjson.loads(await request.read())["kept"]
        except (ValueError, TypeError, KeyError):
            wanted = None
        if not isinstance(wanted, bool):
            body = orjson.dumps({"error": 'give {"kept": true} or {"kept": false}'})
            return web.Response(body=body, status=400, content_type="application/json")
        self.kept = wanted
        return self._reply()

    async def _forget(self, _: web.Request) -> web.Response:
        self.lines.clear()
        return self._reply()

    def _reply(self) -> web.Response:
        document = {"kept": self.kept, "calls": [asdict(line) for line in self.lines]}
        return web.Response(body=orjson.dumps(document), content_type="application/json")
