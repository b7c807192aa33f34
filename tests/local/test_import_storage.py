"""Where imports are written: whole files or none, whatever the disk and other imports do."""

from __future__ import annotations

import resource
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from sightline.errors import StorageError
from sightline.local.importing import import_table, staging
from sightline.local.warehouse import locks
from sightline.whole_files import write_beside
from tests.local.imports import NOW, rows_in

HEADER = "observation_id,asset_type,gcs_uri\n"


def table(folder: Path, rows: int, name: str = "table.csv") -> Path:
    path = folder / name
    lines = [f"{name}-{n},T,gs://bucket/{n * 7919}/{n:x}.jpg\n" for n in range(rows)]
    path.write_text(HEADER + "".join(lines))
    return path


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let every file that is written be full at ``size`` bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, to look into."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, temporary: Path) -> None:
    source = tmp_path / "source"
    import_table(table(tmp_path, 10), source=source, now=NOW)
    before = sorted(source.iterdir())
    more = table(tmp_path, 40_000, "more.csv")
    with files_of_at_most(20_000), pytest.raises(StorageError, match="run the command again"):
        import_table(more, source=source, now=NOW)
    assert sorted(source.iterdir()) == before
    assert list(temporary.iterdir()) == []
    assert import_table(more, source=source, now=NOW).imported == 40_000


def test_a_disk_that_fills_at_the_last_moment_leaves_nothing_half_written(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source"

    def full(path: Path, fill: Callable[[Path], None]) -> None:
        with files_of_at_most(1000):
            write_beside(path, fill)

    monkeypatch.setattr(staging, "write_beside", full)
    with pytest.raises(StorageError):
        import_table(table(tmp_path, 5000), source=source, now=NOW)
    assert [path.name for path in source.iterdir()] == [".import.lock"]
    assert list(temporary.iterdir()) == []


def test_a_source_that_cannot_be_a_folder_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match=r"/file: .*in the way.*run the command again"):
        import_table(table(tmp_path, 1), source=tmp_path / "file" / "source", now=NOW)


def test_a_read_only_folder_is_a_storage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr(locks, "make_directory", refuse)
    with pytest.raises(StorageError, match="Read-only file system; mount it writable"):
        import_table(table(tmp_path, 1), source=tmp_path / "source", now=NOW)


def test_a_foreign_file_in_the_source_is_named(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "broken.parquet").write_bytes(b"no parquet")
    with pytest.raises(StorageError, match=r"broken\.parquet.*; fix or move the file") as caught:
        import_table(table(tmp_path, 1), source=source, now=NOW)
    assert "\n" not in str(caught.value)


def test_imports_at_the_same_time_keep_every_row_once(tmp_path: Path) -> None:
    source = tmp_path / "source"
    files = [table(tmp_path, 50, "a.csv"), table(tmp_path, 50, "b.csv")] * 3
    with ThreadPoolExecutor(len(files)) as pool:
        reports = list(pool.map(lambda file: import_table(file, source=source, now=NOW), files))
    assert sum(report.imported for report in reports) == 100
    assert sum(report.unchanged for report in reports) == 200
    assert len({row["observation_id"] for row in rows_in(source)}) == len(rows_in(source)) == 100


def test_files_are_named_by_their_time_and_content(tmp_path: Path) -> None:
    source = tmp_path / "source"
    (first,) = import_table(table(tmp_path, 1, "a.csv"), source=source, now=NOW).files
    later = NOW + timedelta(microseconds=1)
    (second,) = import_table(table(tmp_path, 1, "b.csv"), source=source, now=later).files
    assert first.name.startswith("20261121T103000000000-")
    assert sorted([second, first]) == [first, second]
