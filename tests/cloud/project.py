"""A project of its own on running servers, used through the command line as a person would."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

from scripts.servers import CHECKOUT
from scripts.stack import Stack
from sightline.cli import main
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.place import BigQueryPlace
from tests.secrets import SECRET
from tests.shared.unopened import write_unopened
from tests.waiting import GIVE_UP_S

QUICK = {
    "SIGHTLINE_WORKER__LEASE_S": "10",
    "SIGHTLINE_WORKER__FLUSH_S": "0.5",
    "SIGHTLINE_WORKER__DRAIN_IDLE_S": "1",
    "SIGHTLINE_WORKER__BACKOFF_S": "0.05",
    "SIGHTLINE_WORKER__MAX_BACKOFF_S": "1",
}
"""Settings that let faults pass quickly."""

OBSERVATIONS = """
CREATE TABLE `{table}` AS
SELECT
  FORMAT('o%06d', n) AS observation_id,
  FORMAT('a%06d', DIV(n, 2)) AS asset_id,
  's1' AS snapshot_id,
  'ASSET_CLASS_ROAD_SIGN' AS asset_type,
  STRUCT(52.0 + n * 0.00001 AS latitude, 5.1 AS longitude) AS location,
  TIMESTAMP '2026-05-01 08:00:00+00' AS capture_time,
  TIMESTAMP '2026-05-02 08:00:00+00' AS detection_time,
  STRUCT(STRUCT(1.0 AS x, 2.0 AS y) AS lo, STRUCT(30.0 AS x, 40.0 AS y) AS hi) AS bbox,
  STRUCT(52.0 AS latitude, 5.1 AS longitude, 2.5 AS altitude, 0.0 AS pitch, 90.0 AS heading,
    0.0 AS roll) AS camera_pose,
  CONCAT('gs://images/s1/v0/', FORMAT('o%06d', n), '.jpg') AS gcs_uri,
  CAST(NULL AS STRING) AS map_url
FROM UNNEST(GENERATE_ARRAY(0, {last})) AS n
"""
"""A table in the shape of ``latest_observations``."""


@dataclass
class Project:
    """A dataset, a topic and a source table that nobody else uses."""

    stack: Stack
    name: str = field(default_factory=lambda: f"t{uuid.uuid4().hex[:10]}")
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that set a process's dataset and topic apart."""
        return {
            **QUICK,
            "SIGHTLINE_BIGQUERY__ENDPOINT": self.stack.bigquery.endpoint,
            "SIGHTLINE_BIGQUERY__STORAGE_ENDPOINT": self.stack.bigquery.storage_endpoint,
            "SIGHTLINE_BIGQUERY__DATASET": self.name,
            "SIGHTLINE_BIGQUERY__SOURCE": self.source,
            "SIGHTLINE_PUBSUB__ENDPOINT": self.stack.pubsub.endpoint,
            "SIGHTLINE_PUBSUB__TOPIC": self.name,
            "SIGHTLINE_PUBSUB__SUBSCRIPTION": self.name,
            "SIGHTLINE_PUBSUB__DEAD_LETTER_TOPIC": f"{self.name}-dead",
            "SIGHTLINE_PUBSUB__DEAD_LETTER_SUBSCRIPTION": f"{self.name}-dead",
        }

    @property
    def source(self) -> str:
        """The full name of the table of observations."""
        return f"{self.stack.bigquery.project}.{self.name}_source.latest_observations"

    def fill(self, count: int) -> None:
        """Make so many observations, whose images nobody will open."""
        emulator = self.stack.bigquery
        place = BigQueryPlace(emulator.project, f"{self.name}_source", endpoint=emulator.endpoint)

        async def make() -> None:
            async with BigQueryClient.open(place) as client:
                await client.create_dataset()
                await client.execute(OBSERVATIONS.format(table=self.source, last=count - 1))

        asyncio.run(make())

    def start(
        self, *arguments: str, more: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start a command as a process of its own."""
        base = [sys.executable, "-m", "sightline", "--config", str(self.stack.settings)]
        process = subprocess.Popen(
            [*base, *arguments],
            env={**os.environ, **self.environment, **(more or {})},
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def finish(self, process: subprocess.Popen[str], *, code: int = 0) -> Any:
        """Wait for a command that was started with ``--json``, and return what it printed."""
        out, err = process.communicate(timeout=GIVE_UP_S)
        assert not SECRET.search(out + err), "a secret was printed"
        assert process.returncode == code, f"{process.returncode}\n{out}\n{err}"
        return json.loads(out) if out.strip() else err

    def run(self, *arguments: str, code: int = 0, more: Mapping[str, str] | None = None) -> Any:
        """Run a command to its end and return the JSON it printed."""
        return self.finish(self.start(*arguments, "--json", more=more), code=code)

    def run_here(self, *arguments: str) -> Any:
        """Run a command in this process, which saves its start; return the JSON it printed."""
        out = io.StringIO()
        with mock.patch.dict(os.environ, self.environment), contextlib.redirect_stdout(out):
            code = main(["--config", str(self.stack.settings), *arguments, "--json"])
        assert code == 0, out.getvalue()
        return json.loads(out.getvalue())

    def work(self, workers: int = 2, *, more: Mapping[str, str] | None = None) -> list[Any]:
        """Let so many workers drain the subscription; return what each says it did."""
        started = [self.start("work", "--drain", "--json", more=more) for _ in range(workers)]
        return [self.finish(worker) for worker in started]

    def dead(self) -> dict[str, int]:
        """Return the dead letters there are, by reason."""
        dead: dict[str, int] = self.run("status")["dead_letters"]
        return dead

    def balance(self, run_id: str) -> dict[str, Any]:
        """Return a run's balance, which must hold."""
        status = self.run("status", "--run", run_id, "--check")
        (balance,) = status["runs"]
        return dict(balance)

    def end(self) -> None:
        """Kill what a failed test left running."""
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate()


def control(stack: Stack, topic: str, value: Any = None, *, method: str | None = None) -> Any:
    """Read the simulator's control API, or set a topic of it."""
    body = None if value is None else json.dumps(value).encode()
    verb = method or ("GET" if body is None else "PUT")
    request = urllib.request.Request(f"{stack.vertex}/control/{topic}", body, method=verb)
    with urllib.request.urlopen(request, timeout=GIVE_UP_S) as answer:
        return json.loads(answer.read())


def set_faults(stack: Stack, kinds: Sequence[str], share: float) -> None:
    """Let each kind have its part of a share of the calls, and count anew."""
    shares = {kind: share / len(kinds) for kind in kinds}
    control(stack, "faults", {"shares": shares, "retry_delay_s": 0.2})
    control(stack, "counters", method="DELETE")


@dataclass
class KeptLocally(Project):
    """A project whose ledgers are a folder: for many messages, which the emulator cannot take."""

    folder: Path = field(kw_only=True)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that set a process's folder and topic apart."""
        own = {
            "SIGHTLINE_ADAPTERS__WAREHOUSE": "local",
            "SIGHTLINE_HOME": str(self.folder / "home"),
        }
        return {**super().environment, **own}

    def fill(self, count: int) -> None:
        """Import so many observations, whose images nobody will open."""
        table = self.folder / "observations.csv"
        write_unopened(table, count, bucket="images")
        self.run_here("import", str(table))
