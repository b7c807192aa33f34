"""An ``up`` whose engine is killed can be completed: cancel, repair, refresh, up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from scripts.environment import Environment
from scripts.local_cloud import Cloud
from scripts.servers import CHECKOUT
from tests.infra.engine import DEV, NOTHING, Begin, begin, cloud, what_is_left

__all__ = ["begin", "cloud"]

pytestmark = [
    pytest.mark.needs("go"),
    pytest.mark.slow,
    pytest.mark.xdist_group("infra-interrupted"),
]

SETTINGS = {**DEV, "fleet": "none"}
GIVE_UP_S = 120


def kill_in_the_middle(cloud: Cloud, folder: Path, method: str, *, after: bool) -> None:
    """Bring a stack up, and kill engine, provider and program while a call of a method waits."""
    cloud.hold(method, after=after)
    command = [sys.executable, "-m", "tests.infra.bring_up", cloud.url, str(folder)]
    child = subprocess.Popen(
        [*command, json.dumps(SETTINGS)],
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    give_up_at = time.monotonic() + GIVE_UP_S
    while not cloud.held():
        assert time.monotonic() < give_up_at
        with pytest.raises(subprocess.TimeoutExpired):  # it does not end before it is killed
            child.wait(0.05)
    while not stopped_between_writes([child.pid, *below(child.pid)], folder):
        assert time.monotonic() < give_up_at
    for one in [child.pid, *below(child.pid)]:
        os.kill(one, signal.SIGKILL)
    child.wait()
    cloud.hold()


def stopped_between_writes(processes: list[int], folder: Path) -> bool:
    """Stop processes; let them go on, and return false, if one of them is writing the state.

    The engine writes a state file in place where it is a local one; buckets replace theirs whole.
    """
    for one in processes:
        os.kill(one, signal.SIGSTOP)
    try:
        for path in folder.rglob(".pulumi/stacks/**/*.json"):
            json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        for one in processes:
            os.kill(one, signal.SIGCONT)
        return False
    return True


def below(process: int) -> Iterator[int]:
    """Yield the processes that a process has started, and those that they have."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False
    )
    for one in map(int, listed.stdout.split()):
        yield one
        yield from below(one)


def pending(environment: Environment) -> list[Mapping[str, Any]]:
    """Return what the engine had begun and not seen the end of."""
    state = environment.stack.export_stack().deployment or {}
    return [one["resource"] for one in state.get("pending_operations", [])]


def is_named(key: str, said: str) -> bool:
    """Return whether something that is left should not be: it has a name, or nothing was said."""
    numbered = {"dashboards": "Dashboard", "alertPolicies": "AlertPolicy"}
    collection = key.split("/")[-2]
    return collection not in numbered or numbered[collection] not in said


@pytest.mark.parametrize(
    ("method", "is_made"),
    [
        pytest.param("pubsub.projects.subscriptions.create", False, id="before-google-knows"),
        pytest.param("pubsub.projects.topics.create", True, id="after-google-has-made-it"),
    ],
)
def test_a_killed_up_is_completed(
    begin: Begin, cloud: Cloud, tmp_path: Path, method: str, is_made: bool
) -> None:
    kill_in_the_middle(cloud, tmp_path / "dev", method, after=is_made)
    environment = begin(SETTINGS)
    assert pending(environment)

    said = environment.repair()
    assert all("may be there twice" in one for one in said.splitlines())
    environment.refresh()
    assert not pending(environment)
    environment.up()

    assert set(environment.refresh().changes) == {"same"}
    assert set(environment.up().changes) == {"same"}
    environment.destroy()
    left = dict(what_is_left(cloud))
    left["kept"] = [one for one in left.get("kept", []) if is_named(one, said)]
    assert {name: one for name, one in left.items() if one} == NOTHING
