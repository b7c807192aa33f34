"""Only files below folders that a person named are read, however a row or a message names them."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sightline.errors import ConfigurationError, PermanentError, Reason, StorageError
from sightline.local.images import (
    ANYWHERE,
    ImageFolders,
    Nowhere,
    read_image,
    read_to_send,
    record_root,
    recorded_roots,
)
from tests.local.pictures import encoded, halves

NOW = datetime(2026, 5, 4, tzinfo=UTC)
PICTURE = encoded(halves(), "JPEG")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "root" / "deep").mkdir(parents=True)
    (tmp_path / "root" / "deep" / "a.jpg").write_bytes(PICTURE)
    (tmp_path / "root-of-another").mkdir()
    (tmp_path / "root-of-another" / "private.jpg").write_bytes(PICTURE)
    return tmp_path / "root"


def below(*roots: Path) -> ImageFolders:
    return ImageFolders(lambda: roots)


def read(uri: str | Path, folders: ImageFolders) -> bytes:
    named = uri.as_uri() if isinstance(uri, Path) else uri
    return read_to_send(named, max_bytes=10**6, folders=folders)


def refusal(uri: str | Path, folders: ImageFolders) -> PermanentError:
    with pytest.raises(PermanentError) as caught:
        read(uri, folders)
    return caught.value


def test_a_file_below_a_root_is_read(root: Path) -> None:
    assert read(root / "deep" / "a.jpg", below(root)) == PICTURE
    assert read(root / "deep" / "a.jpg", below(root / "no", root)) == PICTURE


def test_a_root_may_be_given_by_a_link(root: Path) -> None:
    (root.parent / "photos").symlink_to(root)
    assert read(root / "deep" / "a.jpg", below(root.parent / "photos")) == PICTURE
    assert read(root.parent / "photos" / "deep" / "a.jpg", below(root)) == PICTURE


@pytest.mark.parametrize(
    "path", ["../root-of-another/private.jpg", "deep/../../root-of-another/private.jpg", "../.."]
)
def test_a_file_elsewhere_is_a_bad_uri_that_names_the_setting(root: Path, path: str) -> None:
    error = refusal(f"{root.as_uri()}/{path}", below(root))
    assert error.reason is Reason.BAD_URI
    assert "images.roots" in str(error)
    assert "--allow-root" in str(error)
    assert "\n" not in str(error)


def test_whether_a_file_elsewhere_is_there_is_not_told(root: Path) -> None:
    there = refusal(root.parent / "root-of-another" / "private.jpg", below(root))
    absent = refusal(root.parent / "root-of-another" / "absent.jpg", below(root))
    assert str(there).replace("private", "absent") == str(absent)


@pytest.mark.parametrize("of", ["file", "folder", "chain"])
def test_a_link_that_leads_out_is_not_followed(root: Path, of: str) -> None:
    elsewhere = root.parent / "root-of-another"
    if of == "file":
        (root / "x.jpg").symlink_to(elsewhere / "private.jpg")
        path = root / "x.jpg"
    elif of == "folder":
        (root / "x").symlink_to(elsewhere)
        path = root / "x" / "private.jpg"
    else:
        (root / "two").symlink_to("../root-of-another")
        (root / "one").symlink_to("two")
        path = root / "one" / "private.jpg"
    assert refusal(path, below(root)).reason is Reason.BAD_URI
    assert read(path, below(root, elsewhere)) == PICTURE, "allowed, it is"


@pytest.mark.parametrize(
    "uri",
    ["file:///proc/self/environ", "file:///etc/passwd", "file:///proc/self/cwd/README.md",
     "file:///proc/self/root/etc/passwd", "file:///sys/kernel/notes", "file:///etc/hostname",
     "file:///%70roc/self/environ", "file://localhost/proc/self/environ"],
)  # fmt: skip
@pytest.mark.parametrize("folders", [below(Path("/tmp")), below(Path("/")), ANYWHERE])
def test_no_file_of_the_system_is_sent_whatever_is_allowed(uri: str, folders: ImageFolders) -> None:
    assert refusal(uri, folders).reason in {Reason.BAD_URI, Reason.IMAGE_UNREADABLE}


@pytest.mark.parametrize("folder", ["/proc", "/sys", "/dev/shm"])
def test_no_root_opens_the_folders_of_the_system(folder: str, root: Path) -> None:
    picture = Path("/dev/shm") / f"sightline-{os.getpid()}.jpg"
    if folder == "/dev/shm":
        picture.write_bytes(PICTURE)
    uri = picture.as_uri() if folder == "/dev/shm" else f"file://{folder}/self/environ"
    try:
        error = refusal(uri, below(Path(folder)))
        assert error.reason in {Reason.BAD_URI, Reason.IMAGE_GONE}
    finally:
        picture.unlink(missing_ok=True)


NO_IMAGES = (
    b"KEY=secret\0", b"%PDF-1.7", b"\x7fELF", b"GIF89a", b"#!/bin/sh", b"\xff\xd8\xff",
    b"\xff\xd8\xffKEY=secret", b"\x89PNG\r\n\x1a\nKEY=secret", b"RIFF\0\0\0\0WEBPKEY=secret",
)  # fmt: skip


@pytest.mark.parametrize("content", NO_IMAGES)
def test_what_is_no_image_by_its_content_is_not_sent(root: Path, content: bytes) -> None:
    (root / "x.jpg").write_bytes(content)
    assert refusal(root / "x.jpg", below(root)).reason is Reason.IMAGE_UNREADABLE


def test_a_pipe_is_not_waited_on(root: Path) -> None:
    os.mkfifo(root / "pipe.jpg")
    assert refusal(root / "pipe.jpg", below(root)).reason is Reason.IMAGE_UNREADABLE


@pytest.mark.parametrize("swapped", ["file", "folder"])
def test_what_is_exchanged_while_it_is_opened_leads_nowhere(
    root: Path, monkeypatch: pytest.MonkeyPatch, swapped: str
) -> None:
    elsewhere = root.parent / "root-of-another"
    (elsewhere / "a.jpg").write_bytes(PICTURE)
    swaps: dict[str, Callable[[], None]] = {
        "file": lambda: _replace(root / "deep" / "a.jpg", elsewhere / "private.jpg"),
        "folder": lambda: _replace(root / "deep", elsewhere),
    }
    real_open, swap = os.open, swaps[swapped]

    def swap_first(*arguments: object, **more: object) -> int:
        monkeypatch.setattr(os, "open", real_open)
        swap()
        return real_open(*arguments, **more)  # type: ignore[arg-type]  # as it was called

    monkeypatch.setattr(os, "open", swap_first)
    assert refusal(root / "deep" / "a.jpg", below(root)).reason in {
        Reason.IMAGE_UNREADABLE,
        Reason.IMAGE_GONE,
    }


def _replace(path: Path, target: Path) -> None:
    path.rename(path.with_name("moved"))
    path.symlink_to(target)


def test_a_swap_at_any_moment_never_shows_what_is_elsewhere(root: Path) -> None:
    inside, outside = root / "in.jpg", root.parent / "root-of-another" / "private.jpg"
    inside.write_bytes(PICTURE)
    outside.write_bytes(PICTURE + b"secret")
    link, stop = root / "x.jpg", threading.Event()
    link.symlink_to(inside)

    def swap() -> None:
        while not stop.is_set():
            for target in (outside, inside):
                (root / "next").symlink_to(target)
                (root / "next").rename(link)

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        sizes = set()
        for _ in range(2000):
            try:
                sizes.add(read(link, below(root)))
            except PermanentError as error:
                sizes.add(error.reason.value.encode())
    finally:
        stop.set()
        swapping.join()
    assert sizes <= {PICTURE, b"bad_uri", b"image_unreadable", b"image_gone"}
    assert PICTURE in sizes


def test_a_folder_that_cannot_be_listed_can_be_read_from(root: Path) -> None:
    (root / "deep").chmod(0o311)
    try:
        assert read(root / "deep" / "a.jpg", below(root)) == PICTURE
    finally:
        (root / "deep").chmod(0o755)


def test_no_descriptor_is_left_open(root: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for path in (root / "deep" / "a.jpg", root / "deep" / "no.jpg", root / "no" / "a.jpg", root):
        for folders in (below(root), ANYWHERE):
            try:
                read(path, folders)
            except PermanentError:
                continue
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_without_any_root_it_is_the_configuration_that_is_at_fault(root: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"sightline import DIR.* images\.roots$"):
        read(root / "deep" / "a.jpg", below())


def test_nowhere_says_why(root: Path) -> None:
    error = refusal(root / "deep" / "a.jpg", Nowhere("the setting says no"))
    assert error.reason is Reason.BAD_URI
    assert "the setting says no" in str(error)


def test_a_folder_imported_later_is_read_from(root: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    record_root(source, tmp_path / "root-of-another", now=NOW)
    folders = ImageFolders(lambda: recorded_roots(source))
    assert refusal(root / "deep" / "a.jpg", folders).reason is Reason.BAD_URI
    record_root(source, root, now=NOW)
    assert read(root / "deep" / "a.jpg", folders) == PICTURE


def test_a_root_that_now_leads_elsewhere_is_followed(root: Path) -> None:
    (root.parent / "photos").symlink_to(root.parent / "root-of-another")
    folders = below(root.parent / "photos")
    assert read(root.parent / "photos" / "private.jpg", folders) == PICTURE
    (root.parent / "photos").unlink()
    (root.parent / "photos").symlink_to(root)
    assert read(root.parent / "photos" / "deep" / "a.jpg", folders) == PICTURE


@pytest.mark.parametrize("name", [b"photos", b"caf\xe9 \xff", "straße".encode(), b"a%20b"])
def test_a_root_of_any_name_is_recorded_once(tmp_path: Path, name: bytes) -> None:
    root = tmp_path / os.fsdecode(name)
    for _ in range(2):
        record_root(tmp_path / "source", root, now=NOW)
    assert recorded_roots(tmp_path / "source") == [root]
    assert len(list((tmp_path / "source").rglob("*.json"))) == 1


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"version": 2, "root": "/"}', "\xff"])
def test_a_record_that_cannot_be_read_is_named(tmp_path: Path, content: str) -> None:
    record_root(tmp_path, tmp_path / "photos", now=NOW)
    (record,) = tmp_path.rglob("*.json")
    record.write_text(content, encoding="latin-1")
    with pytest.raises(StorageError, match=record.name):
        recorded_roots(tmp_path)


def test_a_person_s_own_argument_is_read_wherever_it_is(root: Path) -> None:
    uri = (root / "deep" / "a.jpg").as_uri()
    assert read_image(uri, max_bytes=10**6, max_pixels=10**6).size == (64, 40)
