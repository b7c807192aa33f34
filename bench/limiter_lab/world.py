"""Workers, a network and a model service in virtual time: a discrete-event simulation.

The service's quotas, faults and latencies are those of the socket simulator
(``sightline.sim.vertex``). Workers always have work; what holds a call back is its policy alone.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Protocol, runtime_checkable

from sightline.ports import QuotaBelief, Remembered
from sightline.sim.vertex import Behaviour, Decision, Fault, Service, Verb
from sightline.sim.vertex.faults import THROTTLES
from worker.limiting import LimiterSnapshot, Outcome, Sample

NETWORK_S = (0.005, 0.02)
"""One way takes between these."""

TIMEOUT_S = 120.0

PEERS_EVERY_S = 5.0
"""So often workers are told of each other, where they are."""


class Policy(Protocol):
    """Decides when one worker's calls go. ``wait_s`` ``inf``: not before one is done."""

    def wait_s(self, now_s: float) -> float:
        """Return the seconds until a call may be sent."""
        ...

    def sent(self, now_s: float) -> None:
        """Take note of a call that is sent."""
        ...

    def done(self, now_s: float, sample: Sample) -> None:
        """Take note of a call that is done."""
        ...


@runtime_checkable
class PeersPolicy(Policy, Protocol):
    """A policy that is told how many share the quota, and their mean rate."""

    def hear_peers(self, now_s: float, count: int, mean_per_s: float) -> None:
        """Take note of them."""
        ...

    def remember(self, now_s: float, remembered: Remembered) -> None:
        """Take note of what was believed a while ago."""
        ...

    def believed(self) -> QuotaBelief | None:
        """Return what it believes, once it found the quota."""
        ...

    def snapshot(self, now_s: float) -> LimiterSnapshot:
        """Return the rate, among other things."""
        ...


@dataclass(frozen=True, slots=True)
class Stay:
    """When a worker works."""

    join_s: float = 0.0
    leave_s: float = inf


@dataclass(slots=True)
class Call:
    """One call, and what became of it."""

    worker: int
    sent_s: float
    fault: Fault | None = None
    over_quota: bool = False
    done_s: float = inf

    @property
    def refused(self) -> bool:
        """Whether it was answered 429."""
        return self.fault in THROTTLES

    @property
    def unanswered(self) -> bool:
        """Whether it was admitted and is still under way."""
        return self.fault is None and self.done_s == inf

    @property
    def good(self) -> bool:
        """Whether it was answered."""
        return self.fault is None and self.done_s < inf


class Model(Protocol):
    """What decides about calls: the simulator's service, or one that queues."""

    def decide(self, model: str, verb: Verb, *, now_s: float) -> Decision:
        """Decide about a call that arrives now."""
        ...


class QueueingModel:
    """Answers one call after the other at a steady pace, and refuses none: latency grows."""

    def __init__(self, rate_per_s: float, answer_s: float) -> None:
        self._gap_s = 1.0 / rate_per_s
        self._answer_s = answer_s
        self._free_s = 0.0

    def decide(self, model: str, verb: Verb, *, now_s: float) -> Decision:  # noqa: ARG002
        """Queue the call."""
        self._free_s = max(self._free_s, now_s) + self._gap_s
        return Decision(None, self._free_s - now_s + self._answer_s)


