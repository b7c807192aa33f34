"""What is done to a round, drawn from its seed alone: the same seed is the same plan."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

MESSAGES = (100, 250)
HOUR_S = 3600.0
LONGEST_OF_A_BUDGET_S = 1500.0
"""By how much clocks may differ where a run has a budget (docs/adr/0011): under half an hour."""


class Point(StrEnum):
    """Where a process kills itself: before or after the nth call of one of its ports."""

    AFTER_PULL = "after a pull"
    AFTER_CALL = "after a model's answer"
    BEFORE_WRITE = "before a write"
    AMID_WRITE = "amid a write"
    AFTER_WRITE = "after a write"
    BEFORE_ACK = "before an ack"
    AFTER_ACK = "after an ack"
    AFTER_RESERVATION = "after a budget's reservation"
    AFTER_OPEN = "after a run is opened"
    AFTER_READING = "after a range is read"
    AFTER_PUBLISH = "after a publish, before its mark"
    AFTER_MARK = "after a mark"


class Act(StrEnum):
    """What is done from outside to processes, servers and disks that are at work."""

    KILL = "SIGKILL"
    TERM = "SIGTERM"
    STOP = "SIGSTOP for longer than a lease"
    QUEUE_LOST = "the queue forgets everything"
    HANG = "models hang"
    REFUSE = "models refuse with 429"
    UNAVAILABLE = "models answer 503"
    DISK_FULL = "the disk is full"
    READ_ONLY = "the warehouse is read-only"
    JUMP = "the wall clock jumps"


class Restored(StrEnum):
    """Which half of a home is put back from an older copy, or loses a part of itself."""

    QUEUE = "an older queue is restored"
    WAREHOUSE = "an older warehouse is restored"
    MANIFESTS = "the manifests are lost"


_WORKERS_POINTS: Mapping[Point, int] = {
    Point.AFTER_PULL: 3,
    Point.AFTER_CALL: 80,
    Point.BEFORE_WRITE: 3,
    Point.AMID_WRITE: 3,
    Point.AFTER_WRITE: 3,
    Point.BEFORE_ACK: 3,
    Point.AFTER_ACK: 3,
}
"""The points of a worker's life, and which call is the last that may be drawn."""

_PRODUCERS_POINTS: Mapping[Point, int] = {
    Point.AFTER_OPEN: 1,
    Point.AFTER_READING: 6,
    Point.AFTER_PUBLISH: 6,
    Point.AFTER_MARK: 6,
}

_WEIGHTS: Mapping[Act, int] = {
    Act.KILL: 8, Act.TERM: 4, Act.STOP: 3, Act.QUEUE_LOST: 1, Act.HANG: 2, Act.REFUSE: 2,
    Act.UNAVAILABLE: 2, Act.DISK_FULL: 1, Act.READ_ONLY: 1, Act.JUMP: 2,
}  # fmt: skip

DEADLY_FAULTS = (
    "max_tokens", "safety", "prompt_blocked", "recitation", "image_unreadable", "image_too_large",
    "invalid_argument", "image_forbidden", "image_gone", "no_candidates",
)  # fmt: skip
"""Faults of one image or answer: each makes a dead letter."""

PASSING_FAULTS = ("internal", "deadline", "cancelled", "reset", "half_body", "throttled")
"""Faults that pass: none makes a dead letter."""


@dataclass(frozen=True, slots=True)
class Death:
    """A process kills itself at the ``nth`` time that it comes to a point."""

    point: Point
    nth: int


@dataclass(frozen=True, slots=True)
class RefusedWrites:
    """The warehouse refuses these writes (counted from 1), after they are durable or before."""

    first: int
    last: int
    durable: bool


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """How one worker lives. ``skew_s`` is how far its own clock is off, from ``skewed_at_s`` on."""

    death: Death | None = None
    refused: RefusedWrites | None = None
    grace_s: float = 30.0
    skew_s: float = 0.0
    skewed_at_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ProducerPlan:
    """How one producer dies: at a point, or so long after its start."""

    death: Death | None = None
    killed_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Something done when this share of the calls is answered, to one of those that live."""

    at: float
    act: Act
    which: int = 0
    for_s: float = 0.0
    amount: float = 0.0


@dataclass(frozen=True, slots=True)
class Restoration:
    """A copy that is made when this share of the calls is answered, and put back at that share."""

    what: Restored
    copied_at: float
    restored_at: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A round. ``workers`` are at work at a time; who dies is followed by the next of ``lives``."""

    seed: int
    queue: Literal["local", "pubsub"]
    messages: int
    workers: int
    range_items: int
    latency_s: float
    faults: Mapping[str, float]
    budget: Literal["", "cost", "images"]
    budget_share: float
    producers: Sequence[ProducerPlan]
    lives: Sequence[WorkerPlan]
    steps: Sequence[Step]
    compacts: bool
    simultaneous: bool = field(default=False)
    """Whether the workers are at work before the producer is done."""
    restoration: Restoration | None = None

    def life(self, number: int) -> WorkerPlan:
        """Return how the worker lives that is started as this one; later ones live in peace."""
        return self.lives[number] if number < len(self.lives) else WorkerPlan()


