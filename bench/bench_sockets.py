"""Workers on one quota, over sockets: one that moves, one counted by the minute, one that is small.

The workers are `sightline work` processes on the local queue; the simulator counts every call.
Beside ours, what people set by hand: 64 calls at once in each worker, whatever the quota. Of the
small quotas the first 70 s, in which they are found, are not measured.
"""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.figures import Figure, report
from bench.limiter_lab.measures import (
    admitted,
    between,
    offered,
    reached_after_s,
    refused_share,
)
from bench.limiter_lab.world import Call
from bench.simulator import run_simulator
from sightline.sim.vertex import Fault, RateStep, Schedule

STEP_S = 60.0
RATES = (50.0, 20.0, 80.0)
SCHEDULE = Schedule(tuple(RateStep(n * STEP_S, rate) for n, rate in enumerate(RATES)))
ANSWER_S, REFUSAL_S = 2.0, 0.1
WORKERS = 2
BY_THE_MINUTE = Schedule.constant(2.0, window_s=60.0)
SMALL = Schedule.constant(3.0)
FOUND_S, SMALL_S = 70.0, 250.0
MESSAGES = 12_000
ENVIRONMENT = {
    "SIGHTLINE_ADAPTERS__CLASSIFY": "vertex",
    "SIGHTLINE_GCP__PROJECT": "bench",
    "SIGHTLINE_MODELS__CLASSIFY": "gemini-3.5-flash-lite",
    "SIGHTLINE_CLASSIFY_LIMIT__IN_FLIGHT": "1000",
}
BY_HAND = {
    "SIGHTLINE_CLASSIFY_LIMIT__ADAPTIVE": "false",
    "SIGHTLINE_CLASSIFY_LIMIT__IN_FLIGHT": "64",
}


def _control(url: str, topic: str, value: object = None) -> Any:
    """Read a topic of the simulator's control API, or set it."""
    body = None if value is None else json.dumps(value).encode()
    method = "GET" if body is None else "PUT"
    request = urllib.request.Request(f"{url}/control/{topic}", body, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def _table(folder: Path) -> Path:
    path = folder / "observations.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["observation_id", "asset_id", "snapshot_id", "asset_type", "latitude",
                       "longitude", "capture_time", "gcs_uri"])  # fmt: skip
        for n in range(MESSAGES):
            rows.writerow([f"o{n:06}", f"a{n:06}", "s1", "ASSET_CLASS_ROAD_SIGN", 52.0, 5.1,
                           "2026-05-01T08:00:00Z", f"gs://bucket/s1/v0/o{n:06}.jpg"])  # fmt: skip
    return path


def _calls(
    more: Mapping[str, str], schedule: Schedule, seconds: float, *, count: int = WORKERS
) -> Sequence[Call]:
    """Return the calls of so many workers in this time, timed from the schedule's start."""
    with (
        tempfile.TemporaryDirectory() as folder,
        run_simulator(median_s=ANSWER_S, refusal_s=REFUSAL_S) as url,
    ):
        own = {"SIGHTLINE_HOME": f"{folder}/home", "SIGHTLINE_VERTEX__ENDPOINT": url}
        environment = {**os.environ, **ENVIRONMENT, **own, **more}
        sightline = [sys.executable, "-m", "sightline"]
        for command in (
            ["import", str(_table(Path(folder)))],
            ["enqueue", "--task", "road_signs", "--no-embed"],
        ):
            subprocess.run([*sightline, *command, "--json"], env=environment, check=True,
                           stdout=subprocess.DEVNULL)  # fmt: skip
        _control(url, "calls", {"kept": True})
        workers = [
            subprocess.Popen(
                [*sightline, "work", "--json"],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            for _ in range(count)
        ]
        while not _control(url, "calls")["calls"]:
            time.sleep(0.05)
        steps = [{"at_s": step.at_s, "rate_per_s": step.rate_per_s} for step in schedule.steps]
        quota = {"steps": steps, "burst_s": schedule.burst_s, "window_s": schedule.window_s}
        _control(url, "schedule", quota)
        began_s = _control(url, "calls")["calls"][-1]["began_s"]
        time.sleep(seconds)
        lines = _control(url, "calls")["calls"]
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        for worker in workers:
            worker.communicate(timeout=60)
    return [_call(line, began_s) for line in lines]


def _call(line: Mapping[str, Any], began_s: float) -> Call:
    over = line["outcome"] == "over_quota"
    return Call(0, line["began_s"] - began_s, Fault.THROTTLED if over else None, over)


def _figures(name: str, calls: Sequence[Call], goals: Sequence[float | None]) -> list[Figure]:
    whole = STEP_S * len(RATES)
    seen = between(calls, 0.0, whole)
    steps = ", ".join(
        f"{reached_after_s(calls, n * STEP_S, (n + 1) * STEP_S, rate):.1f} s to {rate:.0f}/s"
        for n, rate in enumerate(RATES)
    )
    slowest_s = max(
        reached_after_s(calls, n * STEP_S, (n + 1) * STEP_S, rate) for n, rate in enumerate(RATES)
    )
    used = 100 * admitted(seen) / offered(SCHEDULE, 0.0, whole)
    return [
        Figure(f"{name}: quota used", used, "%", goals[0]),
        Figure(f"{name}: calls answered 429", 100 * refused_share(seen), "%", goals[1], "lower"),
        Figure(f"{name}: slowest step", slowest_s, "s", goals[2], "lower", steps),
    ]


def _small_figures(name: str, calls: Sequence[Call], schedule: Schedule) -> list[Figure]:
    seen = between(calls, FOUND_S, SMALL_S)
    used = 100 * admitted(seen) / offered(schedule, FOUND_S, SMALL_S)
    return [
        Figure(f"{name}: quota used", used, "%", 92.0),
        Figure(f"{name}: calls answered 429", 100 * refused_share(seen), "%", 4.0, "lower"),
    ]


def run() -> list[Figure]:
    """Measure; fifteen minutes."""
    whole_s = STEP_S * len(RATES)
    return [
        *_figures("ours", _calls({}, SCHEDULE, whole_s), (96.0, 1.5, 10.0)),
        *_figures("  64 at once in each", _calls(BY_HAND, SCHEDULE, whole_s), (None, None, None)),
        *_small_figures(
            "two workers, 120 a minute, counted by the minute",
            _calls({}, BY_THE_MINUTE, SMALL_S),
            BY_THE_MINUTE,
        ),
        *_small_figures("one worker, 3/s", _calls({}, SMALL, SMALL_S, count=1), SMALL),
    ]


if __name__ == "__main__":
    report("sockets", run())
