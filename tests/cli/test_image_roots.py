"""What is outside of the imported folders: listed by ``import``, refused by ``work``, allowed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Command, Shown

NO_VECTORS = ("--task", "road_signs", "--no-embed")


@pytest.fixture
def table(tmp_path: Path, scenes: Path) -> Path:
    """Return a table of one image of its own, one of another folder, and files of the system."""
    first, second = sorted(scenes.rglob("*.jpg"))[:2]
    for folder, picture in (("own", first), ("other", second)):
        (tmp_path / folder).mkdir()
        shutil.copy(picture, tmp_path / folder / "a.jpg")
    file = tmp_path / "own" / "table.csv"
    uris = ("a.jpg", "../other/a.jpg", "/proc/self/environ", "../../etc/passwd", "table.csv")
    rows = "".join(f"o{number},road_sign,{uri}\n" for number, uri in enumerate(uris))
    file.write_text(f"observation_id,asset_type,gcs_uri\n{rows}")
    return file


def test_rows_that_point_elsewhere_are_listed_and_never_sent(
    sightline: Command, table: Path, tmp_path: Path
) -> None:
    report = sightline("import", str(table))
    assert (report["imported"], report["outside_count"]) == (5, 3)
    assert report["outside"][0] == {"where": "row 3", "folder": str(tmp_path / "other")}
    sightline("enqueue", *NO_VECTORS)
    worked = sightline("work", "--drain")
    assert worked["dead"] == {"bad_uri": 3, "image_unreadable": 1}
    assert worked["answers"] == 1
    letters = sightline("dead-letters", "list")
    assert sum("images.roots" in letter["detail"] for letter in letters) == 3


def test_what_a_person_allows_is_sent_after_all(
    sightline: Command, table: Path, tmp_path: Path
) -> None:
    sightline("import", str(table))
    sightline("enqueue", *NO_VECTORS)
    sightline("work", "--drain")
    again = sightline("import", str(table), "--allow-root", str(tmp_path / "other"))
    assert (again["unchanged"], again["outside_count"]) == (5, 2)
    sightline("dead-letters", "replay", "--reason", "bad_uri")
    worked = sightline("work", "--drain")
    assert worked["answers"] == 1
    assert worked["dead"] == {"bad_uri": 2}
    assert sightline("status", "--check")["holds"]


def test_the_report_says_with_which_option(shown: Shown, table: Path, tmp_path: Path) -> None:
    code, out, err = shown("import", str(table))
    assert code == 0
    assert f"outside: row 3: its image is in {tmp_path / 'other'}\n" in out
    assert "outside: row 4: its image is in /proc/self\n" in out
    assert f"--allow-root {tmp_path / 'other'}, or set images.roots" in err


def test_a_folder_to_allow_must_be_one(shown: Shown, table: Path) -> None:
    code, _, err = shown("import", str(table), "--allow-root", str(table))
    assert (code, err.count("\n")) == (2, 1)
    assert "--allow-root" in err


def test_a_project_of_an_earlier_version_is_told_what_to_run(
    sightline: Command, shown: Shown, scenes: Path, tmp_path: Path
) -> None:
    sightline("import", str(scenes))
    run = sightline("enqueue", *NO_VECTORS)
    shutil.rmtree(tmp_path / ".sightline" / "source" / ".roots")
    code, out, err = shown("work", "--drain")
    assert (code, out) == (2, "")
    assert "run `sightline import DIR` again" in err
    assert sightline("dead-letters", "list") == [], "nothing is given up"
    report = sightline("import", str(scenes))
    assert (report["imported"], report["unchanged"] > 0) == (0, True)
    worked = sightline("work", "--drain")
    assert (worked["answers"], worked["dead"]) == (run["messages"], {})


def test_a_setting_names_folders_as_well(sightline: Command, table: Path, tmp_path: Path) -> None:
    (tmp_path / "sightline.toml").write_text('[images]\nroots = ["other"]\n')
    assert sightline("import", str(table))["outside_count"] == 2
    sightline("enqueue", *NO_VECTORS)
    assert sightline("work", "--drain")["answers"] == 2
