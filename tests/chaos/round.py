"""Carries a plan out: a home, processes at work in it, and everything that is done to them."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos import disk, errands
from tests.chaos.clock import Clock
from tests.chaos.crew import PEACEFUL, Crew
from tests.chaos.evidence import Evidence, Ledgers
from tests.chaos.home import (
    CALL_TIMEOUT_S,
    LEASE_S,
    LONGEST_LEASE_S,
    MOST_OUTSTANDING,
    environment_of,
    limits_of,
)
from tests.chaos.models import ModelCall
from tests.chaos.plan import Act, Plan, Step
from tests.chaos.stage import Stage
from tests.waiting import GIVE_UP_S

LOOK_S = 0.03
IDLE_S = 1.0
"""After so long without an answer a round is over, or its next step is due."""

LONGEST_S = 60.0
"""For so long a round may go on before it is failed."""

LONG_DELAY_S = 600.0
"""How long a message is put off whose run's budget is reached, at most."""

_FAULT_OF = {Act.HANG: "hang", Act.REFUSE: "throttled", Act.UNAVAILABLE: "unavailable"}


@dataclass(slots=True)
class Round:
    """One round of a plan on a stage; ``folder`` takes what its processes say."""

    plan: Plan
    stage: Stage
    folder: Path
    crew: Crew = field(init=False)
    home: Path = field(init=False)
    environment: dict[str, str] = field(init=False)
    clock: Clock = field(init=False)
    _healing: list[tuple[float, Step]] = field(default_factory=list)
    _skipped: list[str] = field(default_factory=list)
    _within_limits: list[ModelCall] = field(default_factory=list)
    _copied_at_s: float | None = None
    _restored: bool = False

    def __post_init__(self) -> None:
        """Name the places of the round."""
        self.folder.mkdir(parents=True)
        self.home = self.stage.disk / uuid.uuid4().hex
        self.environment = environment_of(self.plan, self.stage, self.home)
        clock = self.folder / "clock"
        self.clock = Clock(clock)
        limits = limits_of(self.plan)
        self.crew = Crew(
            self.stage.nursery, self.plan, self.environment, self.folder, clock, limits
        )

    def run(self) -> Evidence:
        """Carry the plan out to its end, and return what is left of it."""
        began_s = time.monotonic()
        plan, stage, crew = self.plan, self.stage, self.crew
        stage.nursery.call(errands.prepare, self.home, self.environment, plan.messages)
        if plan.queue == "pubsub":
            stage.nursery.call(errands.set_up, self.environment)
        stage.models.begin(latency_s=plan.latency_s, faults=plan.faults)
        try:
            self._let_things_happen()
            late = self._settle_down()
        finally:
            crew.kill_all()
            self._heal_all()
        ledgers = self._look()
        compacted = None
        if plan.compacts:
            stage.nursery.call(errands.compact, self.environment, self._clock_file)
            compacted = self._look()
        stage.nursery.call(errands.remove, self.home)
        return Evidence(
            plan=plan,
            lease_s=LEASE_S[plan.queue],
            call_timeout_s=CALL_TIMEOUT_S,
            most_outstanding=MOST_OUTSTANDING,
            ledgers=ledgers,
            compacted=compacted,
            calls=stage.models.calls(),
            happenings=crew.happenings,
            notes=self._notes(),
            exits=crew.exits,
            left_running=[*(member.pid for member in late), *children_of(stage.nursery.pid)],
            limits=crew.limits,
            called_within_limits=self._within_limits,
            seconds=time.monotonic() - began_s,
            skipped=self._skipped,
        )

    # --- the wild part ------------------------------------------------------------------------

    def _let_things_happen(self) -> None:
        """Do each step when it is due; done when all are, and nothing is answered any more."""
        steps = list(self.plan.steps)
        began_s = changed_s = time.monotonic()
        settled = 0
        parts = 2 * self.plan.messages
        while True:
            self.crew.tend()
            self._heal()
            now_s = time.monotonic()
            assert now_s - began_s < LONGEST_S, "the round does not come to an end"
            if (settled_now := self.stage.models.settled()) != settled:
                settled, changed_s = settled_now, now_s
            idle = now_s - changed_s > IDLE_S
            if self.crew.published and self._is_restored(settled / parts, idle=idle):
                changed_s = time.monotonic()
            elif steps and (idle or settled >= steps[0].at * parts):
                self._do(steps.pop(0))
                changed_s = time.monotonic()
            elif not (steps or self._busy or self._to_restore) and (idle or settled >= parts):
                return
            time.sleep(LOOK_S)

    @property
    def _busy(self) -> bool:
        """Whether something is being done that is to end by itself."""
        crew = self.crew
        stopped = any(worker.stopped_until_s is not None for worker in crew.workers)
        return bool(self._healing) or stopped or not crew.published

    def _do(self, step: Step) -> None:
        crew = self.crew
        match step.act:
            case Act.KILL | Act.TERM | Act.STOP:
                self._strike(step)
            case Act.QUEUE_LOST:
                self._lose_queue()
            case Act.JUMP:
                began_s = time.monotonic()
                self.clock.jump(step.amount)
                crew.note("jump", began_s)
            case _:
                self._harm(step)

    def _strike(self, step: Step) -> None:
        awake = [worker for worker in self.crew.workers if worker.stopped_until_s is None]
        if not awake:
            self._skipped.append(step.act.value)
            return
        worker = awake[step.which % len(awake)]
        if step.act is Act.KILL:
            self.crew.kill(worker)
        elif step.act is Act.TERM:
            self.crew.terminate(worker)
        else:
            self.crew.stop(worker, step.for_s)

    def _lose_queue(self) -> None:
        """Kill all, lose the queue, make it anew, and publish again what is lost."""
        crew, nursery = self.crew, self.stage.nursery
        crew.kill_all()
        if self.plan.queue == "pubsub":
            self.stage.pubsub.restart()
            nursery.call(errands.set_up, self.environment)
        else:
            nursery.call(errands.forget_queue, self.home)
        nursery.call(errands.reconcile, self.environment, self._clock_file)
        crew.note("queue lost")

    @property
    def _to_restore(self) -> bool:
        return self.plan.restoration is not None and not self._restored

    def _is_restored(self, settled: float, *, idle: bool) -> bool:
        """Copy, and later put back, what the plan says when it is due; return whether it was."""
        own = self.plan.restoration
        if own is None or self._restored:
            return False
        if self._copied_at_s is None and (idle or settled >= own.copied_at):
            self.stage.nursery.call(errands.copy_half, self.home, self._copy, own.what)
            self._copied_at_s = time.monotonic()
            return True
        if self._copied_at_s is None or not (idle or settled >= own.restored_at):
            return False
        self._restored = True
        self._heal_all()
        self.crew.kill_all()
        refused = self.stage.nursery.call(
            errands.put_back, self.home, self._copy, own.what, self.environment, self._clock_file
        )
        self.crew.note(own.what, self._copied_at_s)
        if refused:
            self.crew.note(f"refused: {own.what}")
        return True

    @property
    def _copy(self) -> Path:
        return self.folder / "copy"

    def _harm(self, step: Step) -> None:
        if any(healing_step.act is step.act for _, healing_step in self._healing):
            self._skipped.append(step.act.value)  # it is so already
            return
        if step.act is Act.DISK_FULL:
            self.crew.harm()
            self.stage.nursery.call(disk.fill, self.stage.disk)
        elif step.act is Act.READ_ONLY:
            self.crew.harm()
            self.stage.nursery.call(disk.make_read_only, self._warehouse)
        else:
            self._set_faults({**self.plan.faults, _FAULT_OF[step.act]: step.amount})
        self._healing.append((time.monotonic(), step))

    def _set_faults(self, shares: dict[str, float]) -> None:
        total = max(1.0, sum(shares.values()))
        self.stage.models.set_faults({kind: share / total for kind, share in shares.items()})

    # --- and its end --------------------------------------------------------------------------

    def _heal(self, *, everything: bool = False) -> None:
        now_s = time.monotonic()
        for began_s, step in list(self._healing):
            if not everything and now_s < began_s + step.for_s:
                continue
            self._healing.remove((began_s, step))
            if step.act is Act.DISK_FULL:
                self.stage.nursery.call(disk.free, self.stage.disk)
            elif step.act is Act.READ_ONLY:
                self.stage.nursery.call(disk.make_writable, self._warehouse)
            else:
                self._set_faults(dict(self.plan.faults))
            self.crew.note(step.act.value, began_s)
            if not any(
                healing_step.act in {Act.DISK_FULL, Act.READ_ONLY}
                for _, healing_step in self._healing
            ):
                self.crew.harmed = False

    def _heal_all(self) -> None:
        self._heal(everything=True)

    def _settle_down(self) -> list[Any]:
        """Stop the workers, lift the budget, and let one worker drain what is left."""
        crew, nursery = self.crew, self.stage.nursery
        self._heal_all()
        late = crew.end_workers(within_s=GIVE_UP_S)
        crew.finish_publishing(within_s=GIVE_UP_S)
        delay_s = LONGEST_LEASE_S[self.plan.queue] + 1.0
        if crew.limits:
            self._within_limits = self._calls()
            nursery.call(errands.lift_budget, self.environment, self._clock_file)
            delay_s = max(delay_s, LONG_DELAY_S + 1.0)
        # Nobody holds a lease: those of the dead run out.
        if self.plan.queue == "pubsub":
            self.stage.pubsub.server.advance(delay_s)
        else:
            self.clock.jump(delay_s)
        last = crew.start_worker(PEACEFUL, number=-1, drain=True)
        crew.workers.append(last)
        return [*late, *crew.see_ended([last], within_s=GIVE_UP_S)]

    def _calls(self) -> list[ModelCall]:
        Crew.wait_until(lambda: self.stage.models.in_flight() == 0, within_s=GIVE_UP_S)
        return self.stage.models.calls()

    def _look(self) -> Ledgers:
        self._calls()
        return self.stage.nursery.call(errands.look, self.home, self.environment, self._clock_file)

    def _notes(self) -> list[dict[str, Any]]:
        path = self.folder / "diary.jsonl"
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return [json.loads(line) for line in text.splitlines()]

    @property
    def _clock_file(self) -> Path:
        return self.folder / "clock"

    @property
    def _warehouse(self) -> Path:
        return self.home / "warehouse"


def children_of(pid: int) -> list[int]:
    """Return the processes that this one has, dead ones that nobody asked for included."""
    pids = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            stat = path.read_text(encoding="utf-8")
        except OSError:
            continue  # it has ended
        if int(stat.rpartition(")")[2].split()[1]) == pid:
            pids.append(int(path.parent.name))
    return pids
