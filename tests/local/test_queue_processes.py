"""Many processes on one local queue, killed at random: nothing lost, nothing held twice."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sightline.local.queue import LocalQueue
from tests.local import queue_worker
from tests.local.queue_worker import BATCH
from tests.waiting import GIVE_UP_S

BATCHES = 400
WORKERS = 4
KILLS = 20


@dataclass
class Crew:
    """Processes on one queue, each with a log of its own."""

    folder: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    started: int = 0

    def start(self, role: str, *numbers: int) -> subprocess.Popen[bytes]:
        """Start one process more."""
        self.started += 1
        log = self.folder / f"{self.started:03}.log"
        arguments = [str(self.folder / "queue.db"), str(log), role, *map(str, numbers)]
        process = subprocess.Popen([sys.executable, queue_worker.__file__, *arguments])
        self.running.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill a process, with no chance to tidy up; one that failed by itself is a failure."""
        process.kill()
        assert process.wait() in {0, -signal.SIGKILL}
        self.running.remove(process)

    def lines(self) -> Iterator[list[str]]:
        """Yield the words of every whole line that was logged."""
        for log in sorted(self.folder.glob("*.log")):
            for line in log.read_text().splitlines(keepends=True):
                if line.endswith("\n"):
                    yield line.split()


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Crew]:
    """Yield an empty crew; end whoever is left."""
    crew = Crew(tmp_path)
    yield crew
    for process in crew.running:
        process.kill()
        process.wait()


async def test_processes_killed_at_random_lose_nothing_and_share_no_lease(crew: Crew) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    path = crew.folder / "queue.db"
    publishers = [crew.start("publish", 0, BATCHES) for _ in range(2)]
    workers = [crew.start("work", chance.getrandbits(32)) for _ in range(WORKERS)]
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0.02, 0.3))
        if chance.random() < 0.3:
            publisher = publishers.pop(chance.randrange(len(publishers)))
            crew.kill(publisher)
            publishers.append(crew.start("publish", 0, BATCHES))
        else:
            crew.kill(workers.pop(chance.randrange(len(workers))))
            workers.append(crew.start("work", chance.getrandbits(32)))
    for publisher in publishers:
        assert await asyncio.to_thread(publisher.wait, GIVE_UP_S) == 0
    async with LocalQueue.open(path) as queue:
        await until_empty(queue)
    for worker in workers:
        crew.kill(worker)
    check_nothing_lost(crew)
    check_no_lease_shared(crew)


async def until_empty(queue: LocalQueue) -> None:
    """Wait until the workers have settled everything."""
    async with asyncio.timeout(GIVE_UP_S):
        while True:
            state = await queue.backlog()
            if state.ready == state.leased == 0:
                return
            await asyncio.sleep(0.1)


def check_nothing_lost(crew: Crew) -> None:
    """Every message was acked, and every batch was published once, by all that was logged."""
    acked = {words[1] for words in crew.lines() if words[0] == "acking"}
    assert acked == {f"{batch}-{i}" for batch in range(BATCHES) for i in range(BATCH)}
    published = [
        words[1] for words in crew.lines() if words[:1] == ["published"] and words[2] != "0"
    ]
    assert len(published) == len({*published})


def check_no_lease_shared(crew: Crew) -> None:
    """A message came again only once its lease was over, counted up, and never after its ack."""
    leases_of: dict[str, dict[int, list[float]]] = defaultdict(dict)
    released: set[tuple[str, int]] = set()
    acked: dict[str, int] = {}
    for kind, name, *numbers in crew.lines():
        if kind == "leased":
            attempt = int(numbers[0])
            assert attempt not in leases_of[name], f"{name}: attempt {attempt} was delivered twice"
            leases_of[name][attempt] = [float(numbers[1]), float(numbers[2])]
        elif kind == "extended":
            leases_of[name][int(numbers[0])][1] = float(numbers[1])
        elif kind == "nacking":
            released.add((name, int(numbers[0])))
        elif kind == "acked":
            acked[name] = max(acked.get(name, 0), int(numbers[0]))
    assert acked
    for name, leases in leases_of.items():
        for attempt, (_, until_s) in leases.items():
            following = leases.get(attempt + 1)
            if following and (name, attempt) not in released:
                assert following[0] >= until_s, f"{name}: attempt {attempt + 1} came too early"
        assert acked.get(name, 0) in {0, max(leases)}, f"{name} came again after its ack"


async def test_two_publishers_at_once_publish_a_batch_once(crew: Crew) -> None:
    publishers = [crew.start("publish", 0, 20) for _ in range(4)]
    for publisher in publishers:
        assert await asyncio.to_thread(publisher.wait, GIVE_UP_S) == 0
    async with LocalQueue.open(crew.folder / "queue.db") as queue:
        assert (await queue.backlog()).ready == 20 * BATCH
    counts = [int(words[2]) for words in crew.lines() if words[0] == "published"]
    assert sorted(counts) == [0] * 60 + [BATCH] * 20
