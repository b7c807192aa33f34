"""Settlements whose failures may be those of the whole job, held until it is known whether."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sightline.errors import ConfigurationError
from sightline.ports import DeadLetterRow
from worker.results.settlement import Settle, Settlement
from worker.stopping.systemic import SystemicGuard, Verdict
from worker.writer import BatchWriter


class Suspects:
    """Gives held settlements to the writer once they are no fault of the job."""

    def __init__(
        self, limit: int, hold_s: float, writer: BatchWriter, *, monotonic: Callable[[], float]
    ) -> None:
        self._guard = SystemicGuard[Settlement](limit, hold_s, [])
        self._writer = writer
        self._monotonic = monotonic

    @property
    def held_back(self) -> int:
        """How many settlements are held."""
        return self._guard.held_back

    def hold(self, settlement: Settlement) -> None:
        """Hold a settlement.

        Raises:
            ConfigurationError: so many in a row failed that the job is at fault; nothing is given
                up, and what they cost is recorded.
        """
        if self._guard.suspect(settlement, self._monotonic()) is not Verdict.STOP:
            return
        held = self._guard.take()
        self._record_costs(held)
        last = held[-1].rows[-1]
        raise ConfigurationError(
            f"{len(held)} failures in a row without one success, the last:"
            f" {getattr(last, 'reason', '')} {getattr(last, 'detail', '')};"
            " nothing was given up: fix the cause, then run `sightline work`"
        )

    def success(self) -> None:
        """Hear of a call that succeeded: what is held was no fault of the job."""
        if self._guard.success() is Verdict.RELEASE:
            self.release()

    def idle(self) -> None:
        """Hear that nothing is being handled: after a while too few failed to mean anything."""
        if self._guard.idle(self._monotonic()) is Verdict.RELEASE:
            self.release()

    def release(self) -> None:
        """Write all that is held as it is."""
        for settlement in self._guard.take():
            self._writer.add(settlement)

    def give_back(self) -> None:
        """Give up none of what is held, but record what it cost: all of it comes again."""
        self._record_costs(self._guard.take())

    def _record_costs(self, held: list[Settlement]) -> None:
        for settlement in held:
            costs = tuple(
                replace(row, event="retried")
                for row in settlement.rows
                if isinstance(row, DeadLetterRow)
                and (row.usage.cost_usd_micros or row.usage.input_tokens)
            )
            if costs:
                self._writer.add(replace(settlement, settle=Settle.KEEP, rows=costs))
