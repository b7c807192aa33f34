"""Parses the options for the service's behaviour: "0s:50,60s:20" and "throttled=0.1". Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sightline.sim.vertex.faults import Fault, FaultMix
from sightline.sim.vertex.quota import RateStep, Schedule

_STEP = re.compile(r"(\d+(?:\.\d+)?)s:(\d+(?:\.\d+)?|none)")


def schedule_of(text: str) -> Schedule:
    """Return the schedule in a text such as "0s:50,60s:20,120s:none".

    Raises:
        ValueError: the text is invalid.
    """
    steps: list[RateStep] = []
    for step in text.split(","):
        match = _STEP.fullmatch(step.strip())
        if match is None:
            raise ValueError(
                f"{step!r} is not a step of a quota; write SECONDSs:CALLS_A_SECOND, such as"
                " 0s:50,60s:20"
            )
        rate = None if match[2] == "none" else float(match[2])
        steps.append(RateStep(float(match[1]), rate))
    return Schedule.of(steps)


def faults_of(texts: Iterable[str]) -> FaultMix:
    """Return the fault mix of texts such as "throttled=0.1".

    Raises:
        ValueError: a text is invalid, or the shares add up to more than 1.
    """
    shares: dict[Fault, float] = {}
    for text in texts:
        kind, _, share = text.partition("=")
        try:
            shares[Fault(kind)] = float(share)
        except ValueError:
            known = ", ".join(Fault)
            raise ValueError(
                f"{text!r} is not a share of a fault; write KIND=SHARE, such as throttled=0.1, of"
                f" {known}"
            ) from None
    return FaultMix(shares)
