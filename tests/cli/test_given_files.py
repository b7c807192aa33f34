"""What is no readable file is refused in one sentence by every command that takes a file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from sightline.given_files import obstacle
from tests.cli.conftest import Mistake

COMMANDS = (
    ("tasks", "check", "FILE"),
    ("evaluate", "FILE"),
    ("search", "a pole", "--polygon", "FILE"),
    ("--config", "FILE", "status"),
    ("config", "from-stack", "FILE"),
    ("search", "--image", "FILE"),
    ("similar", "FILE"),
    ("upload", "there", "gs://bucket/there", "--source-table", "p.d.t", "--observations", "FILE"),
    ("init", "FILE"),
)


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """Return a folder of things that are no files, beside a project."""
    (tmp_path / "folder.toml").mkdir()
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a.jpg").write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(command[:2]))
@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("folder.toml", "a folder"),
        ("pipe.toml", "a pipe or a device"),
        ("/dev/zero", "a pipe or a device"),
    ],
)
def test_a_folder_a_pipe_and_a_device_are_no_files(
    mistake: Mistake,
    there: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: Sequence[str],
    name: str,
    what: str,
) -> None:
    monkeypatch.setenv("SIGHTLINE_GCP__PROJECT", "a-project")
    says = "is a folder, a pipe or a device; give" if command[0] == "init" else what
    mistake(*(name if word == "FILE" else word for word in command), says=says)


@pytest.mark.parametrize("name", ["pipe.toml", "/dev/zero"])
def test_a_pipe_and_a_device_are_not_imported(mistake: Mistake, there: Path, name: str) -> None:
    mistake("import", name, says=f"{name}: a pipe or a device, not a file; give a folder of")
    mistake("import", f"{name}|layername=a", says="a pipe or a device, not a file; give a folder")


def test_a_file_that_may_not_be_read_is_refused(
    mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed.toml").write_text("")
    (tmp_path / "closed.jpg").write_text("")
    monkeypatch.setattr("os.access", lambda path, _mode: "closed" not in str(path))
    says = "file: path 'closed.toml' is not readable; give another; see `sightline tasks check"
    mistake("tasks", "check", "closed.toml", says=says)
    mistake("tasks", "show", "closed.toml", says="closed.toml: permission denied; give a file")
    mistake("similar", "closed.jpg", says="closed.jpg: permission denied; give an image file")
    mistake("import", "closed.toml", says="closed.toml: permission denied; give a folder")


def test_a_price_file_that_is_none_is_named(
    mistake: Mistake, there: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_PRICES", str(there / "folder.toml"))
    mistake("estimate", says="folder.toml': a folder, not a file; give a TOML file")


def test_a_pipe_of_the_shell_and_nothing_at_all_can_be_read() -> None:
    end, other = os.pipe()
    try:
        assert obstacle(Path(f"/dev/fd/{end}")) == ""
    finally:
        os.close(end)
        os.close(other)
    assert obstacle(Path(os.devnull)) == ""


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("nosuch.jpg", None, "no such file; give"),
        ("empty.jpg", b"", "is an empty file; give a JPEG, PNG or WebP file"),
        ("text.jpg", b"words", "the content is neither JPEG, PNG nor WebP; give a JPEG"),
        ("gs://bucket/nosuch.jpg", None, "not a file of this machine; give a file, or"),
        ("https://host/nosuch.jpg", None, "not a file of this machine; give a file, or"),
    ],
)
def test_an_image_that_cannot_be_searched_for_is_told_without_internal_names(
    mistake: Mistake, tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    mistake("search", "--image", name, says=f"sightline: --image {name}: {says}")
    mistake("similar", name, says=f"sightline: {name}: {says}")


def test_a_folder_s_name_is_no_observation(
    mistake: Mistake, embedded_space: None, embedded_home: Path, tmp_path: Path
) -> None:
    (tmp_path / "photos").mkdir()
    mistake("similar", "photos", says="photos: a folder, not a file; give an image file, or an")
    mistake("similar", "photographs", says="photographs")
