"""Holds settlements whose failure may be one of the whole job, until that is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sightline.errors import ConfigurationError
from sightline.ports import DeadLetterRow
from worker.results.settlement import Settle, Settlement
from worker.stopping.systemic import SystemicGuard, Verdict
from worker.writer import BatchWriter


class Suspects:
    """Passes held settlements to the writer once the job is known not to be at fault."""

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
            ConfigurationError: too many in a row failed, so the job is at fault; no part is given
                up, and costs are recorded.
        """
        if self._guard.suspect(settlement, self._monotonic()) is not Verdict.STOP:
            return
        held = self._guard.take()
        self._record_costs(held)
        last = held[-1].rows[-1]
        raise ConfigurationError(
            f"{len(held)} failures in a row without one success, the last:"
            f" {getattr(last, 'reason', '')} {getattr(last, 'detail', '')};"
            " no part was given up: fix the cause, then run `sightline work`"
        )

    def success(self) -> None:
        """Record a successful call: the job is not at fault."""
        if self._guard.success() is Verdict.RELEASE:
            self.release()

    def idle(self) -> None:
        """Record that the worker is idle: after a while, too few failed to blame the job."""
        if self._guard.idle(self._monotonic()) is Verdict.RELEASE:
            self.release()

    def release(self) -> None:
        """Write all held settlements unchanged."""
        for settlement in self._guard.take():
            self._writer.add(settlement)

    def give_back(self) -> None:
        """Nack all held messages and record their costs: they will be redelivered."""
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
