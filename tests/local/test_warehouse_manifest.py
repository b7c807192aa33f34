"""Manifests that are lost, older or later than the files beside them: named, and acted on never."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sightline.errors import StorageError
from sightline.local.warehouse import LocalLedgers, compact, repair_all
from sightline.local.warehouse.manifest import read_manifest
from sightline.local.warehouse.repair import rebuilt
from sightline.schema import CLASSIFICATIONS
from tests.contracts.warehouse_rig import NOW
from tests.local.test_warehouse_store import KEY, ask, files, unfinished_output, write

TURN = timedelta(minutes=11)
"""Longer than the grace period of what a compaction replaced."""

SUBJECTS = "SELECT subject_id FROM classifications ORDER BY 1"

Damage = Callable[[Path], None]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return where the warehouse is."""
    return tmp_path / "warehouse"


async def compacted_twice(root: Path) -> Path:
    """Write a, b, compact; write c, compact, and clear up; return a copy of the first manifest."""
    folder = root / "classifications"
    await write(root, "a")
    await write(root, "b")
    compact(root, CLASSIFICATIONS, now=NOW, everything=True)
    older = root.parent / "older.json"
    shutil.copy(folder / "manifest.json", older)
    await write(root, "c")
    compact(root, CLASSIFICATIONS, now=NOW + TURN, everything=True)
    compact(root, CLASSIFICATIONS, now=NOW + 2 * TURN, everything=True)
    assert len(files(root)) == 1
    return older


def lose(folder: Path) -> None:
    """Lose the manifest."""
    (folder / "manifest.json").unlink()


def put_back_the_older(folder: Path) -> None:
    """Restore the manifest of the compaction before the last."""
    shutil.copy(folder.parents[1] / "older.json", folder / "manifest.json")


