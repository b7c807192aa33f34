"""Half of a project is restored from an older copy: it is said, and nothing is paid twice."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Command, Shown
from tests.shared.unopened import write_unopened

SUBJECTS = 20
PARTS = 2 * SUBJECTS

NOOP = {
    "SIGHTLINE_MODELS__CLASSIFY": "noop",
    "SIGHTLINE_MODELS__EMBED": "noop",
    "SIGHTLINE_MODELS__EMBED_DIMENSION": "8",
}
"""Models that answer at once and know nothing."""

BEGINNERS = (["work", "--drain"], ["enqueue"], ["enqueue", "--resume", "all"],
             ["dead-letters", "replay", "--yes"])  # fmt: skip
"""The commands that publish or pay."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sightline: Command) -> Path:
    """Return a home with observations to ask about."""
    for name, value in NOOP.items():
        monkeypatch.setenv(name, value)
    write_unopened(tmp_path / "observations.csv", SUBJECTS, bucket="bucket")
    sightline("import", "observations.csv")
    return tmp_path / ".sightline"


def copy_of(home: Path, half: str) -> Callable[[], None]:
    """Copy a half of the project; return what puts the copy back."""
    backup = home.parent / f"copy-{half}"
    if half == "queue":
        backup.mkdir()
        for path in home.glob("queue.db*"):
            shutil.copy(path, backup)
    else:
        shutil.copytree(home / "warehouse", backup)

    def restore() -> None:
        if half == "queue":
            for path in home.glob("queue.db*"):
                path.unlink()
            shutil.copytree(backup, home, dirs_exist_ok=True)
        else:
            shutil.rmtree(home / "warehouse")
            shutil.copytree(backup, home / "warehouse")

    return restore


def calls(summary: dict[str, Any]) -> int:
    """Return how many calls of models a worker made."""
    return int(summary["answers"] + summary["embeddings"])


def refused(shown: Shown, *arguments: str) -> str:
    """Return the one line with which a command refuses."""
    code, out, err = shown(*arguments)
    assert (code, out, err.count("\n")) == (4, "", 1), f"{arguments}: {out}\n{err}"
    return err


def test_a_queue_older_than_the_warehouse_is_refused_by_all_who_publish_or_pay(
    home: Path, sightline: Command, shown: Shown
) -> None:
    run = sightline("enqueue")["run_id"]
    restore = copy_of(home, "queue")
    sightline("work", "--drain")
    restore()
    for arguments in (*BEGINNERS, ["enqueue", "--reconcile", run]):
        err = refused(shown, *arguments)
        assert "queue.db is older than the warehouse" in err
        assert err.endswith(
            "`sightline enqueue --recheck` continues with it, and looks up every"
            " message before anything is paid\n"
        )


@pytest.mark.extended
def test_status_says_that_a_half_is_older_and_advises_to_pay_for_nothing(
    home: Path, sightline: Command, shown: Shown
) -> None:
    sightline("enqueue")
    restore = copy_of(home, "queue")
    sightline("work", "--drain")
    restore()
    status = sightline("status", "--check", code=1)
    assert not status["holds"]
    (fault,) = status["faults"]
    assert "is older than the warehouse" in fault
    for arguments in (["status"], ["status", "--check"]):
        _, _, err = shown(*arguments)
        assert "is older than the warehouse" in err
        assert "--reconcile" not in err


def test_an_older_queue_goes_on_without_a_call_paid_twice(home: Path, sightline: Command) -> None:
    sightline("enqueue")
    restore = copy_of(home, "queue")
    assert calls(sightline("work", "--drain")) == PARTS
    restore()
    assert sightline("enqueue", "--recheck") == {"rechecked": SUBJECTS}
    summary = sightline("work", "--drain")
    assert calls(summary) == 0
    assert summary["already_settled"] == SUBJECTS
    status = sightline("status", "--check")
    assert (status["runs"][0]["written"], status["faults"]) == (PARTS, [])


@pytest.mark.extended
def test_a_queue_of_an_earlier_run_is_noticed(home: Path, sightline: Command, shown: Shown) -> None:
    sightline("enqueue", "--limit", "5")
    restore = copy_of(home, "queue")
    sightline("work", "--drain")
    second = sightline("enqueue")["run_id"]
    restore()
    assert "older than the warehouse" in refused(shown, "work", "--drain")
    sightline("enqueue", "--recheck")
    assert sightline("status", "--check", code=1)["faults"] == []
    lost = {run["run_id"]: run["lost"] for run in sightline("status")["runs"]}
    assert lost[second] == 2 * (SUBJECTS - 5)


