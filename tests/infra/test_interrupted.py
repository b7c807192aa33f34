"""An ``up`` whose engine is killed can be completed: cancel, repair, refresh, up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.repair import IDS, repaired
from scripts.environment import Environment
from scripts.local_cloud import Cloud
from scripts.servers import CHECKOUT
from tests.infra.engine import AFTER_GKE, DEV, NOTHING, Begin, begin, cloud, what_is_left
from tests.upgrades.kept import KeptStack, folder_of, versions
from tests.waiting import wait_until

__all__ = ["begin", "cloud"]

pytestmark = pytest.mark.needs("go")

SETTINGS = {**DEV, "fleet": "none"}
SEEN = {"id", "outputs", "dependencies", "propertyDependencies"}
"""What the engine writes of a resource when it sees the end of its creation, or of another's."""


def kill_in_the_middle(
    cloud: Cloud, folder: Path, settings: Mapping[str, str], method: str, *, after: bool
) -> None:
    """Bring a stack up, and kill engine, provider and program while a call of a method waits."""
    cloud.hold(method, after=after)
    command = [sys.executable, "-m", "tests.infra.bring_up", cloud.url, str(folder)]
    child = subprocess.Popen(
        [*command, json.dumps(settings)],
        cwd=CHECKOUT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until(lambda: cloud.held() > 0 or child.poll() is not None)
    assert child.poll() is None, "it does not end before it is killed"
    wait_until(lambda: stopped_between_writes([child.pid, *below(child.pid)], folder))
    for pid in [child.pid, *below(child.pid)]:
        os.kill(pid, signal.SIGKILL)
    child.wait()
    cloud.hold()


def stopped_between_writes(processes: list[int], folder: Path) -> bool:
    """Stop processes; let them go on, and return false, if one of them is writing the state.

    The engine writes a state file in place where it is a local one; buckets replace theirs whole.
    """
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    wait_until(lambda: all(is_stopped(process) for process in processes))
    try:
        for path in folder.rglob(".pulumi/stacks/**/*.json"):
            json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        for process in processes:
            os.kill(process, signal.SIGCONT)
        return False
    return True


def is_stopped(process: int) -> bool:
    """Return whether all threads of a process are stopped, or ended: a signal takes a moment."""
    completed = subprocess.run(
        ["ps", "-L", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False
    )
    return all(state[0] in "TtZ" for state in completed.stdout.split())


def below(process: int) -> Iterator[int]:
    """Yield the processes that a process has started, and those that they have."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False
    )
    for pid in map(int, listed.stdout.split()):
        yield pid
        yield from below(pid)


def pending(environment: Environment) -> list[Mapping[str, Any]]:
    """Return what the engine had begun and not seen the end of."""
    state = environment.stack.export_stack().deployment or {}
    return [operation["resource"] for operation in state.get("pending_operations", [])]


def is_named(key: str, text: str) -> bool:
    """Return whether something that is left should not be: it has a name, or nothing was said."""
    numbered = {"dashboards": "Dashboard", "alertPolicies": "AlertPolicy"}
    collection = key.split("/")[-2]
    return collection not in numbered or numbered[collection] not in text


def complete(begin: Begin, cloud: Cloud, settings: Mapping[str, str]) -> None:
    """Complete an ``up`` that was killed, as the guide says, and destroy what it has made."""
    environment = begin(settings)
    assert pending(environment)

    message = environment.repair()
    assert all("may be there twice" in line for line in message.splitlines())
    go_on(environment, cloud, message)


def go_on(environment: Environment, cloud: Cloud, message: str = "") -> None:
    """Refresh a repaired stack, bring it up, and destroy what it has made."""
    environment.refresh()
    assert not pending(environment)
    environment.up()

    assert set(environment.refresh().changes) == {"same"}
    assert set(environment.up().changes) == {"same"}
    environment.destroy()
    left = dict(what_is_left(cloud))
    left["kept"] = [key for key in left.get("kept", []) if is_named(key, message)]
    assert {name: value for name, value in left.items() if value} in (NOTHING, AFTER_GKE)


@pytest.mark.extended
@pytest.mark.parametrize(
    ("method", "is_made"),
    [
        pytest.param("pubsub.projects.subscriptions.create", False, id="before-google-knows"),
        pytest.param("pubsub.projects.topics.create", True, id="after-google-has-made-it"),
        pytest.param("storage.buckets.insert", False, id="before-google-knows-the-bucket"),
        pytest.param("storage.buckets.insert", True, id="after-google-has-made-the-bucket"),
    ],
)
def test_a_killed_first_up_is_completed(
    begin: Begin, cloud: Cloud, tmp_path: Path, method: str, is_made: bool
) -> None:
    kill_in_the_middle(cloud, tmp_path / "dev", SETTINGS, method, after=is_made)
    complete(begin, cloud, SETTINGS)


@pytest.mark.extended
def test_a_killed_change_of_the_fleet_is_completed(
    begin: Begin, cloud: Cloud, tmp_path: Path
) -> None:
    stack_file = folder_of(versions()[-1]) / "stack-none.json.xz"
    KeptStack.from_file(stack_file).restore(begin(SETTINGS))
    settings = {**DEV, "fleet": "job"}
    kill_in_the_middle(
        cloud, tmp_path / "dev", settings, "run.projects.locations.jobs.create", after=True
    )
    complete(begin, cloud, settings)


def test_what_was_begun_is_added_if_it_has_a_name_and_reported_if_google_numbers_it() -> None:
    def operation(kind: str, name: str, state: str = "creating") -> dict[str, Any]:
        inputs = {"project": "p", "name": name, "location": "l"}
        return {"resource": {"urn": name, "type": kind, "inputs": inputs}, "type": state}

    begun = [
        operation("gcp:pubsub/topic:Topic", "new"),
        operation("gcp:pubsub/topic:Topic", "there"),
        operation("gcp:pubsub/topic:Topic", "changed", "updating"),
        operation("gcp:monitoring/alertPolicy:AlertPolicy", "alert"),
        operation("gcp:storage/bucketIAMMember:BucketIAMMember", "grant"),
    ]
    deployment = {"resources": [{"urn": "there"}], "pending_operations": begun}
    state, unknown = repaired({"version": 3, "deployment": deployment})
    assert unknown == ["alert"]
    assert "pending_operations" not in state["deployment"]
    assert [(it["urn"], it.get("id")) for it in state["deployment"]["resources"]] == [
        ("there", None),
        ("new", "projects/p/topics/new"),
    ]


def all_begun(kept: KeptStack) -> KeptStack:
    """Return a stack of which the engine saw nothing end: what has a name is there and pending.

    Nothing that Google numbers was begun; a grant is made again.
    """
    deployment = kept.state["deployment"]
    begun = [
        {name: value for name, value in it.items() if name not in SEEN}
        for it in deployment["resources"]
        if it["type"] in IDS
    ]
    state = {
        **deployment,
        "resources": [it for it in deployment["resources"] if not it["type"].startswith("gcp:")],
        "pending_operations": [{"resource": it, "type": "creating"} for it in begun],
    }
    calls = [it for it in kept.calls if "/monitoring." not in it["target"]]
    return replace(kept, state={**kept.state, "deployment": state}, calls=calls)


@pytest.mark.extended
@pytest.mark.parametrize("fleet", ["worker-pool", "job", "gke"])
def test_whatever_was_begun_and_has_a_name_is_found(begin: Begin, cloud: Cloud, fleet: str) -> None:
    kept_stack = all_begun(
        KeptStack.from_file(folder_of(versions()[-1]) / f"stack-{fleet}.json.xz")
    )
    begun = kept_stack.state["deployment"]["pending_operations"]
    state, unknown = repaired(kept_stack.state)  # an import drops what is pending
    assert begun
    assert not unknown

    environment = begin(kept_stack.settings)
    replace(kept_stack, state=state).restore(environment)
    go_on(environment, cloud)
