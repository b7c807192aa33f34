"""Processes on a local warehouse that are killed, or meet a full disk; run as a script.

``append`` and ``compact`` go on for ever. ``kill-at-every-step`` forks a process for each step at
which an operation makes something durable, kills it there, and prints what a reader sees then.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from sightline import whole_files
from sightline.errors import BusyError, StorageError
from sightline.local.warehouse import LocalRuns, LocalSource, LocalWriter, compact, connect
from sightline.model import AnswerPart, Observation, Usage
from sightline.ports import ClassificationRow, Provenance, ResultRow
from sightline.schema import CLASSIFICATIONS
from tests.contracts.warehouse_rig import EMBEDDING, NOW, asking

ROWS = 20
PART = AnswerPart("signs", "f" * 64, "demo-1")


def answer(
    subject_id: str, *, at: datetime, worker_id: str = "w", run_id: str = "run-1"
) -> ClassificationRow:
    """Return an answer about a subject."""
    image = Observation(subject_id, "asset", "snap", "SIGN", f"gs://b/snap/v0/{subject_id}.jpg")
    how = Provenance(Usage(1, 1, 1), 1, 1, run_id, worker_id, at)
    return ClassificationRow(
        PART.key(subject_id), subject_id, False, image, PART, "{}", "STOP", how
    )


def append(root: Path, log: Path, seed: int) -> None:
    """Append batches for ever, now and then one again; log each subject once it is durable."""
    chance = random.Random(seed)
    writer = LocalWriter(root)
    file = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    batch: list[ClassificationRow] = []
    for number in count():
        if not batch or chance.random() < 0.8:
            at = NOW - timedelta(days=chance.randint(0, 2))
            batch = [answer(f"{log.stem}-{number}-{row}", at=at) for row in range(ROWS)]
        asyncio.run(writer.write(batch))
        os.write(file, "".join(f"{row.subject_id}\n" for row in batch).encode())


def compact_for_ever(root: Path) -> None:
    """Compact everything again and again; each time the grace period is over."""
    for turn in count():
        try:
            compact(root, CLASSIFICATIONS, now=later(turn), everything=True)
        except BusyError:
            continue


def later(turn: int) -> datetime:
    """Return a time after everything that a clock has shown, later with each turn."""
    return datetime(2100, 1, 1, tzinfo=UTC) + timedelta(minutes=11 * turn)


def die_at(step: int) -> None:
    """Kill this process when it is about to make something durable for the ``step``-th time."""
    steps = count(1)
    real = whole_files.sync

    def sync(path: Path) -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)
        real(path)

    whole_files.sync = sync


def open_run(home: Path, step: int) -> None:
    """Open a run over all of the source."""
    source = LocalSource(home / "warehouse", home / "source", buckets=2)
    asyncio.run(source.open_run(asking(PART, EMBEDDING), run_id=f"run-{step:03d}", now=NOW))


def show_runs(home: Path) -> object:
    """Return the runs, the parts of each that are listed, and what is left to publish."""

    async def look() -> dict[str, Any]:
        source = LocalSource(home / "warehouse", home / "source")
        runs = await LocalRuns(home / "warehouse", lambda _run_id: []).runs()
        preview = await source.preview(asking(PART, EMBEDDING))
        ranges = [item_range for run in runs for item_range in await source.unpublished(run.run_id)]
        listed = [
            part
            for item_range in ranges
            for item in await source.items(item_range)
            for part in item.parts
        ]
        connection = connect(home / "warehouse")
        lists = connection.execute("SELECT count(*) FROM work_items_current").fetchall()[0][0]
        connection.close()
        return {
            "runs": [[run.run_id, run.parts] for run in runs],
            "listed": len(listed),
            "items": lists,
            "to_publish": preview.to_publish,
        }

    return asyncio.run(look())


def compact_once(home: Path, step: int) -> None:
    """Compact everything; with each turn the grace period of the one before is over."""
    compact(home / "warehouse", CLASSIFICATIONS, now=later(step), everything=True)


def show_answers(home: Path) -> object:
    """Return the subjects that a reader sees, sorted."""
    connection = connect(home / "warehouse")
    rows = connection.execute("SELECT subject_id FROM classifications_all ORDER BY 1").fetchall()
    connection.close()
    return [subject_id for (subject_id,) in rows]


OPERATIONS: dict[str, tuple[Callable[[Path, int], None], Callable[[Path], object]]] = {
    "open_run": (open_run, show_runs),
    "compact": (compact_once, show_answers),
}


def kill_at_every_step(home: Path, operation: str) -> None:
    """Print a line of JSON for each step: whether it was killed there, and what is seen then."""
    act, show = OPERATIONS[operation]
    for step in count(1):
        killed = _in_child(partial(_die_in, step, act, home))
        _in_child(partial(_tell, killed, show, home))
        if not killed:
            return


def _die_in(step: int, act: Callable[[Path, int], None], home: Path) -> None:
    die_at(step)
    act(home, step)


def _tell(killed: bool, show: Callable[[Path], object], home: Path) -> None:
    print(json.dumps([killed, show(home)]), flush=True)


def _in_child(work: Callable[[], object]) -> bool:
    """Do some work in a fork; return whether it was killed. A failure ends this process too."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit(f"the work failed with {os.WEXITSTATUS(status)}")
    return os.WIFSIGNALED(status)


def _write(root: Path, rows: Sequence[ResultRow]) -> None:
    asyncio.run(LocalWriter(root).write(rows))


def full_disk(home: Path) -> None:
    """Meet a limit on the size of files, as a full disk is one; print the errors, then go on."""
    root = home / "warehouse"
    rows = [answer(f"subject-{n}", at=NOW, run_id="run-002") for n in range(2000)]
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    for work in (partial(_write, root, rows), partial(open_run, home, 1)):
        try:
            work()
        except StorageError as error:
            print(error, flush=True)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    open_run(home, 2)
    asyncio.run(LocalWriter(root).write(rows))


def main() -> None:
    """Do as the command line says."""
    role, place, *rest = sys.argv[1:]
    match role:
        case "append":
            append(Path(place), Path(rest[0]), int(rest[1]))
        case "compact":
            compact_for_ever(Path(place))
        case "kill-at-every-step":
            kill_at_every_step(Path(place), rest[0])
        case "full-disk":
            full_disk(Path(place))
        case _:
            raise SystemExit(f"no role {role}")


if __name__ == "__main__":
    main()
