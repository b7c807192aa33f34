"""The control API: reads and sets the behaviour of the service as JSON, while it runs.

| path | methods | body |
|---|---|---|
| /control/counters | GET, DELETE | calls by outcome |
| /control/quota | GET, PUT | {"rate_per_s": 50, "burst_s": 1, "refusal": "throttled_retry_info"} |
| /control/schedule | GET, PUT | {"steps": [{"at_s": 0, "rate_per_s": 50}], "burst_s": 1, "window_s": null, "model": "*"} |
| /control/faults | GET, PUT | {"shares": {"throttled": 0.1}, "retry_delay_s": 1} |
| /control/latency | GET, PUT | {"median_s": 2, "p99_s": 8, "refusal_s": 0.1} |

A PUT replaces the values; the times of a schedule count from the PUT. A rate of null means no quota.
A quota or schedule with a window_s, such as 60, is counted in windows of that length from the PUT,
without a bucket.
"""  # noqa: E501 - a table's line

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import orjson
from aiohttp import web

from sightline.sim.vertex.counters import Counters
from sightline.sim.vertex.faults import Fault, FaultMix
from sightline.sim.vertex.latency import Latency
from sightline.sim.vertex.quota import BURST_S, RateStep, Schedule
from sightline.sim.vertex.service import ANY_MODEL, Behaviour, Service

Change = Callable[[Behaviour, Mapping[str, Any]], Behaviour]
Show = Callable[[Behaviour], dict[str, Any]]


class Control:
    """The handlers of the control API of one service."""

    def __init__(self, service: Service, counters: Counters, now: Callable[[], float]) -> None:
        self._service = service
        self._counters = counters
        self._now = now

    def routes(self) -> list[web.RouteDef]:
        """Return the routes for an application."""
        topics: dict[str, tuple[Show, Change]] = {
            "quota": (_show_quota, _change_quota),
            "schedule": (_show_schedule, _change_schedule),
            "faults": (_show_faults, _change_faults),
            "latency": (_show_latency, _change_latency),
        }
        routes = [
            web.get("/control/counters", self._read_counters),
            web.delete("/control/counters", self._clear_counters),
        ]
        for topic, (show, change) in topics.items():
            routes.append(web.get(f"/control/{topic}", self._reader(show)))
            routes.append(web.put(f"/control/{topic}", self._writer(show, change)))
        return routes

    async def _read_counters(self, _: web.Request) -> web.Response:
        return _json(self._counters.to_json())

    async def _clear_counters(self, _: web.Request) -> web.Response:
        self._counters.clear()
        return _json(self._counters.to_json())

    def _reader(self, show: Show) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def read(_: web.Request) -> web.Response:
            return _json(show(self._service.behaviour))

        return read

    def _writer(
        self, show: Show, change: Change
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def write(request: web.Request) -> web.Response:
            try:
                changes = orjson.loads(await request.read())
                behaviour = change(self._service.behaviour, changes)
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                return _json({"error": f"{type(error).__name__}: {error}"}, status=400)
            self._service.behave(behaviour, now_s=self._now())
            return _json(show(behaviour))

        return write


def _json(value: object, *, status: int = 200) -> web.Response:
    return web.Response(
        body=orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS),
        status=status,
        content_type="application/json",
        charset="utf-8",
    )


def _show_quota(how: Behaviour) -> dict[str, Any]:
    schedule = how.schedules.get(ANY_MODEL, Schedule())
    return {
        "rate_per_s": schedule.steps[0].rate_per_s if len(schedule.steps) == 1 else None,
        "burst_s": schedule.burst_s,
        "window_s": schedule.window_s,
        "refusal": how.refusal.value,
        "scheduled": len(schedule.steps) > 1,
    }


def _change_quota(how: Behaviour, change: Mapping[str, Any]) -> Behaviour:
    step = RateStep(0.0, change["rate_per_s"])
    schedule = _schedule_of([step], change)
    refusal = Fault(change.get("refusal", how.refusal))
    schedules = {**how.schedules, str(change.get("model", ANY_MODEL)): schedule}
    return replace(how, schedules=schedules, refusal=refusal)


def _show_schedule(how: Behaviour) -> dict[str, Any]:
    return {"schedules": {model: asdict(schedule) for model, schedule in how.schedules.items()}}


def _change_schedule(how: Behaviour, change: Mapping[str, Any]) -> Behaviour:
    steps = [RateStep(float(step["at_s"]), step["rate_per_s"]) for step in change["steps"]]
    schedule = _schedule_of(steps, change)
    return replace(how, schedules={**how.schedules, str(change.get("model", ANY_MODEL)): schedule})


def _schedule_of(steps: Sequence[RateStep], change: Mapping[str, Any]) -> Schedule:
    window_s = change.get("window_s")
    return Schedule.of(
        steps,
        burst_s=float(change.get("burst_s", BURST_S)),
        window_s=None if window_s is None else float(window_s),
    )


def _show_faults(how: Behaviour) -> dict[str, Any]:
    return {"shares": dict(how.faults.shares), "retry_delay_s": how.faults.retry_delay_s}


def _change_faults(how: Behaviour, change: Mapping[str, Any]) -> Behaviour:
    shares = {Fault(kind): float(share) for kind, share in change["shares"].items()}
    delay_s = float(change.get("retry_delay_s", how.faults.retry_delay_s))
    return replace(how, faults=FaultMix(shares, delay_s))


def _show_latency(how: Behaviour) -> dict[str, Any]:
    return asdict(how.latency)


def _change_latency(how: Behaviour, change: Mapping[str, Any]) -> Behaviour:
    return replace(how, latency=Latency(**{key: float(value) for key, value in change.items()}))