@dataclass
class World:
    """One run: who works when, on what, until when; ``cap`` is of each worker's calls at once."""

    make_policy: Callable[[random.Random], Policy]
    stays: Sequence[Stay]
    model: Model
    seconds: float
    dice: random.Random
    changes: Sequence[tuple[float, Behaviour]] = ()
    cap: float = inf
    told_peers: bool = False
    peers_every_s: float = PEERS_EVERY_S
    memory: Remembered | None = None
    calls: list[Call] = field(default_factory=list)
    most_in_flight: int = 0

    def run(self) -> list[Call]:
        """Let everything happen; return the calls in the order in which they were sent."""
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._count = 0
        self._workers = [_Worker(self, place, stay) for place, stay in enumerate(self.stays)]
        for at_s, behaviour in self.changes:
            self.at(at_s, self._change(behaviour))
        if self.told_peers:  # before they send
            for stay in self.stays:
                self.at(stay.join_s, lambda now_s: self._tell_peers(now_s, again=False))
            self.at(self.peers_every_s, self._tell_peers)
        for worker in self._workers:
            self.at(worker.stay.join_s, worker.wake)
        while self._events and self._events[0][0] < self.seconds:
            now_s, _, act = heapq.heappop(self._events)
            act(now_s)
        return self.calls

    def at(self, at_s: float, act: Callable[[float], None]) -> None:
        """Let something happen then."""
        self._count += 1
        heapq.heappush(self._events, (at_s, self._count, act))

    def _tell_peers(self, now_s: float, *, again: bool = True) -> None:
        """Tell who works how many do, and at which rate they send on average."""
        there = [
            worker.policy
            for worker in self._workers
            if worker.stay.join_s <= now_s < worker.stay.leave_s
            and isinstance(worker.policy, PeersPolicy)
        ]
        if there:
            mean = sum(policy.snapshot(now_s).rate_per_s for policy in there) / len(there)
            for policy in there:
                policy.hear_peers(now_s, len(there), mean)
                if self.memory is not None:
                    policy.remember(now_s, self.memory)
            believed = [belief for policy in there if (belief := policy.believed())]
            if believed:
                self.memory = Remembered(self.dice.choice(believed), 0.0)
        if again:
            self.at(now_s + self.peers_every_s, self._tell_peers)

    def _change(self, behaviour: Behaviour) -> Callable[[float], None]:
        def act(now_s: float) -> None:
            assert isinstance(self.model, Service)
            self.model.behave(behaviour, now_s=now_s)

        return act

    def network_s(self) -> float:
        """Draw the seconds of one way."""
        low, high = NETWORK_S
        return low + (high - low) * self.dice.random()


class _Worker:
    def __init__(self, world: World, place: int, stay: Stay) -> None:
        self.world = world
        self.place = place
        self.stay = stay
        self.policy = world.make_policy(random.Random(world.dice.random()))
        self._alarm_s = inf
        self._in_flight = 0

    def wake(self, now_s: float) -> None:
        if now_s >= self._alarm_s:
            self._alarm_s = inf
        while now_s < self.stay.leave_s and self._in_flight < self.world.cap:
            wait_s = self.policy.wait_s(now_s)
            if wait_s > 1e-9:
                if now_s + wait_s < self._alarm_s and wait_s < inf:
                    self._alarm_s = now_s + wait_s
                    self.world.at(self._alarm_s, self.wake)
                return
            self._send(now_s)

    def _send(self, now_s: float) -> None:
        call = Call(self.place, now_s)
        self.world.calls.append(call)
        self.policy.sent(now_s)
        self._in_flight += 1
        self.world.most_in_flight = max(self.world.most_in_flight, self._in_flight)
        self.world.at(now_s + self.world.network_s(), lambda at_s: self._arrive(call, at_s))

    def _arrive(self, call: Call, now_s: float) -> None:
        decision = self.world.model.decide("model", Verb.GENERATE, now_s=now_s)
        call.fault, call.over_quota = decision.fault, decision.over_quota
        back_s = now_s + decision.delay_s + self.world.network_s()
        timeout_s = call.sent_s + TIMEOUT_S
        hangs = call.fault is Fault.HANG or back_s > timeout_s
        if hangs:
            call.fault = Fault.HANG
        hint_s = None
        if call.fault in {Fault.THROTTLED_RETRY_AFTER, Fault.THROTTLED_RETRY_INFO}:
            hint_s = decision.retry_delay_s
        self.world.at(timeout_s if hangs else back_s, lambda at_s: self._done(call, at_s, hint_s))

    def _done(self, call: Call, now_s: float, hint_s: float | None) -> None:
        call.done_s = now_s
        self._in_flight -= 1
        outcome = Outcome.SUCCEEDED if call.fault is None else Outcome.FAILED
        if call.refused:
            outcome = Outcome.THROTTLED
        self.policy.done(now_s, Sample(outcome, now_s - call.sent_s, hint_s))
        self.wake(now_s)
