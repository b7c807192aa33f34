"""Decides the outcome of each call: quota, then faults, then latency. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from sightline.sim.vertex.faults import THROTTLES, Fault, FaultMix, Verb
from sightline.sim.vertex.latency import Latency
from sightline.sim.vertex.quota import Quota, Schedule

ANY_MODEL = "*"
"""The key of the schedule for all models that have none of their own."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the service behaves. Each model has its own bucket, even with the ``ANY_MODEL`` schedule.

    ``refusal`` is how a call over the quota is refused: with or without a retry delay.
    """

    schedules: Mapping[str, Schedule] = field(default_factory=lambda: {ANY_MODEL: Schedule()})
    faults: FaultMix = field(default_factory=FaultMix)
    latency: Latency = field(default_factory=Latency)
    refusal: Fault = Fault.THROTTLED

    def __post_init__(self) -> None:
        """Check the kind of refusal."""
        if self.refusal not in THROTTLES:
            accepted = ", ".join(sorted(THROTTLES))
            raise ValueError(f"refusal = {self.refusal} is not accepted; accepted: {accepted}")


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of a call after ``delay_s``: a fault, or an answer if there is none."""

    fault: Fault | None
    delay_s: float
    over_quota: bool = False
    retry_delay_s: float = 1.0


class Service:
    """Decides the outcome of calls in order, by its present behaviour."""

    def __init__(self, behaviour: Behaviour, dice: random.Random, *, now_s: float) -> None:
        self._dice = dice
        self._behaviour = behaviour
        self._started_s = now_s
        self._quotas: dict[str, Quota] = {}

    @property
    def behaviour(self) -> Behaviour:
        """The present behaviour of the service."""
        return self._behaviour

    def behave(self, behaviour: Behaviour, *, now_s: float) -> None:
        """Replace the behaviour; changed schedules start now, with full buckets."""
        if behaviour.schedules != self._behaviour.schedules:
            self._started_s = now_s
            self._quotas.clear()
        self._behaviour = behaviour

    def decide(self, model: str, verb: Verb, *, now_s: float) -> Decision:
        """Return the outcome of a call of this model's method at this time."""
        how = self._behaviour
        quota = self.quota(model)
        if not quota.admit(now_s):
            return Decision(how.refusal, how.latency.refusal_s, True, quota.wait_s(now_s))
        fault = how.faults.draw(self._dice.random(), verb)
        answer_s = how.latency.answer_s(self._dice)
        quick = fault in THROTTLES
        return Decision(
            fault,
            how.latency.refusal_s if quick else answer_s,
            retry_delay_s=how.faults.retry_delay_s,
        )

    def quota(self, model: str) -> Quota:
        """Return a model's bucket."""
        if model not in self._quotas:
            schedules = self._behaviour.schedules
            schedule = schedules.get(model) or schedules.get(ANY_MODEL) or Schedule()
            self._quotas[model] = Quota(schedule, now_s=self._started_s)
        return self._quotas[model]
