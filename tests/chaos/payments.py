"""Which calls were paid twice, and what each of them is owed to. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.chaos.evidence import Evidence, Happening
from tests.chaos.models import ANSWER, EMBEDDING, SETTLING, UNANSWERED, ModelCall
from tests.chaos.plan import Restored

WRITTEN_WITHIN_S = 4.0
"""A worker writes a message's answers within so long of the last: a batch is due after 0.3 s,
a write may be refused some times, and the machine is busy. What was complete before that at a
worker's death must not be asked for again.
"""

ARRIVES_WITHIN_S = 1.0
"""What a worker sent before it died may be read by the busy simulator so much later."""

COARSE_S = 0.02
"""The clock by which files are dated is as coarse as this."""

LATE_S = 5.0
"""For so long a message may wait for its call after its part was looked for in the ledgers, while
its worker does not stand still."""

RANGES_AT_ONCE = 1
"""So many ranges of a run a producer has published and not marked, at most."""

STOPPED = "term without grace"
DEATHS = ("kill work", STOPPED, "the disk is full", "the warehouse is read-only")
"""What ends a worker before what it holds is written; those that a disk ends say so themselves."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A part that was paid for again: by ``second``, although there had been ``first``."""

    first: ModelCall
    second: ModelCall
    reason: str


def by_part(calls: Iterable[ModelCall]) -> dict[tuple[str, str], list[ModelCall]]:
    """Return the calls that were paid, by what they were about, in order."""
    calls_by_part: dict[tuple[str, str], list[ModelCall]] = defaultdict(list)
    for paid_call in sorted(calls, key=lambda call: call.began_s):
        if paid_call.paid:
            calls_by_part[paid_call.about].append(paid_call)
    return calls_by_part


def repeats(evidence: Evidence) -> Iterator[Repeat]:
    """Yield each part that was paid again, with the reason, which is empty where there is none."""
    deaths = deaths_of(evidence)
    losses = lease_losses_of(evidence)
    twice = may_be_published_twice(evidence)
    calls_by_part = by_part(evidence.calls)
    for calls in calls_by_part.values():
        for first, second in pairwise(calls):
            pair = _Pair(first, second, calls_by_part.get(_other_half(first), []))
            yield Repeat(first, second, _reason(evidence, pair, deaths, losses, twice))


@dataclass(frozen=True, slots=True)
class _Pair:
    """Two calls for one part, and the calls for the other part of its message."""

    first: ModelCall
    second: ModelCall
    other_half: Sequence[ModelCall]

    def explained_by(self, happening: Happening) -> bool:
        """Return whether this can have kept the first call's answer from being written."""
        if (
            self.first.began_s > happening.ended_s + ARRIVES_WITHIN_S
            or self.second.began_s < happening.began_s
        ):
            return False
        if happening.what == STOPPED:  # what it was answered it writes, and leaves the other half
            return self.first.ended_s >= happening.began_s - ARRIVES_WITHIN_S
        return self.complete_s(happening.began_s) >= happening.began_s - WRITTEN_WITHIN_S

    def complete_s(self, until_s: float) -> float:
        """Return when the message had both its answers; ``until_s`` if it had not by then.

        They are written together, so that one waits for the other.
        """
        ends = [call.ended_s for call in self.other_half if call.outcome in SETTLING]
        return max(self.first.ended_s, min([*ends, until_s]))


def _other_half(call: ModelCall) -> tuple[str, str]:
    return (EMBEDDING if call.method == ANSWER else ANSWER), call.image


def _reason(
    evidence: Evidence,
    pair: _Pair,
    deaths: list[Happening],
    losses: list[Happening],
    twice: bool,
) -> str:
    first = pair.first
    gave_up_s = 0.9 * evidence.call_timeout_s
    if first.outcome == UNANSWERED and first.ended_s - first.began_s >= gave_up_s:
        return "timed out"
    for happening in deaths:
        if pair.explained_by(happening):
            return (
                "in flight" if first.ended_s >= happening.began_s - COARSE_S else "not written yet"
            )
    if any(pair.explained_by(happening) for happening in losses):
        return "lease lost"
    for restoration in evidence.happened(Restored.WAREHOUSE):
        # What was written after the copy is gone with the newer warehouse.
        if pair.complete_s(restoration.ended_s) >= restoration.began_s - WRITTEN_WITHIN_S and (
            pair.second.began_s >= restoration.ended_s - COARSE_S
        ):
            return "lost with the newer warehouse"
    return "published twice" if twice else ""


def deaths_of(evidence: Evidence) -> list[Happening]:
    """Return the ends of workers that may have lost what they held."""
    own = [
        Happening(note["what"], note["at_s"], note["at_s"])
        for note in (*evidence.noted("died"), *evidence.noted("error"))
    ]
    return [*evidence.happened(*DEATHS), *own]


def lease_losses_of(evidence: Evidence) -> list[Happening]:
    """Return the times in which a worker that lives may have lost its leases."""
    stalls = [
        Happening("stall", note["at_s"] - note["for_s"], note["at_s"] + evidence.lease_s)
        for note in evidence.noted("stall")
        if note["for_s"] > evidence.lease_s / 2
    ]
    stops = [
        Happening(stop.what, stop.began_s, stop.ended_s + evidence.lease_s)
        for stop in evidence.happened("stop")
    ]
    jumps = evidence.happened("jump") if evidence.plan.queue == "local" else []
    return [*stalls, *stops, *jumps]


def stood_still_s(evidence: Evidence) -> float:
    """Return for how long workers did nothing at all, one after the other."""
    return sum(stop.ended_s - stop.began_s for stop in evidence.happened("stop"))


def may_be_published_twice(evidence: Evidence) -> bool:
    """Return whether a producer died where a queue does not tell that it knows a batch."""
    return most_published_twice(evidence) > 0


def most_published_twice(evidence: Evidence) -> int:
    """Return how many parts may be in the queue twice: those of ranges published and not marked.

    And all, where what an older warehouse lacks is published again: nobody can ask Pub/Sub what
    it still holds.
    """
    if evidence.plan.queue == "local":
        return 0
    if evidence.happened(Restored.WAREHOUSE):
        return 2 * evidence.plan.messages
    dead = sum(ending.role == "produce" and ending.status < 0 for ending in evidence.exits)
    at_once = RANGES_AT_ONCE * min(evidence.plan.range_items, evidence.plan.messages)
    return 2 * min(dead * at_once, evidence.plan.messages)
