"""A process that publishes to, or works off, a queue until it is killed; run as a script.

It writes a line before and after each step to a log of its own, with the time that the queue saw,
so that the test can tell who held which message when.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from pathlib import Path

from sightline.local.queue import LocalQueue
from sightline.ports import Outgoing

LEASE_S = 1.0
BATCH = 20


class Log:
    """Lines in a file, each written at once: they outlive the process."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)

    def write(self, *words: object) -> None:
        """Write one line."""
        os.write(self._file, (" ".join(map(str, words)) + "\n").encode())


class SeenClock:
    """The real time, and the last one that the queue asked for."""

    seen_s = 0.0

    def __call__(self) -> float:
        """Return the Unix time in seconds."""
        self.seen_s = time.time()
        return self.seen_s


async def publish(path: Path, log: Log, first: int, last: int) -> None:
    """Publish the batches ``first`` to ``last``, each under its key."""
    async with LocalQueue.open(path) as queue:
        for batch in range(first, last):
            messages = [Outgoing(f"{batch}-{i}".encode(), {"run_id": "r"}) for i in range(BATCH)]
            count = await queue.publish(messages, batch_key=str(batch))
            log.write("published", batch, count)


async def work(path: Path, log: Log, seed: int) -> None:
    """Pull, now and then extend, then ack most and nack or forget the rest, for ever."""
    chance = random.Random(seed)
    clock = SeenClock()
    async with LocalQueue.open(path, now=clock) as queue:
        while True:
            deliveries = await queue.pull(chance.randint(1, 60), lease_s=LEASE_S)
            until_s = clock.seen_s + LEASE_S
            for delivery in deliveries:
                log.write(
                    "leased", delivery.body.decode(), delivery.attempt, until_s - LEASE_S, until_s
                )
            leased = [delivery for delivery in deliveries if chance.random() < 0.95]
            if leased and chance.random() < 0.3:
                lost_leases = await queue.extend(
                    [delivery.lease_id for delivery in leased], lease_s=LEASE_S
                )
                until_s = clock.seen_s + LEASE_S
                leased = [delivery for delivery in leased if delivery.lease_id not in lost_leases]
                for delivery in leased:
                    log.write("extended", delivery.body.decode(), delivery.attempt, until_s)
            done = [delivery for delivery in leased if chance.random() < 0.9]
            back = [delivery for delivery in leased if delivery not in done]
            for delivery in done:
                log.write("acking", delivery.body.decode(), delivery.attempt)
            for delivery in back:
                log.write("nacking", delivery.body.decode(), delivery.attempt)
            await queue.ack([delivery.lease_id for delivery in done])
            if time.time() < until_s:  # else a lease may have run out, and the ack meant nothing
                for delivery in done:
                    log.write("acked", delivery.body.decode(), delivery.attempt)
            await queue.nack([delivery.lease_id for delivery in back])


if __name__ == "__main__":
    queue_path, log_path, role, *numbers = sys.argv[1:]
    opened = Path(queue_path), Log(Path(log_path))
    if role == "publish":
        asyncio.run(publish(*opened, int(numbers[0]), int(numbers[1])))
    else:
        asyncio.run(work(*opened, int(numbers[0])))
