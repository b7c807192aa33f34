"""Rounds of everything at once: workers, producers, queues, models, disks and clocks that fail.

``make chaos ROUNDS=300 SEED=1`` runs the rounds of the seeds 1 to 300; a round that fails prints
the command that repeats it. Its choices are those of its seed; at which instants they are met is
the machine's affair.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.checks import problems
from tests.chaos.evidence import Evidence
from tests.chaos.plan import plan_of
from tests.chaos.round import Round
from tests.chaos.stage import Stage, open_stage
from tests.chaos.tally import TALLY

FIRST_SEED = int(os.environ.get("CHAOS_SEED") or 1903)
ROUNDS = int(os.environ.get("CHAOS_ROUNDS") or 6)
"""Unless it is said: the six rounds in a row of the first 3,000 that do most between them."""
FIRST_TIER_ROUNDS = 1
"""How many of the six every change must pass; rounds that are asked for are all run."""

pytestmark = [
    pytest.mark.needs("unshare"),
    pytest.mark.needs("go"),
    pytest.mark.xdist_group("chaos"),
]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Yield the servers that all rounds share."""
    with open_stage(tmp_path_factory.mktemp("stage")) as opened:
        yield opened


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(FIRST_SEED + n, marks=[pytest.mark.extended] if n >= FIRST_TIER_ROUNDS else [])
        for n in range(ROUNDS)
    ],
)
def test_nothing_is_lost_or_paid_twice_whatever_happens(
    stage: Stage, tmp_path: Path, seed: int
) -> None:
    plan = plan_of(seed)
    print(f"again: make chaos ROUNDS=1 SEED={seed}\n{plan}")
    evidence = Round(plan, stage, tmp_path / "round").run()
    TALLY.count(evidence)
    faults = problems(evidence)
    if faults:
        print(_told(evidence))
    assert faults == []
    shutil.rmtree(tmp_path)


def _told(evidence: Evidence) -> str:
    """Return what happened in the order of time."""
    began_s = min((call.began_s for call in evidence.calls), default=0.0)
    lines = [(happening.began_s, f"{happening.what} until {happening.ended_s - began_s:.3f}")
             for happening in evidence.happenings]  # fmt: skip
    lines += [(note["at_s"], str(note)) for note in evidence.notes]
    return "\n".join(f"{at_s - began_s:9.3f} {text}" for at_s, text in sorted(lines))
