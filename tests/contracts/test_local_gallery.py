"""The local gallery passes its suite, and its image table may be lost at any time."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightline.errors import ConfigurationError
from sightline.local.warehouse import LocalGallery
from sightline.ports import Selection
from tests.contracts.gallery_suite import COUNT, GalleryContract, GalleryRig
from tests.contracts.test_warehouse_contract import local_rig

AT_ONCE = {"patience_s": 60.0, "look_every_s": 0.0, "rest": 0.0}
"""Every request sees what was written before it."""


def gallery_of(home: Path) -> LocalGallery:
    """Return a gallery that waits for the images written before each request."""
    return LocalGallery(home / "warehouse", home / "cache" / "gallery", **AT_ONCE)  # type: ignore[arg-type]  # numbers


@pytest.fixture
def rig(tmp_path: Path) -> GalleryRig:
    """Return an empty warehouse, in a folder whose name is full of wildcards."""
    home = tmp_path / "höme [1] *'"
    return GalleryRig(local_rig(home), gallery_of(home))


class TestLocalGallery(GalleryContract):
    """Images by DuckDB, from a table that is built from the ledgers."""


async def total(gallery: LocalGallery) -> int:
    """Return how many images there are."""
    return (await gallery.counted(Selection(), []))[0]


async def test_a_second_process_uses_the_table_that_is_there(tmp_path: Path) -> None:
    rig = GalleryRig(local_rig(tmp_path), gallery_of(tmp_path))
    await rig.fill()
    assert await rig.ids() == [*range(COUNT)]
    (built,) = (tmp_path / "cache" / "gallery").glob("*.duckdb")
    inode = built.stat().st_ino
    assert await total(gallery_of(tmp_path)) == COUNT
    assert built.stat().st_ino == inode


@pytest.mark.parametrize("content", [b"", b"not a database", None])
async def test_a_lost_or_damaged_table_is_built_again(
    tmp_path: Path, content: bytes | None
) -> None:
    rig = GalleryRig(local_rig(tmp_path), gallery_of(tmp_path))
    await rig.fill()
    await rig.ids()
    (built,) = (tmp_path / "cache" / "gallery").glob("*.duckdb")
    built.unlink()
    if content is not None:
        built.write_bytes(content)
    assert await total(gallery_of(tmp_path)) == COUNT


async def test_a_folder_that_duckdb_cannot_open_is_named(tmp_path: Path) -> None:
    home = tmp_path / "which?"
    rig = GalleryRig(local_rig(home), gallery_of(home))
    with pytest.raises(ConfigurationError, match="has a question mark in its name; rename"):
        await rig.ids()


async def test_what_a_killed_build_left_is_removed(tmp_path: Path) -> None:
    rig = GalleryRig(local_rig(tmp_path), gallery_of(tmp_path))
    folder = tmp_path / "cache" / "gallery"
    folder.mkdir(parents=True)
    (folder / ".images-1-abc.duckdb.tmp").write_bytes(b"half")
    (folder / "images-1-old.duckdb").write_bytes(b"of an earlier state")
    await rig.fill()
    assert await total(gallery_of(tmp_path)) == COUNT
    assert len(list(folder.glob("*images-*"))) == 1
    assert not list(folder.glob(".images-*"))


async def test_looking_writes_no_ledger(tmp_path: Path) -> None:
    rig = GalleryRig(local_rig(tmp_path), gallery_of(tmp_path))
    await rig.fill()
    before = sorted((tmp_path / "warehouse").rglob("*"))
    await rig.ids()
    await rig.gallery.details("obs-000")
    assert sorted((tmp_path / "warehouse").rglob("*")) == before
