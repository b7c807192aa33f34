"""An orderly stop that takes longer than a lease: all in hand is finished, nothing comes twice."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.cloud.project import Project, control
from tests.waiting import wait_until

pytestmark = pytest.mark.needs("go")

MESSAGES = 100
PARTS = 2 * MESSAGES
IN_HAND = 60
ENOUGH = 10
"""Messages in hand after which the worker asks for no more: there is room for less than a pull."""

LEASE_S = 10
"""The least that Pub/Sub grants."""
CALL_S = 12.5

SETTINGS = {
    "SIGHTLINE_WORKER__LEASE_S": str(LEASE_S),
    "SIGHTLINE_WORKER__GRACE_S": "60",
    "SIGHTLINE_CLASSIFY_LIMIT__IN_FLIGHT": str(MESSAGES),
    "SIGHTLINE_EMBED_LIMIT__IN_FLIGHT": str(MESSAGES),
}
FEW = {**SETTINGS, "SIGHTLINE_WORKER__MAX_OUTSTANDING": str(IN_HAND)}


@pytest.fixture
def long_calls(project: Project) -> Iterator[None]:
    """Let every call take longer than a lease."""
    control(project.stack, "latency", {"median_s": CALL_S})
    yield
    control(project.stack, "latency", {})


@pytest.mark.extended
@pytest.mark.usefixtures("long_calls")
def test_a_drain_longer_than_a_lease_delivers_nothing_twice(project: Project) -> None:
    project.fill(MESSAGES)
    project.run("setup")
    run_id = project.run("enqueue")["run_id"]
    stopped = project.start("work", "--json", more=FEW)
    wait_until(lambda: control(project.stack, "counters")["in_flight"] >= 2 * ENOUGH)
    stopped.send_signal(signal.SIGTERM)
    # This one has room for all: it would be given whatever the first one's leases let go.
    other = project.start("work", "--drain", "--json", more=SETTINGS)
    first = project.finish(stopped)
    second = project.finish(other)

    assert first["seconds"] > LEASE_S
    assert ENOUGH <= first["pulled"] <= IN_HAND
    assert first["acked"] == first["pulled"]
    assert second["acked"] == second["pulled"] == MESSAGES - first["pulled"]
    for summary in (first, second):
        counters = ("redelivered", "nacked", "nacked_at_stop", "leases_lost", "already_settled")
        assert {summary[name] for name in counters} == {0}, summary
    assert sum(control(project.stack, "counters")["received"].values()) == PARTS
    balance = project.balance(run_id)
    assert (balance["written"], balance["queued"], balance["duplicates"]) == (PARTS, 0, 0)
