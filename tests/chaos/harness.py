"""A home folder with real processes around it, to be killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sightline.model import Balance
from sightline.settings import load_settings
from sightline.wiring.engine import open_engine
from tests.shared.unopened import write_unopened
from tests.waiting import GIVE_UP_S

CHECKOUT = Path(__file__).parents[2]

NOOP = {
    "SIGHTLINE_MODELS__CLASSIFY": "noop",
    "SIGHTLINE_MODELS__EMBED": "noop",
    "SIGHTLINE_MODELS__EMBED_DIMENSION": "8",
    "SIGHTLINE_WORKER__LEASE_S": "2",
    "SIGHTLINE_WORKER__FLUSH_S": "0.3",
    "SIGHTLINE_WORKER__DRAIN_IDLE_S": "0.5",
}
"""Models that cost nothing and short leases, so that rounds are quick."""


def seed() -> int:
    """Return the seed of this round; CHAOS_SEED repeats one. Printed by the tests."""
    return int(os.environ.get("CHAOS_SEED") or int.from_bytes(os.urandom(4)))


@dataclass
class Home:
    """A local engine's folder, and the environment of the processes that use it."""

    path: Path
    environment: dict[str, str] = field(default_factory=lambda: dict(NOOP))
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def env(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return a process's environment."""
        own = {"SIGHTLINE_HOME": str(self.path), **self.environment, **(more or {})}
        return {**os.environ, **own}

    def start(
        self, *arguments: str, more: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Start a command as a process of its own."""
        process = subprocess.Popen(
            [sys.executable, "-m", "sightline", *arguments],
            env=self.env(more),
            cwd=CHECKOUT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def end(self) -> None:
        """Kill what a failed test left running."""
        for process in self.started:
            if process.poll() is None:
                kill(process)

    def run(self, *arguments: str, code: int = 0, more: Mapping[str, str] | None = None) -> Any:
        """Run a command to its end and return the JSON it printed."""
        process = self.start(*arguments, "--json", more=more)
        out, err = process.communicate(timeout=GIVE_UP_S)
        assert process.returncode == code, f"{arguments}: {process.returncode}\n{out}\n{err}"
        return json.loads(out) if out.strip() else err

    def fill(self, count: int) -> None:
        """Import ``count`` observations whose images nobody will open."""
        table = self.path.parent / "observations.csv"
        write_unopened(table, count, bucket="bucket")
        self.run("import", str(table))

    def balance(self, run_id: str) -> Balance:
        """Return the run's balance at this moment, read in this process."""
        settings = load_settings(environment={}, overrides={"home": self.path})

        async def read() -> Balance:
            async with open_engine(settings) as engine:
                return await engine.runs.balance(run_id)

        return asyncio.run(read())

    def sql(self, query: str) -> list[dict[str, Any]]:
        """Ask the warehouse."""
        rows: list[dict[str, Any]] = self.run("sql", query)
        return rows


def kill(process: subprocess.Popen[str], number: signal.Signals = signal.SIGKILL) -> None:
    """Kill a process that this test started, and wait for its end."""
    process.send_signal(number)
    process.communicate(timeout=GIVE_UP_S)


def assert_settled_once(home: Home, run_id: str, parts: int, kinds: Sequence[str]) -> None:
    """Assert that every part is written once in the ``_all`` views or dead, and none is lost."""
    balance = home.balance(run_id)
    assert balance.parts == parts
    assert balance.holds, balance
    assert balance.settled, balance
    assert balance.awaiting_ack == 0, balance
    row_count = 0
    for view in kinds:
        (row,) = home.sql(f"select count(*) n, count(distinct part_key) keys from {view}")
        assert row["n"] == row["keys"]
        row_count += row["n"]
    assert row_count + balance.dead == parts
