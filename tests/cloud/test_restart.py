"""Pub/Sub's emulator restarted in the middle of a run: it forgets all, and the run goes on.

Only Google's emulator is restarted: pstest ends with a fault of its own when a lease is extended
whose subscription it does not know.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.servers import run_pubsub_emulator
from tests.cloud.project import Project, control
from tests.waiting import GIVE_UP_S, wait_until

pytestmark = [
    pytest.mark.needs("go"),
    pytest.mark.needs("pubsub-emulator"),
]

MESSAGES = int(os.environ.get("FAULT_RUN_MESSAGES", "1000"))
CALL_S = 1.0
PREFETCH = 128
"""As many messages a worker has begun at most; the calls of two parts each."""

CALLS_TWICE = 2 * PREFETCH
"""No part that is written is asked for again: messages that are published anew are looked up in
the ledgers first. What may be asked twice are the parts of messages that the worker had begun."""


def written(project: Project) -> int:
    """Return how many parts are written."""
    (run,) = project.run("status")["runs"]
    return int(run["written"])


def answered(project: Project) -> int:
    """Return how many calls the simulator has answered; it is asked in no time."""
    return sum(control(project.stack, "counters")["answered"].values())


@pytest.fixture
def slow_models(project: Project) -> Iterator[None]:
    """Let every call take a while, so that a run can be met in its middle."""
    control(project.stack, "latency", {"median_s": CALL_S})
    yield
    control(project.stack, "latency", {})


def check_log(project: Project, log: str) -> None:
    """Check that the worker said what is missing and what to do."""
    assert f"{project.name} no longer exists: create it again (`sightline setup`)" in log
    assert "`sightline enqueue --reconcile RUN`" in log
    assert "Traceback" not in log


def check_account(project: Project, run_id: str, parts: int) -> None:
    """Check that each part is written once, and that few were asked for twice."""
    (rest,) = project.work(1)
    assert (rest["answers"], rest["embeddings"]) == (0, 0)
    balance = project.balance(run_id)
    assert (balance["parts"], balance["written"], balance["dead"]) == (parts, parts, 0)
    assert (balance["queued"], balance["duplicates"]) == (0, 0)
    assert parts <= answered(project) <= parts + CALLS_TWICE


@pytest.mark.extended
@pytest.mark.usefixtures("slow_models")
def test_a_run_outlives_a_restart_of_pubsub(project: Project, tmp_path: Path) -> None:
    parts = 2 * MESSAGES
    with run_pubsub_emulator(tmp_path / "before.log") as pubsub:
        project.stack = replace(project.stack, pubsub=pubsub)
        project.fill(MESSAGES)
        project.run("setup")
        run_id = project.run("enqueue")["run_id"]
        worker = project.start("work", "--json", more={"SIGHTLINE_WORKER__PREFETCH": str(PREFETCH)})
        while answered(project) < parts // 3:
            with pytest.raises(subprocess.TimeoutExpired):
                worker.wait(0.1)
    port = int(pubsub.endpoint.rpartition(":")[2])
    with run_pubsub_emulator(tmp_path / "after.log", port=port) as again:
        assert again.endpoint == pubsub.endpoint
        assert answered(project) < parts, "it was restarted while there was work left"
        project.run("setup")
        assert project.run("enqueue", "--reconcile", run_id)["messages"] > 0
        assert worker.poll() is None, "the worker waits"
        wait_until(lambda: written(project) >= parts)
        worker.send_signal(signal.SIGTERM)
        out, log = worker.communicate(timeout=GIVE_UP_S)
        assert worker.returncode == 0, f"{out}\n{log}"
        check_account(project, run_id, parts)
    check_log(project, log)