def cut(folder: Path) -> None:
    """Leave half of the manifest."""
    whole = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(whole[: len(whole) // 2])


DAMAGES = pytest.mark.parametrize("damage", [lose, cut, put_back_the_older])


@DAMAGES
async def test_damage_is_named_by_readers_and_nothing_is_acted_on(
    root: Path, damage: Damage
) -> None:
    await compacted_twice(root)
    damage(root / "classifications")
    before = files(root)
    for _ in range(2):
        with pytest.raises(StorageError, match=r"^[^\n]*manifest\.json[^\n]*backup[^\n]*$"):
            compact(root, CLASSIFICATIONS, now=NOW + 3 * TURN, everything=True)
        with pytest.raises(StorageError, match=r"manifest\.json .* restore .* from a backup"):
            await LocalLedgers(root).written([KEY])
    assert files(root) == before


@pytest.mark.parametrize("damage", [lose, cut])
async def test_a_lost_manifest_is_rebuilt_from_the_files(root: Path, damage: Damage) -> None:
    await compacted_twice(root)
    damage(root / "classifications")
    (report,) = repair_all(root, now=NOW)
    assert (report.ledger, report.files, report.replaced) == ("classifications", 1, 0)
    assert ask(root, SUBJECTS) == [("a",), ("b",), ("c",)]
    assert repair_all(root, now=NOW) == []


async def test_an_older_manifest_gives_way_to_the_files(root: Path) -> None:
    await compacted_twice(root)
    put_back_the_older(root / "classifications")
    repair_all(root, now=NOW)
    assert ask(root, SUBJECTS) == [("a",), ("b",), ("c",)]


async def test_what_a_rebuilt_manifest_replaces_is_deleted_only_later(root: Path) -> None:
    await compacted_twice(root)
    await write(root, "d")
    compact(root, CLASSIFICATIONS, now=NOW + 3 * TURN, everything=True)  # its inputs stay
    lose(root / "classifications")
    (report,) = repair_all(root, now=NOW + 3 * TURN)
    assert (report.files, report.replaced) == (1, 2)
    assert len(files(root)) == 3
    compact(root, CLASSIFICATIONS, now=NOW + 5 * TURN, everything=True)
    assert len(files(root)) == 1
    assert [subject for (subject,) in ask(root, SUBJECTS)] == ["a", "b", "c", "d"]


async def test_a_lost_manifest_whose_inputs_are_all_there_loses_and_doubles_nothing(
    root: Path,
) -> None:
    await write(root, "a")
    await write(root, "b")
    compact(root, CLASSIFICATIONS, now=NOW, everything=True)
    lose(root / "classifications")
    assert ask(root, SUBJECTS) == [("a",), ("b",)]
    compact(root, CLASSIFICATIONS, now=NOW + TURN, everything=True)
    compact(root, CLASSIFICATIONS, now=NOW + 2 * TURN, everything=True)
    assert ask(root, SUBJECTS) == [("a",), ("b",)]
    assert len(files(root)) == 1


async def test_a_file_that_the_manifest_names_and_that_is_gone_is_named(root: Path) -> None:
    await compacted_twice(root)
    folder = root / "classifications"
    (only,) = files(root)
    (folder / only).rename(root.parent / "aside")
    await write(root, "d")
    for work in (
        lambda: compact(root, CLASSIFICATIONS, now=NOW, everything=True),
        lambda: repair_all(root, now=NOW),
        lambda: ask(root, SUBJECTS),
    ):
        with pytest.raises(StorageError, match=r"compacted\.parquet is missing.*copy it back"):
            work()
    (root.parent / "aside").rename(folder / only)
    assert len(ask(root, SUBJECTS)) == 4


async def test_a_manifest_of_a_later_program_is_refused_and_never_rebuilt(root: Path) -> None:
    await compacted_twice(root)
    path = root / "classifications" / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": 99}))
    content = path.read_bytes()
    for work in (
        lambda: repair_all(root, now=NOW),
        lambda: compact(root, CLASSIFICATIONS, now=NOW, everything=True),
    ):
        with pytest.raises(StorageError, match="version 99; update sightline"):
            work()
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "content",
    [
        "[]", "{}", "null", '{"version": 2, "generation": -1, "compacted": [], "superseded": {}}',
        '{"version": 2, "generation": 1, "compacted": "ab", "superseded": {}}',
        '{"version": 2, "generation": 1, "compacted": ["../../x.parquet"], "superseded": {}}',
        '{"version": 2, "generation": 1, "compacted": [], "superseded": {"a": "yesterday"}}',
    ],
)  # fmt: skip
async def test_a_manifest_that_says_what_it_cannot_say_is_damaged(root: Path, content: str) -> None:
    await write(root, "a")
    (root / "classifications" / "manifest.json").write_text(content)
    with pytest.raises(StorageError, match=r"manifest\.json is damaged .*compact --repair"):
        await LocalLedgers(root).written([KEY])


async def test_a_project_of_the_version_before_goes_on(root: Path) -> None:
    await write(root, "a")
    await write(root, "b")
    compact(root, CLASSIFICATIONS, now=NOW, everything=True)
    as_before(root)
    assert ask(root, SUBJECTS) == [("a",), ("b",)]
    await write(root, "c")
    compact(root, CLASSIFICATIONS, now=NOW + TURN, everything=True)
    compact(root, CLASSIFICATIONS, now=NOW + 2 * TURN, everything=True)
    assert ask(root, SUBJECTS) == [("a",), ("b",), ("c",)]
    assert len(files(root)) == 1


async def test_the_only_copy_of_the_version_before_counts_again_after_a_repair(root: Path) -> None:
    await write(root, "a")
    await write(root, "b")
    compact(root, CLASSIFICATIONS, now=NOW, everything=True)
    compact(root, CLASSIFICATIONS, now=NOW + TURN, everything=True)
    as_before(root)
    lose(root / "classifications")
    with pytest.raises(StorageError, match="may hold the only copy"):
        compact(root, CLASSIFICATIONS, now=NOW, everything=True)
    repair_all(root, now=NOW)
    assert ask(root, SUBJECTS) == [("a",), ("b",)]


def as_before(root: Path) -> None:
    """Turn the one output, and the manifest, into those of version 1."""
    folder = root / "classifications"
    (output,) = [file for file in files(root) if "compacted" in file]
    plain = output.replace(".g1.compacted", ".compacted")
    pq.write_table(
        pq.read_table(folder / output, partitioning=None).replace_schema_metadata({}),
        folder / plain,
    )
    (folder / output).unlink()
    manifest = json.loads((folder / "manifest.json").read_text())
    old = {"version": 1, "compacted": [plain], "superseded": manifest["superseded"]}
    (folder / "manifest.json").write_text(json.dumps(old))


async def test_a_killed_compactions_output_is_passed_over_for_a_later_one(root: Path) -> None:
    await write(root, "a")
    await write(root, "b")
    killed = unfinished_output(root).relative_to(root / "classifications").as_posix()
    content = (root / "classifications" / killed).read_bytes()
    await write(root, "c")
    compact(root, CLASSIFICATIONS, now=NOW, everything=True)
    (root / "classifications" / killed).write_bytes(content)  # it comes back by a copy
    manifest = rebuilt(
        root / "classifications", files(root), read_manifest(root / "classifications"), NOW
    )
    assert killed in manifest.superseded
    assert len(manifest.compacted) == 1
    assert [subject for (subject,) in ask(root, SUBJECTS)] == ["a", "b", "c"]
