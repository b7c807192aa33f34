"""How the service is told to behave in words: "0s:50,60s:20" and "throttled=0.1". Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sightline.sim.vertex.faults import Fault, FaultMix
from sightline.sim.vertex.quota import RateStep, Schedule

_STEP = re.compile(r"(\d+(?:\.\d+)?)s:(\d+(?:\.\d+)?|none)")


def schedule_of(text: str) -> Schedule:
    """Return the schedule that "0s:50,60s:20,120s:none" says.

    Raises:
        ValueError: it says none.
    """
    steps: list[RateStep] = []
    for step in text.split(","):
        match = _STEP.fullmatch(step.strip())
        if match is None:
            raise ValueError(
                f"{step!r} is not a step of a quota; write SECONDSs:CALLS_A_SECOND, 0s:50,60s:20"
                " say"
            )
        rate = None if match[2] == "none" else float(match[2])
        steps.append(RateStep(float(match[1]), rate))
    return Schedule.of(steps)


def faults_of(texts: Iterable[str]) -> FaultMix:
    """Return the mix that "throttled=0.1" and others like it say together.

    Raises:
        ValueError: one of them says none, or they are more than all calls.
    """
    shares: dict[Fault, float] = {}
    for text in texts:
        kind, _, share = text.partition("=")
        try:
            shares[Fault(kind)] = float(share)
        except ValueError:
            known = ", ".join(Fault)
            raise ValueError(
                f"{text!r} is not a share of a fault; write KIND=SHARE, throttled=0.1 say, of"
                f" {known}"
            ) from None
    return FaultMix(shares)
