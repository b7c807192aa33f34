"""What only reads the warehouse does not open the queue: broken or gone, it is no matter."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Mistake, Shown

READERS = (
    ("search", "a stop sign", "--explain"),
    ("similar", "obs-000"),
    ("sql", "select count(*) from classifications_all"),
    ("stats",),
    ("stats", "signs"),
    ("export", "answers.csv", "--task", "signs"),
    ("consolidate", "signs"),
    ("changes", "signs", "--at", "2026-04-28"),
    ("outliers", "signs"),
    ("duplicates",),
    ("index", "status"),
    ("dead-letters", "list"),
    ("enqueue", "--dry-run"),
    ("estimate",),
    ("compact",),
    ("tasks", "list"),
)


def broken(queue: Path) -> None:
    queue.write_bytes(b"this is no database" * 1000)


def folder(queue: Path) -> None:
    queue.mkdir()


@pytest.mark.parametrize("make", [broken, folder])
@pytest.mark.parametrize("arguments", READERS, ids=" ".join)
@pytest.mark.usefixtures("embedded_space")
def test_a_command_that_reads_needs_no_queue(
    shown: Shown, embedded_home: Path, arguments: tuple[str, ...], make: object
) -> None:
    queue = embedded_home / "queue.db"
    assert callable(make)
    make(queue)
    code, out, err = shown(*arguments, "--json")
    assert code == 0, err
    json.loads(out)


@pytest.mark.parametrize("arguments", READERS, ids=" ".join)
@pytest.mark.usefixtures("embedded_space")
def test_a_command_that_reads_makes_no_queue(
    shown: Shown, embedded_home: Path, arguments: tuple[str, ...]
) -> None:
    code, _, err = shown(*arguments, "--json")
    assert code == 0, err
    assert not (embedded_home / "queue.db").exists()


def test_a_command_that_needs_the_queue_says_what_is_wrong_with_it(
    mistake: Mistake, embedded_home: Path
) -> None:
    broken(embedded_home / "queue.db")
    mistake("work", "--drain", says="queue.db", code={2, 4})
