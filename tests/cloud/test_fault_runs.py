"""Whole runs while the models fail in every way they can: nothing lost, nothing doubled."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud.project import Project, control, set_faults
from tests.shared.given_up import GIVEN_UP

pytestmark = pytest.mark.needs("go")

MESSAGES = 5000
FEW_MESSAGES = 600
"""Of the run with all kinds that every change must pass."""
ALONE_MESSAGES = int(os.environ.get("FAULT_RUN_MESSAGES", "200"))
"""Of a run with one kind of fault alone; CONTRIBUTING.md says how to run all with 5,000."""

FEW_ALONE = 60
"""The same, of the runs that every change must pass."""

MIXED_SHARE = {MESSAGES: 0.10, FEW_MESSAGES: 0.40}
"""So that at least twelve calls are expected to meet each kind, and none is missed by chance."""

ALONE_SHARE = 0.30

PASSING = (
    "throttled", "throttled_retry_after", "throttled_retry_info", "internal", "unavailable",
    "deadline", "cancelled", "hang", "reset", "half_body",
)  # fmt: skip
"""Faults that pass: none of them makes a dead letter."""

KINDS = (*PASSING, *GIVEN_UP)

AT_FULL_SPEED = {
    "SIGHTLINE_CLASSIFY_LIMIT__ADAPTIVE": "false",
    "SIGHTLINE_EMBED_LIMIT__ADAPTIVE": "false",
}
"""A limiter that heeds refusals goes slowly, and rightly, where one call in three is refused."""

TIMEOUT_S, TIMEOUT_OF_HANGS_S = "20", "2"
"""An answer that a busy machine delivers after the timeout is asked for again, and its fault is
counted a second time. Where every third call hangs no faults are compared, and waits are short."""


def check_run(project: Project, run_id: str, parts: int) -> None:
    """Check the account, and each dead letter against what the simulator says it did."""
    status = project.run_here("status", "--run", run_id, "--check")
    (balance,) = status["runs"]
    assert (balance["parts"], balance["queued"], balance["duplicates"]) == (parts, 0, 0)
    assert balance["written"] + balance["dead"] == parts
    expected: dict[str, int] = {}
    counted = control(project.stack, "counters")["faults"]
    for kind, reason in GIVEN_UP.items():
        if counted.get(kind):
            expected[reason.value] = expected.get(reason.value, 0) + counted[kind]
    assert status["dead_letters"] == expected


def run_with(
    project: Project, kinds: tuple[str, ...], share: float, messages: int, *, workers: int
) -> None:
    project.fill(messages)
    project.run_here("setup")
    run_id = project.run_here("enqueue")["run_id"]
    set_faults(project.stack, kinds, share)
    timeout_s = TIMEOUT_OF_HANGS_S if kinds == ("hang",) else TIMEOUT_S
    project.work(workers, more={**AT_FULL_SPEED, "SIGHTLINE_WORKER__CALL_TIMEOUT_S": timeout_s})
    check_run(project, run_id, 2 * messages)


@pytest.mark.parametrize(
    "messages", [FEW_MESSAGES, pytest.param(MESSAGES, marks=pytest.mark.extended)]
)
def test_all_kinds_of_faults_together(project: Project, messages: int) -> None:
    run_with(project, KINDS, MIXED_SHARE[messages], messages, workers=2)
    counted = control(project.stack, "counters")["faults"]
    assert set(counted) == set(KINDS), "each kind was met"


def alone() -> Iterator[Any]:
    """Yield the runs with one kind: a throttle, a hang, half an answer, a loss, and then all."""
    for kind in ("throttled_retry_info", "hang", "half_body", "image_gone"):
        yield pytest.param(kind, FEW_ALONE)
    for kind in KINDS:
        yield pytest.param(kind, ALONE_MESSAGES, marks=pytest.mark.extended)


@pytest.mark.parametrize(("kind", "messages"), list(alone()))
def test_one_kind_of_fault_alone(project_kept_locally: Project, kind: str, messages: int) -> None:
    workers = 1 if messages == FEW_ALONE else 2
    run_with(project_kept_locally, (kind,), ALONE_SHARE, messages, workers=workers)