def plan_of(seed: int) -> Plan:
    """Return the plan that this seed is."""
    dice = random.Random(seed)
    queue: Literal["local", "pubsub"] = "pubsub" if dice.random() < 0.25 else "local"
    budget: Literal["", "cost", "images"] = ""
    # What a budget puts off waits for ten minutes, after which pstest forgets it.
    if queue == "local" and dice.random() < 0.2:
        budget = "cost" if dice.random() < 0.5 else "images"
    return Plan(
        seed=seed,
        queue=queue,
        messages=dice.randint(*MESSAGES),
        workers=dice.randint(1, 3),
        range_items=dice.choice([10, 20, 50, 5000]),
        latency_s=dice.choice([0.02, 0.05, 0.1]),
        faults=_faults(dice),
        budget=budget,
        budget_share=dice.uniform(0.3, 0.8),
        producers=[_producer(dice) for _ in range(dice.choice([0, 0, 1, 1, 2]))],
        lives=[_life(dice, limited=bool(budget)) for _ in range(dice.randint(1, 6))],
        steps=sorted(
            (_step(dice, limited=bool(budget)) for _ in range(dice.choice([0, 1, 2, 2, 3, 3, 4]))),
            key=lambda step: step.at,
        ),
        compacts=dice.random() < 0.3,
        simultaneous=dice.random() < 0.5,
        restoration=_restoration(dice, local=queue == "local", limited=bool(budget)),
    )


def _restoration(dice: random.Random, *, local: bool, limited: bool) -> Restoration | None:
    """Draw last what is restored, so that a seed's other choices are what they were before."""
    if dice.random() < 0.7:
        return None
    possible = [Restored.MANIFESTS, *([Restored.QUEUE] if local else [])]
    if local and not limited:  # a budget's events would be put back, too
        possible.append(Restored.WAREHOUSE)
    copied_at = dice.uniform(0.0, 0.6)
    return Restoration(dice.choice(possible), copied_at, dice.uniform(copied_at, 0.9))


def _faults(dice: random.Random) -> dict[str, float]:
    if dice.random() < 0.6:
        return {}
    deadly = dice.sample(DEADLY_FAULTS, 2)
    passing = dice.sample(PASSING_FAULTS, 2)
    return {
        **{kind: dice.uniform(0.005, 0.03) for kind in deadly},
        **{kind: dice.uniform(0.005, 0.05) for kind in passing},
    }


def _death(dice: random.Random, points: Mapping[Point, int]) -> Death:
    point = dice.choice(sorted(points))
    return Death(point, dice.randint(1, points[point]))


def _producer(dice: random.Random) -> ProducerPlan:
    if dice.random() < 0.5:
        return ProducerPlan(killed_at_s=dice.uniform(0.0, 0.6))
    return ProducerPlan(death=_death(dice, _PRODUCERS_POINTS))


def _life(dice: random.Random, *, limited: bool) -> WorkerPlan:
    points = {**_WORKERS_POINTS, **({Point.AFTER_RESERVATION: 4} if limited else {})}
    death = _death(dice, points) if dice.random() < 0.6 else None
    refused = None
    if dice.random() < 0.2:
        first = dice.randint(1, 3)
        refused = RefusedWrites(first, first + dice.randint(0, 3), durable=dice.random() < 0.5)
    skew_s = skewed_at_s = 0.0
    if dice.random() < 0.15:
        skew_s = _hours(dice, limited=limited)
        skewed_at_s = dice.choice([0.0, dice.uniform(0.0, 1.5)])
    return WorkerPlan(death, refused, dice.choice([0.0, 30.0, 30.0]), skew_s, skewed_at_s)


def _hours(dice: random.Random, *, limited: bool) -> float:
    most_s = LONGEST_OF_A_BUDGET_S if limited else 30 * HOUR_S
    return dice.uniform(-most_s, most_s)


def _step(dice: random.Random, *, limited: bool) -> Step:
    (act,) = dice.choices(list(_WEIGHTS), list(_WEIGHTS.values()))
    for_s = amount = 0.0
    if act is Act.STOP:
        for_s = dice.uniform(2.5, 3.5)
    elif act in {Act.HANG, Act.REFUSE, Act.UNAVAILABLE}:
        for_s, amount = dice.uniform(0.1, 0.5), dice.uniform(0.2, 0.9)
    elif act in {Act.DISK_FULL, Act.READ_ONLY}:
        for_s = dice.uniform(0.3, 0.8)
    elif act is Act.JUMP:
        amount = _hours(dice, limited=limited)
    return Step(dice.uniform(0.0, 0.9), act, dice.randrange(3), for_s, amount)
