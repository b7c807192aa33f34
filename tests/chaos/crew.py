"""The processes of one round: who lives, who is started next, and how each of them ended."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sightline.ports import Limits
from tests.chaos.cast import Casting
from tests.chaos.evidence import Exit, Happening
from tests.chaos.nursery import Nursery
from tests.chaos.plan import Plan, ProducerPlan, WorkerPlan
from tests.waiting import GIVE_UP_S

PEACEFUL = WorkerPlan()
_LOOK_S = 0.03


@dataclass(slots=True)
class Member:
    """A process that was started and whose end was not seen yet."""

    pid: int
    casting: Casting
    stopped_until_s: float | None = None
    killed: bool = False
    asked_at_s: float | None = None
    met_harm: bool = False
    stopped_at_s: float = 0.0


@dataclass(slots=True)
class Crew:
    """The processes of a round. ``harmed`` says that a disk or a queue is broken just now."""

    nursery: Nursery
    plan: Plan
    environment: Mapping[str, str]
    folder: Path
    clock: Path
    limits: Limits
    workers: list[Member] = field(default_factory=list)
    producer: Member | None = None
    published: bool = False
    harmed: bool = False
    exits: list[Exit] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    _workers_started: int = 0
    _producers_started: int = 0
    _producer_dies_at_s: float | None = None

    def note(self, what: str, began_s: float | None = None) -> None:
        """Remember something that was done, until now."""
        now_s = time.monotonic()
        self.happenings.append(Happening(what, now_s if began_s is None else began_s, now_s))

    def tend(self) -> None:
        """See who ended, wake who slept long enough, and start who is due."""
        self._wake()
        for worker in list(self.workers):
            if self._has_ended(worker):
                self.workers.remove(worker)
        self._tend_producer()
        if self.harmed or not (self.published or self.plan.simultaneous):
            return
        while len(self.workers) < self.plan.workers:
            self.workers.append(self._start_worker())

    def _tend_producer(self) -> None:
        producer = self.producer
        dies_at_s = self._producer_dies_at_s
        if producer is not None and dies_at_s is not None and time.monotonic() >= dies_at_s:
            self.kill(producer)
            self._producer_dies_at_s = None
        if producer is not None and self._has_ended(producer):
            self.published = self.exits[-1].status == 0
            self.producer = None
        if self.producer is None and not self.published and not self.harmed:
            self._start_producer()

    def _start_producer(self) -> None:
        plans = self.plan.producers
        number = self._producers_started
        own = plans[number] if number < len(plans) else ProducerPlan()
        self._producers_started += 1
        self._producer_dies_at_s = None
        if own.killed_at_s is not None:
            self._producer_dies_at_s = time.monotonic() + own.killed_at_s
        casting = replace(self._casting(), role="produce", producer=own, number=number)
        self.producer = Member(self.nursery.start(casting), casting)

    def _start_worker(self) -> Member:
        number = self._workers_started
        self._workers_started += 1
        return self.start_worker(self.plan.life(number), number=number)

    def start_worker(self, own: WorkerPlan, *, number: int, drain: bool = False) -> Member:
        """Start a worker that lives so."""
        environment = {**self.environment, "SIGHTLINE_WORKER__GRACE_S": str(own.grace_s)}
        casting = replace(
            self._casting(), environment=environment, worker=own, number=number, drain=drain
        )
        return Member(self.nursery.start(casting), casting)

    def _casting(self) -> Casting:
        return Casting(
            role="work",
            environment=self.environment,
            clock=self.clock,
            diary=self.folder / "diary.jsonl",
            errors=self.folder / "errors.txt",
            limits=self.limits,
        )

    def harm(self) -> None:
        """Hear that a disk is broken: who lives may end by it, and nobody is started."""
        self.harmed = True
        for member in self.everybody:
            member.met_harm = True

    def kill(self, member: Member) -> None:
        """Kill a process."""
        began_s = time.monotonic()
        member.killed = True
        os.kill(member.pid, signal.SIGKILL)
        self.note(f"kill {member.casting.role}", began_s)

    def stop(self, member: Member, for_s: float) -> None:
        """Let a process stand still for so long."""
        member.stopped_at_s = time.monotonic()
        member.stopped_until_s = member.stopped_at_s + for_s
        os.kill(member.pid, signal.SIGSTOP)

    def terminate(self, member: Member) -> None:
        """Ask a worker to stop; without grace, what is under way is lost."""
        if member.asked_at_s is not None:
            return  # a second signal would end it at once
        member.asked_at_s = time.monotonic()
        os.kill(member.pid, signal.SIGTERM)

    def _wake(self, *, all_of_them: bool = False) -> None:
        for worker in self.workers:
            until_s = worker.stopped_until_s
            if until_s is not None and (all_of_them or time.monotonic() >= until_s):
                os.kill(worker.pid, signal.SIGCONT)
                worker.stopped_until_s = None
                self.note("stop", worker.stopped_at_s)

    def _has_ended(self, member: Member) -> bool:
        status = self.nursery.status(member.pid)
        if status is None:
            return False
        if member.asked_at_s is not None:
            patient = member.casting.worker.grace_s > 0
            self.note("term" if patient else "term without grace", member.asked_at_s)
        self.exits.append(
            Exit(
                member.casting.role,
                member.casting.number,
                status,
                killed=member.killed,
                sent_term=member.asked_at_s is not None,
                harmed=member.met_harm,
            )
        )
        return True

    def kill_all(self) -> None:
        """Kill everybody, and see them end."""
        members = self.everybody
        for member in members:
            self.kill(member)
        self.see_ended(members, within_s=GIVE_UP_S)

    @property
    def everybody(self) -> Sequence[Member]:
        """Those who live, as far as it is known."""
        return [*self.workers, *([self.producer] if self.producer else [])]

    def end_workers(self, *, within_s: float) -> list[Member]:
        """Ask all workers to stop; return those who did not, and were killed for it."""
        self._wake(all_of_them=True)
        for worker in self.workers:
            self.terminate(worker)
        late = self.see_ended(list(self.workers), within_s=within_s)
        for member in late:
            self.kill(member)
        self.see_ended(late, within_s=GIVE_UP_S)
        return late

    def finish_publishing(self, *, within_s: float) -> None:
        """Let producers go on until one is done."""
        self.wait_until(self._publish_once, within_s=within_s)

    def _publish_once(self) -> bool:
        self._tend_producer()
        return self.published

    def see_ended(self, members: Sequence[Member], *, within_s: float) -> list[Member]:
        """Wait for the end of these; return those that did not end in time."""
        left = list(members)

        def ended() -> bool:
            left[:] = [member for member in left if not self._has_ended(member)]
            return not left

        self.wait_until(ended, within_s=within_s, must=False)
        self.workers = [
            worker for worker in self.workers if worker in left or worker not in members
        ]
        if self.producer in members and self.producer not in left:
            self.producer = None
        return left

    @staticmethod
    def wait_until(done: Callable[[], bool], *, within_s: float, must: bool = True) -> bool:
        """Look until something is so; return whether it is in time."""
        give_up_at_s = time.monotonic() + within_s
        while not done():
            if time.monotonic() > give_up_at_s:
                assert not must, f"this did not come about within {within_s:g} s"
                return False
            time.sleep(_LOOK_S)
        return True
