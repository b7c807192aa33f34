"""What an import lets be read later: the folders that it was given, and none that a row names."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightline.local.images import recorded_roots
from sightline.local.importing import ImportReport, Outside, import_photos, import_table
from sightline.local.importing.report import MAX_DETAILS
from sightline.settings import ImageSettings
from tests.local.imports import NOW, rows_in
from tests.local.pictures import encoded, halves

HEADER = "observation_id,asset_type,gcs_uri"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "home" / "source"


def load(tmp_path: Path, rows: str, **options: object) -> ImportReport:
    folder = tmp_path / "tables"
    folder.mkdir(exist_ok=True)
    file = folder / "table.csv"
    file.write_text(f"{HEADER}\n{rows}")
    source = tmp_path / "home" / "source"
    return import_table(file, source=source, now=NOW, **options)  # type: ignore[arg-type]  # by name


def test_a_folder_of_photographs_is_recorded(tmp_path: Path, source: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(encoded(halves(), "JPEG"))
    report = import_photos(
        tmp_path / "photos", asset_type="T", source=source, now=NOW, limits=ImageSettings()
    )
    assert (report.imported, report.outside_count) == (1, 0)
    assert recorded_roots(source) == [tmp_path / "photos"]


def test_a_photograph_that_is_a_link_to_elsewhere_is_listed(tmp_path: Path, source: Path) -> None:
    for folder in ("photos", "private"):
        (tmp_path / folder).mkdir()
    (tmp_path / "private" / "a.jpg").write_bytes(encoded(halves(), "JPEG"))
    (tmp_path / "photos" / "link.jpg").symlink_to(tmp_path / "private" / "a.jpg")
    report = import_photos(
        tmp_path / "photos", asset_type="T", source=source, now=NOW, limits=ImageSettings()
    )
    assert report.outside == (Outside("link.jpg", str(tmp_path / "private")),)
    again = import_photos(
        tmp_path / "photos", asset_type="T", source=source, now=NOW, limits=ImageSettings(),
        allowed_roots=[tmp_path / "private"],
    )  # fmt: skip
    assert again.outside_count == 0
    assert sorted(recorded_roots(source)) == [tmp_path / "photos", tmp_path / "private"]


def test_a_table_lets_its_own_folder_be_read(tmp_path: Path, source: Path) -> None:
    report = load(tmp_path, "a,T,a.jpg\nb,T,deep/b.jpg\n")
    assert (report.imported, report.outside_count) == (2, 0)
    assert recorded_roots(source) == [tmp_path / "tables"]


def test_rows_that_point_elsewhere_are_imported_and_listed(tmp_path: Path, source: Path) -> None:
    rows = ["/proc/self/environ", "../../etc/passwd", "file:///etc/hostname", "a.jpg", "../x.jpg"]
    report = load(tmp_path, "".join(f"{n},T,{uri}\n" for n, uri in enumerate(rows)))
    assert report.imported == 5
    assert [row.where for row in report.outside] == ["row 2", "row 3", "row 4", "row 6"]
    assert report.outside[0].folder == "/proc/self"
    assert report.outside[2].folder == "/etc"
    assert recorded_roots(source) == [tmp_path / "tables"], "no row adds a folder"
    assert report.as_dict()["outside_count"] == 4
    assert report.as_dict()["outside"][3] == {"where": "row 6", "folder": str(tmp_path)}


@pytest.mark.parametrize("how", ["allowed_roots", "known_roots"])
def test_a_folder_that_a_person_allows_is_not_outside(
    tmp_path: Path, source: Path, how: str
) -> None:
    report = load(tmp_path, f"a,T,{tmp_path}/photos/a.jpg\n", **{how: [tmp_path / "photos"]})
    assert report.outside_count == 0
    recorded = {tmp_path / "tables"} | ({tmp_path / "photos"} if how == "allowed_roots" else set())
    assert set(recorded_roots(source)) == recorded, "those of the settings stay there"


def test_a_folder_that_was_imported_before_is_not_outside(tmp_path: Path) -> None:
    load(tmp_path, "a,T,a.jpg\n", allowed_roots=[tmp_path / "photos"])
    assert load(tmp_path, f"b,T,{tmp_path}/photos/a.jpg\n").outside_count == 0


def test_a_folder_that_is_a_link_to_elsewhere_is_outside(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "linked").symlink_to(tmp_path / "private")
    report = load(tmp_path, "a,T,linked/a.jpg\n")
    assert report.outside == (Outside("row 2", str(tmp_path / "tables" / "linked")),)


def test_a_table_of_images_in_buckets_lets_no_folder_be_read(tmp_path: Path, source: Path) -> None:
    assert load(tmp_path, "a,T,gs://b/a.jpg\n").imported == 1
    assert recorded_roots(source) == []


def test_many_rows_elsewhere_are_counted_and_the_first_are_told(tmp_path: Path) -> None:
    count = MAX_DETAILS + 5
    report = load(tmp_path, "".join(f"{n},T,/elsewhere/{n}.jpg\n" for n in range(count)))
    assert (report.outside_count, len(report.outside)) == (count, MAX_DETAILS)


def test_records_are_no_rows_of_the_source(tmp_path: Path, source: Path) -> None:
    load(tmp_path, "a,T,a.jpg\n")
    assert len(rows_in(source)) == 1
