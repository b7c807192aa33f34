"""Real workers, as those who watch them see them: lines, numbers, a collector of their own."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)

from sightline.ports import Outgoing
from sightline.settings import load_settings
from sightline.wiring.engine import open_engine
from tests.chaos.harness import Home
from tests.waiting import GIVE_UP_S

SERVED = re.compile(r"metrics are at (http://127\.0\.0\.1:\d+/metrics)")


def publish(home: Home, body: bytes, attributes: Mapping[str, str]) -> None:
    """Publish one message to the home's queue, whatever it is."""
    settings = load_settings(environment={}, overrides={"home": home.path})

    async def publishing() -> None:
        async with open_engine(settings) as engine:
            await engine.publisher.publish([Outgoing(body, attributes)], batch_key="by hand")

    asyncio.run(publishing())


def lines_until(
    process: subprocess.Popen[str], done: Callable[[dict[str, Any]], bool]
) -> list[dict[str, Any]]:
    """Read lines of JSON from a process until one is what is waited for."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(json.loads(line))
        if done(lines[-1]):
            return lines
    raise AssertionError(f"the process has ended before; its last line: {lines[-1:]}")


def stop(process: subprocess.Popen[str]) -> tuple[list[dict[str, Any]], str]:
    """Stop a worker in order; return the lines it still printed, and what it said."""
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=GIVE_UP_S)
    assert process.returncode == 0, err
    return [json.loads(line) for line in out.splitlines()], err


def url_of(process: subprocess.Popen[str]) -> str:
    """Return where a worker says that its metrics are; it says so first."""
    assert process.stderr is not None
    line = process.stderr.readline()
    match = SERVED.search(line)
    assert match, line
    return match[1]


@dataclass
class Collector:
    """An OpenTelemetry collector: keeps what it is sent. ``answer`` is set before it answers."""

    url: str = ""
    requests: list[ExportMetricsServiceRequest] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    reached: threading.Event = field(default_factory=threading.Event)
    answer: threading.Event = field(default_factory=threading.Event)

    def values(self) -> dict[tuple[str, frozenset[tuple[str, str]]], Any]:
        """Return the last data point of every series."""
        values = {}
        for request in self.requests:
            for resource in request.resource_metrics:
                for scope in resource.scope_metrics:
                    for metric in scope.metrics:
                        for point in getattr(metric, metric.WhichOneof("data")).data_points:
                            labels = frozenset(
                                (attribute.key, attribute.value.string_value)
                                for attribute in point.attributes
                            )
                            values[metric.name, labels] = point
        return values

    def number(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's last numbers that have these attributes."""
        labels_wanted = {(key.replace("__", "."), value) for key, value in labels.items()}
        return sum(
            float(point.as_double + point.as_int)
            for (metric, have), point in self.values().items()
            if metric == name and labels_wanted <= have
        )

    def resource(self) -> dict[str, str]:
        """Return who sent the last request."""
        attributes = self.requests[-1].resource_metrics[0].resource.attributes
        return {attribute.key: attribute.value.string_value for attribute in attributes}


@contextmanager
def collecting(*, answers: bool = True) -> Iterator[Collector]:
    """Run a collector; one that does not answer yet takes requests, and lets them wait."""
    collector = Collector()
    if answers:
        collector.answer.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.requests.append(ExportMetricsServiceRequest.FromString(body))
            collector.headers.append(dict(self.headers))
            collector.paths.append(self.path)
            collector.reached.set()
            collector.answer.wait()
            try:
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
            except OSError:
                pass  # nobody waits for the answer any more

        def log_message(self, *_: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield collector
    finally:
        collector.answer.set()
        server.shutdown()
        server.server_close()
        thread.join()
