"""Processes on one local warehouse, killed at every step and at random: nothing lost or doubled."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from sightline import whole_files
from sightline.local.warehouse import LocalWriter, connect
from sightline.local.warehouse.engine import DuckDbEngine, Session
from sightline.local.warehouse.views import attach
from sightline.schema import CLASSIFICATIONS
from tests.conftest import CHECKOUT
from tests.contracts.test_warehouse_contract import import_observations, local_rig
from tests.contracts.warehouse_rig import EMBEDDING, NOW, asking, observation
from tests.local import warehouse_crew
from tests.local.warehouse_crew import PART, answer

APPENDERS = 3
KILLS = 8
MOST_BETWEEN_KILLS = 600


def start(*arguments: object, pipe: bool = False) -> subprocess.Popen[str]:
    """Start a process of the crew."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.local.warehouse_crew", *map(str, arguments)],
        cwd=CHECKOUT,
        text=True,
        stdout=subprocess.PIPE if pipe else None,
    )


def output(*arguments: object) -> list[str]:
    """Return the lines that a process of the crew prints until it ends well."""
    process = start(*arguments, pipe=True)
    text, _ = process.communicate()
    assert process.returncode == 0
    return text.splitlines()


@pytest.fixture
def crew() -> Iterator[list[subprocess.Popen[str]]]:
    """Yield a list of processes; kill those that are left."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()


def logged(folder: Path) -> set[str]:
    """Return the subjects whose rows were durable before they were logged."""
    return {
        line.strip()
        for log in folder.glob("*.log")
        for line in log.read_text().splitlines(keepends=True)
        if line.endswith("\n")
    }


def subjects(root: Path) -> Counter[str]:
    """Return how often each subject is shown."""

    def look(session: Session) -> Counter[str]:
        attach(session, CLASSIFICATIONS)
        rows = session.rows("SELECT subject_id FROM classifications_all")
        return Counter(subject_id for (subject_id,) in rows)

    return DuckDbEngine(root).read_now(look)


def files_named(folder: Path, pattern: str) -> list[Path]:
    """Return the files below a folder whose names match."""
    return list(folder.rglob(pattern))


def test_readers_see_every_row_once_while_others_append_compact_and_are_killed(
    tmp_path: Path, crew: list[subprocess.Popen[str]]
) -> None:
    seed = int(os.environ.get("CHAOS_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"CHAOS_SEED={seed}")
    chance = random.Random(seed)
    root = tmp_path / "warehouse"
    roles: list[list[object]] = [
        *(
            ["append", root, tmp_path / f"{n}.log", chance.randrange(1 << 30)]
            for n in range(APPENDERS)
        ),
        ["compact", root],
    ]
    crew += [start(*role) for role in roles]
    for turn in range(KILLS):
        enough = len(logged(tmp_path)) + chance.randint(1, MOST_BETWEEN_KILLS)
        while len(durable := logged(tmp_path)) < enough:
            subject_ids = subjects(root)
            assert durable <= subject_ids.keys()
            assert set(subject_ids.values()) <= {1}
            assert all(process.poll() is None for process in crew)
        place = chance.randrange(len(roles))
        crew[place].kill()
        assert crew[place].wait() == -signal.SIGKILL
        role = roles[place]
        if role[0] == "append":
            role = [*role[:2], tmp_path / f"{place}-{turn}.log", chance.randrange(1 << 30)]
        crew[place] = start(*role)
    while not (root / "classifications" / "manifest.json").exists():
        assert set(subjects(root).values()) == {1}  # the last compactor is left in peace
    for process in crew:
        process.kill()
        process.wait()
    subject_ids = subjects(root)
    assert logged(tmp_path) <= subject_ids.keys()
    assert set(subject_ids.values()) == {1}


def test_a_producer_killed_at_any_step_leaves_a_whole_run_or_none(tmp_path: Path) -> None:
    import_observations(tmp_path / "source", [observation(number) for number in range(9)], 0)
    steps = [json.loads(line) for line in output("kill-at-every-step", tmp_path, "open_run")]
    assert len(steps) > 5
    for _, subject_ids in steps:
        if not subject_ids["runs"]:
            assert subject_ids == {"runs": [], "listed": 0, "items": 0, "to_publish": 18}
        else:
            ((_, parts),) = subject_ids["runs"]
            assert (
                parts,
                subject_ids["listed"],
                subject_ids["items"],
                subject_ids["to_publish"],
            ) == (18, 18, 9, 0)
    assert not steps[0][1]["runs"]
    assert steps[-1][1]["runs"]


def test_a_producer_that_meets_an_unforeseen_error_at_any_step_leaves_a_whole_run_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class UnforeseenError(Exception):
        pass

    import_observations(tmp_path / "source", [observation(number) for number in range(9)], 0)
    failed = 0
    for step in count(1):
        steps = count(1)

        def sync(path: Path, step: int = step, steps: Iterator[int] = steps) -> None:
            if next(steps) == step:
                raise UnforeseenError

        with monkeypatch.context() as patch:
            patch.setattr(whole_files, "sync", sync)
            try:
                warehouse_crew.open_run(tmp_path, step)
            except UnforeseenError:
                failed += 1
            else:
                break
        run_parts = warehouse_crew.show_runs(tmp_path)
        assert isinstance(run_parts, dict)
        if run_parts["runs"]:
            ((_, parts),) = run_parts["runs"]
            assert (parts, run_parts["listed"], run_parts["items"], run_parts["to_publish"]) == (
                18,
                18,
                9,
                0,
            )
        else:
            assert run_parts == {"runs": [], "listed": 0, "items": 0, "to_publish": 18}
    assert failed > 5
    whole = warehouse_crew.show_runs(tmp_path)
    assert isinstance(whole, dict)
    assert (whole["listed"], whole["items"], whole["to_publish"]) == (18, 9, 0)


async def test_what_killed_producers_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    import_observations(tmp_path / "source", [observation(number) for number in range(3)], 0)
    leftover = tmp_path / "warehouse" / "work_items" / "run=dead" / "items.parquet"
    leftover.parent.mkdir(parents=True)
    leftover.write_bytes(b"half a file")
    orphan = tmp_path / "warehouse" / "observations" / "date=2026-05-04" / "run-dead.parquet"
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"half a file")
    rig = local_rig(tmp_path)
    assert (await rig.open(asking(EMBEDDING), "run-1")).messages == 3
    assert not leftover.parent.exists()
    assert not orphan.exists()


async def test_a_compaction_killed_at_any_step_loses_and_doubles_nothing(tmp_path: Path) -> None:
    writer = LocalWriter(tmp_path / "warehouse")
    rows = [answer(f"s-{number:02d}", at=NOW) for number in range(12)]
    for first in (0, 3, 6, 2):
        await writer.write(rows[first : first + 6])
    steps: list[tuple[bool, Any]] = [
        json.loads(line) for line in output("kill-at-every-step", tmp_path, "compact")
    ]
    assert len(steps) > 4
    assert [killed for killed, _ in steps] == [True] * (len(steps) - 1) + [False]
    assert all(subject_ids == [row.subject_id for row in rows] for _, subject_ids in steps)


async def test_a_full_disk_is_one_clear_error_and_costs_nothing(tmp_path: Path) -> None:
    import_observations(
        tmp_path / "source",
        [observation(number, map_url=os.urandom(99).hex()) for number in range(99)],
        0,
    )
    write, opened = output("full-disk", tmp_path)
    assert write.endswith("then run the command again")
    assert "classifications" in write
    assert "ulimit" in write
    assert "run" in opened
    assert not files_named(tmp_path, "*.tmp")
    connection = connect(tmp_path / "warehouse")
    rows = connection.execute("SELECT count(*) FROM classifications_all").fetchall()
    runs = connection.execute("SELECT run_id, messages FROM runs_current").fetchall()
    connection.close()
    assert rows == [(2000,)]
    assert runs == [("run-002", 99)]


async def test_two_producers_at_once_open_one_run(tmp_path: Path) -> None:
    import_observations(tmp_path / "source", [observation(number) for number in range(50)], 0)
    rig, other = local_rig(tmp_path), local_rig(tmp_path)
    request = asking(PART, EMBEDDING)
    runs = await asyncio.gather(rig.open(request, "run-1"), other.open(request, "run-2"))
    assert sorted(run.messages for run in runs) == [0, 50]
    assert len(await rig.runs.runs()) == 1
