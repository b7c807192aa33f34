"""What a run of rounds came to, in figures that the documentation can quote."""

from __future__ import annotations

import signal
from collections import Counter
from dataclasses import dataclass, field

from tests.chaos.evidence import Evidence
from tests.chaos.payments import repeats


@dataclass(slots=True)
class Tally:
    """Sums over rounds."""

    counts: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0

    def count(self, evidence: Evidence) -> None:
        """Add a round."""
        plan, ledgers = evidence.plan, evidence.ledgers
        add = self.counts
        add["rounds"] += 1
        add[f"rounds on {plan.queue}"] += 1
        add["rounds with a budget"] += bool(plan.budget)
        add["messages"] += plan.messages
        add["parts"] += ledgers.balance.parts
        add["parts written"] += ledgers.balance.written
        add["parts dead"] += ledgers.balance.dead
        add["calls"] += len(evidence.calls)
        add["calls paid"] += sum(call.paid for call in evidence.calls)
        add["rows in raw files"] += len(ledgers.rows)
        add["rows beyond one a part"] += len(ledgers.rows) - len(
            {row.about for row in ledgers.rows}
        )
        add["files of killed writers"] += sum(name.endswith(".tmp") for name in ledgers.files)
        add["processes"] += len(evidence.exits)
        for ending in evidence.exits:
            add[f"{ending.role}: SIGKILL"] += ending.status == -signal.SIGKILL
        for note in evidence.noted("died"):
            add[f"died {note['point']}"] += 1
        for happening in evidence.happenings:
            add[f"did {happening.what}"] += 1
        for repeat in repeats(evidence):
            add[f"paid again: {repeat.reason or 'NO REASON'}"] += 1
        for what in ("stall", "refused"):
            add[f"noted {what}"] += len(evidence.noted(what))
        add["seconds"] += round(evidence.seconds)
        self.slowest_s = max(self.slowest_s, evidence.seconds)

    def lines(self) -> list[str]:
        """Return the sums, a line each."""
        sums = [f"{name}: {count:,}" for name, count in sorted(self.counts.items()) if count]
        return [*sums, f"slowest round: {self.slowest_s:.1f} s"]


TALLY = Tally()
"""Of this process."""
