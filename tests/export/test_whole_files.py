"""An export is there whole or not at all, whatever ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sightline.errors import ConfigurationError, StorageError
from sightline.export import ExportFormat, open_table, written_whole
from sightline.export.targets import check_target
from sightline.whole_files import TEMPORARY
from tests.conftest import CHECKOUT
from tests.export.rows import ALL, SPEC
from tests.waiting import GIVE_UP_S

KILLED = """
import os, signal, sys
from pathlib import Path
from sightline.export import ExportFormat, open_table, written_whole
from tests.export.rows import ALL, SPEC

with written_whole(Path(sys.argv[1])) as (file,):
    with open_table(ExportFormat(sys.argv[2]), file, SPEC) as table:
        table.write(ALL)
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
"""


def interrupted_export(path: Path, kind: ExportFormat) -> None:
    """Begin an export, and be interrupted by Ctrl-C."""
    with written_whole(path) as (file,), open_table(kind, file, SPEC) as table:
        table.write(ALL)
        raise KeyboardInterrupt


def fill_the_disk(path: Path) -> None:
    """Write to a device that is always full."""
    with written_whole(path) as (file,):
        with Path("/dev/full").open("wb", buffering=0) as full:
            os.dup2(full.fileno(), file.fileno())
        file.write(b"x" * 100_000)


def test_a_file_takes_its_place_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    with written_whole(path) as (file,):
        file.write(b"x")
        assert not path.exists()
    assert path.read_bytes() == b"x"
    assert os.listdir(tmp_path) == ["out.csv"]  # noqa: PTH208 - names alone


@pytest.mark.parametrize("kind", [kind for kind in ExportFormat if kind is not ExportFormat.TUNING])
def test_an_export_that_fails_in_the_middle_leaves_what_was_there(
    tmp_path: Path, kind: ExportFormat
) -> None:
    path = tmp_path / "out"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt):
        interrupted_export(path, kind)
    assert path.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_an_export_that_is_killed_leaves_no_half_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"out.{kind}"
    completed = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), kind],
        cwd=CHECKOUT,
        check=False,
        timeout=GIVE_UP_S,
    )
    assert completed.returncode == -signal.SIGKILL
    assert not path.exists()
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(f".{path.name}.")
    assert left.name.endswith(TEMPORARY)


def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    with pytest.raises(StorageError, match=r"No space left on device; free some space"):
        fill_the_disk(path)
    assert list(tmp_path.iterdir()) == []


def test_new_and_old_files_never_stand_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [tmp_path / name for name in ("a", "b")]
    for path in paths:
        path.write_bytes(b"old")
    renamed: list[list[str]] = []
    replace = Path.replace

    def seen(self: Path, target: Path) -> Path:
        renamed.append([path.name for path in paths if path.exists()])
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", seen)
    with written_whole(*paths) as files:
        for file in files:
            file.write(b"new")
    assert renamed == [[], ["a"]]
    assert [path.read_bytes() for path in paths] == [b"new"] * 2


def test_a_target_that_cannot_be_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    there = tmp_path / "there.csv"
    there.write_bytes(b"")
    for path, message in (
        (Path("gs://bucket/x.csv"), "is not a local path"),
        (tmp_path, "is a folder"),
        (tmp_path / "no" / "x.csv", "there is no folder"),
        (there / "x.csv", "there is no folder"),
        (there, "--force to replace it"),
        (tmp_path / ("x" * 300), "give another FILE"),
        (tmp_path / "nul\x00", "give another FILE"),
    ):
        with pytest.raises(ConfigurationError, match=message):
            check_target(path, force=False)
    check_target(there, force=True)
    (tmp_path / "link").symlink_to(there)
    (tmp_path / "dangling").symlink_to("nowhere")
    for path in (tmp_path / "link", tmp_path / "dangling", Path("/dev/null"), Path("/dev/stdout")):
        with pytest.raises(ConfigurationError, match="is a link or a device"):
            check_target(path, force=True)
