"""Reading images: names, special files, and what the operating system may answer."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from sightline.errors import PermanentError, Reason, TransientError
from sightline.local.images import read_image
from tests.local.pictures import encoded, halves, read, reason_for


def test_a_missing_image_is_gone(tmp_path: Path) -> None:
    assert reason_for(tmp_path / "nothing.jpg") is Reason.IMAGE_GONE
    (tmp_path / "file").write_bytes(b"x")
    assert reason_for(tmp_path / "file" / "below.jpg") is Reason.IMAGE_GONE
    (tmp_path / "dangling.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert reason_for(tmp_path / "dangling.jpg") is Reason.IMAGE_GONE


def test_a_symbolic_link_is_followed(tmp_path: Path) -> None:
    halves().save(tmp_path / "photo.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "photo.png")
    assert read(tmp_path / "link.png").size == (64, 40)


def test_special_files_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    for name in ("pipe.jpg", "folder.jpg", "loop.jpg"):
        assert reason_for(tmp_path / name) is Reason.IMAGE_UNREADABLE
    assert reason_for(Path("/dev/zero")) is Reason.IMAGE_UNREADABLE
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.jpg"))
        assert reason_for(tmp_path / "s.jpg") is Reason.IMAGE_UNREADABLE


def test_a_pipe_that_takes_the_place_of_a_file_does_not_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    halves().save(tmp_path / "photo.png")
    os.mkfifo(tmp_path / "pipe")
    real_stat = os.stat
    monkeypatch.setattr(os, "stat", lambda _: real_stat(tmp_path / "photo.png"))
    assert reason_for(tmp_path / "pipe") is Reason.IMAGE_UNREADABLE


@pytest.mark.parametrize("name", [b"caf\xe9 \xff.png", "straße#1?.png".encode(), b"a%20b.png"])
def test_any_name_a_file_can_have_is_read(tmp_path: Path, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(encoded(halves(), "PNG"))
    assert read(path).size == (64, 40)


@pytest.mark.parametrize(
    "uri",
    ["", "photo.jpg", "/photo.jpg", "gs://bucket/photo.jpg", "http://host/photo.jpg", "file://",
     "file:///", "file://other-host/photo.jpg", "file:///a%00b.jpg", "file:///a?b", "file:///a#b",
     "file:///a\nb", "file:///\ud800.jpg"],
)  # fmt: skip
def test_a_uri_that_names_no_local_file_is_bad(uri: str) -> None:
    with pytest.raises(PermanentError) as caught:
        read_image(uri, max_bytes=1000, max_pixels=1000)
    assert caught.value.reason is Reason.BAD_URI
    assert str(caught.value).isascii()


def test_an_endless_name_is_a_bad_uri() -> None:
    assert reason_for(Path("/" + "a" * 5000)) is Reason.BAD_URI


@pytest.mark.parametrize(
    ("number", "reason"),
    [(errno.EACCES, Reason.PERMISSION_DENIED), (errno.EPERM, Reason.PERMISSION_DENIED),
     (errno.ENOENT, Reason.IMAGE_GONE)],
)  # fmt: skip
def test_what_the_system_refuses_for_good_is_permanent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, reason: Reason
) -> None:
    path = tmp_path / "photo.png"
    halves().save(path)
    monkeypatch.setattr(os, "open", _failing(number))
    assert reason_for(path) is reason


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE, errno.ENFILE, errno.ESTALE])
def test_what_may_pass_is_transient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    path = tmp_path / "photo.png"
    halves().save(path)
    monkeypatch.setattr(os, "open", _failing(number))
    with pytest.raises(TransientError, match=r"trying again$"):
        read(path)


def _failing(number: int) -> Any:
    def fail(*_: object, **__: object) -> int:
        raise OSError(number, os.strerror(number))

    return fail
