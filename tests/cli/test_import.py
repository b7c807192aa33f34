"""What `sightline import` prints, and the options and arguments that it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Mistake, Shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--crs", "EPSG:28992"), "--crs is for a table, and photos is a folder of photographs;"),
        (("--column", "gcs_uri=a"), "--column is for a table, and photos is a folder of"),
        (("--date-format", "%Q"), "--date-format '%Q' is invalid; give day, month and year in"),
        (("--source-table", "a.b.c"), "--source-table is for a bucket; leave it out"),
        (("--new-type",), "--new-type needs a type; give --asset-type, too"),
    ],
)
def test_an_option_without_effect_is_refused(
    photos: Path, mistake: Mistake, arguments: tuple[str, ...], says: str
) -> None:
    mistake("import", photos.name, *arguments, says=says)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("--decimal", ","),
            "--decimal is for a table, and gs://bucket/x is a bucket; leave",
        ),
        (("--allow-root", "."), "--allow-root is for files, and gs://bucket/x is a bucket; leave"),
        (("--source-table", "a.b.c"), "is for Google Cloud, and observations are stored on this"),
    ],
)
def test_an_option_without_effect_on_a_bucket_is_refused_before_it_is_listed(
    mistake: Mistake, arguments: tuple[str, ...], says: str
) -> None:
    mistake("import", "gs://bucket/x", *arguments, says=says)


def test_an_upload_refuses_options_for_tables_before_it_sends_anything(
    photos: Path, mistake: Mistake
) -> None:
    upload = ("upload", photos.name, "gs://bucket/p", "--crs", "EPSG:28992")
    mistake(*upload, says="--crs is for a table, and no table to load observations into is named")
    mistake(*upload, "--source-table", "project-x.own.t", says="is a folder of photographs")


def test_what_is_hidden_is_counted_below_its_kind(tmp_path: Path, shown: Shown) -> None:
    rows = "".join(f"{n},T,s3://b/{n}.jpg\n" for n in range(25))
    (tmp_path / "t.csv").write_text(f"observation_id,asset_type,gcs_uri\n{rows}x,T,gone.jpg\n")
    _, out, _ = shown("import", "t.csv")
    lines = out.splitlines()
    hidden = lines.index("  and 5 more refused; --json shows them")
    assert lines[hidden - 1].startswith("  refused row 21: bad_uri")
    assert lines[hidden + 1].startswith("  note on ")


@pytest.mark.parametrize("command", ["import", "upload"])
def test_several_files_are_answered_with_what_to_give(
    photos: Path, shown: Shown, mistake: Mistake, command: str
) -> None:
    files = [str(path) for path in sorted(photos.iterdir())] * 40
    more = () if command == "import" else ("gs://b/p",)
    mistake(
        command, files[0], *more, *files,
        says="is too much, as the shell puts all files in place of a pattern such as *.jpg; give",
    )  # fmt: skip
    _, _, err = shown(command, files[0], *more, *files)
    assert len(err) < 400


def test_words_without_quotes_are_answered_with_quotes(mistake: Mistake) -> None:
    mistake("search", "a", "stop sign", says="stop sign is too much; give what the image shows, in")
    mistake("status", "x", says="x is too much; give nothing; see `sightline status --help`")


def test_a_broken_task_file_is_refused_with_why_it_is_read_and_nothing_is_imported(
    photos: Path, mistake: Mistake, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = photos.parent / "own"
    tasks.mkdir()
    (tasks / "broken.toml").write_text("[[[")
    monkeypatch.setenv("SIGHTLINE_TASKS_DIR", str(tasks))
    for options in ((), ("--asset-type", "road_sign")):
        mistake("import", photos.name, *options, says=f"the tasks name the asset types: {tasks}/b")
    assert not (photos.parent / ".sightline" / "source").exists()