def test_a_warehouse_older_than_the_queue_is_refused_by_all_who_publish_or_pay(
    home: Path, sightline: Command, shown: Shown
) -> None:
    sightline("enqueue")
    restore = copy_of(home, "warehouse")
    sightline("work", "--drain")
    restore()
    for arguments in BEGINNERS:
        err = refused(shown, *arguments)
        assert "is older than the queue" in err
        assert "put the newer warehouse back" in err
    status = sightline("status", "--check", code=1)
    assert "is older than the queue" in status["faults"][0]


def test_a_ledger_that_is_gone_is_named(home: Path, sightline: Command) -> None:
    sightline("enqueue")
    sightline("work", "--drain")
    for ledger in ("classifications", "embeddings_noop_8", "run_events"):
        aside = (home / "warehouse" / ledger).rename(home / "aside")
        (fault,) = sightline("status", "--check", code=1)["faults"]
        assert f"{ledger} is older than the queue" in fault
        aside.rename(home / "warehouse" / ledger)
    assert sightline("status", "--check")["holds"]


@pytest.mark.extended
def test_an_older_warehouse_is_gone_on_with_only_when_told(home: Path, sightline: Command) -> None:
    run = sightline("enqueue")["run_id"]
    restore = copy_of(home, "warehouse")
    sightline("work", "--drain")
    restore()
    sightline("enqueue", "--recheck")
    status = sightline("status", "--check", code=1)
    assert status["faults"] == []
    assert status["runs"][0]["lost"] == PARTS
    sightline("enqueue", "--reconcile", run)
    sightline("work", "--drain")
    assert sightline("status", "--check")["holds"]


@pytest.mark.extended
def test_both_halves_of_one_copy_are_no_fault(home: Path, sightline: Command) -> None:
    sightline("enqueue")
    restores = [copy_of(home, "queue"), copy_of(home, "warehouse")]
    sightline("work", "--drain")
    for restore in restores:
        restore()
    assert sightline("status", "--check")["holds"]
    assert calls(sightline("work", "--drain")) == PARTS


def test_the_queue_of_another_project_is_refused(
    home: Path, sightline: Command, shown: Shown
) -> None:
    sightline("enqueue")
    sightline("--home", "other", "import", "observations.csv")
    sightline("--home", "other", "enqueue")
    for path in home.glob("queue.db*"):
        path.unlink()
    shutil.copy("other/queue.db", home / "queue.db")
    assert "is not the queue that this warehouse was used with" in refused(shown, "work", "--drain")


def test_a_queue_that_is_lost_is_made_anew_and_reconciled(home: Path, sightline: Command) -> None:
    run = sightline("enqueue", "--limit", "5")["run_id"]
    sightline("work", "--drain")
    second = sightline("enqueue")["run_id"]
    (home / "queue.db").unlink()
    assert sightline("status", "--check", code=1)["faults"] == []
    sightline("enqueue", "--reconcile", run)
    sightline("enqueue", "--reconcile", second)
    assert calls(sightline("work", "--drain")) == 2 * (SUBJECTS - 5)
    assert sightline("status", "--check")["holds"]


@pytest.mark.extended
def test_a_project_of_the_version_before_gets_its_marks_from_the_first_writer(
    home: Path, sightline: Command, shown: Shown
) -> None:
    sightline("enqueue")
    forget_marks(home)
    assert sightline("status", "--check")["holds"]
    restore = copy_of(home, "queue")
    sightline("work", "--drain")
    assert sightline("status", "--check")["holds"]
    restore()
    assert "older than the warehouse" in refused(shown, "work", "--drain")


def forget_marks(home: Path) -> None:
    """Make a project one of the version before, which knew no marks."""
    with sqlite3.connect(home / "queue.db") as sqlite:
        sqlite.execute("DROP TABLE marks")
    sqlite.close()
    (home / "warehouse" / "queue.json").unlink()
    for path in (home / "warehouse" / "run_events").rglob("*.parquet"):
        path.rename(path.with_name(path.name.split(".")[0] + ".parquet"))


@pytest.mark.extended
def test_marks_outlive_compaction(home: Path, sightline: Command, shown: Shown) -> None:
    sightline("enqueue")
    restore = copy_of(home, "queue")
    sightline("work", "--drain")
    sightline("compact", "--all")
    assert sightline("status", "--check")["holds"]
    for folder in ("classifications", "embeddings_noop_8", "run_events"):
        keep_compacted_alone(home / "warehouse" / folder)
    restore()
    assert "older than the warehouse" in refused(shown, "work", "--drain")


def keep_compacted_alone(folder: Path) -> None:
    """Delete what a compaction replaced, as a later one will."""
    if (folder / "manifest.json").exists():
        for path in folder.rglob("*.parquet"):
            if ".compacted." not in path.name:
                path.unlink()
