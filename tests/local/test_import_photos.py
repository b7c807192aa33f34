"""Importing photographs: each read whole, named by its content, refused with a reason."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import piexif
import pytest

from sightline.errors import ConfigurationError, NotFoundError
from sightline.local.importing import ImportReport, TableOptions, import_photos
from sightline.settings import ImageSettings
from tests.local.imports import NOW, reasons, rows_in
from tests.local.pictures import encoded, halves, png_of

LIMITS = ImageSettings(max_bytes=20_000, max_pixels=100_000)


class Photos:
    """A folder of photographs, and the source folder beside it."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "my photos"
        self.folder.mkdir()
        self.source = root / "home" / "source"

    def put(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    def load(self, *, now: datetime = NOW, **options: Any) -> ImportReport:
        options.setdefault("asset_type", "ASSET_CLASS_UNSPECIFIED")
        return import_photos(self.folder, source=self.source, now=now, limits=LIMITS, **options)

    def rows(self) -> list[dict[str, Any]]:
        return rows_in(self.source)


@pytest.fixture
def photos(tmp_path: Path) -> Photos:
    return Photos(tmp_path)


def picture(size: int = 16, kind: str = "JPEG", **options: Any) -> bytes:
    return encoded(halves(size, size), kind, **options)


def test_photographs_of_three_formats_become_observations(photos: Photos) -> None:
    paths = [
        photos.put("a.JPG", picture()),
        photos.put("b/c.png", picture(kind="PNG")),
        photos.put("b/d", picture(kind="WEBP")),
    ]
    report = photos.load()
    assert (report.imported, report.ignored, report.refused_count) == (3, 0, 0)
    assert (report.without_position, report.unused_columns) == (3, ())
    rows = photos.rows()
    assert [row["gcs_uri"] for row in rows] == [path.as_uri() for path in paths]
    for row in rows:
        assert len(row["observation_id"]) == 32
        assert row["asset_id"] == row["observation_id"]
        assert row["snapshot_id"] == "import-my-photos"
        assert row["asset_type"] == "ASSET_CLASS_UNSPECIFIED"
        assert row["imported_at"] == NOW
        assert row["latitude"] is row["capture_time"] is row["camera_pose"] is None


def test_exif_places_a_photograph(photos: Photos) -> None:
    gps = {1: b"S", 2: ((33, 1), (51, 1), (0, 1)), 3: b"E", 4: ((151, 1), (12, 1), (36, 1)),
           17: (45, 1), 7: ((1, 1), (2, 1), (3, 1)), 29: b"2026:10:01"}  # fmt: skip
    photos.put("a.jpg", picture(exif=piexif.dump({"GPS": gps})))
    photos.load()
    (row,) = photos.rows()
    assert (row["latitude"], row["longitude"]) == pytest.approx((-33.85, 151.21))
    assert row["capture_time"] == datetime(2026, 10, 1, 1, 2, 3, tzinfo=UTC)
    pose = json.loads(row["camera_pose"])
    assert pose == {"latitude": row["latitude"], "longitude": row["longitude"], "heading": 45.0}


def test_a_folder_named_after_a_class_says_what_its_photographs_show(photos: Photos) -> None:
    photos.put("road_signs/new/a.jpg", picture(16))
    photos.put("utility_poles/b.jpg", picture(17))
    photos.put("maintenance_covers/c.jpg", picture(18))
    photos.put("other/road_signs/d.jpg", picture(19))
    photos.load(asset_type="ASSET_CLASS_BENCH")
    assert [row["asset_type"] for row in photos.rows()] == [
        "ASSET_CLASS_MAINTENANCE_COVER",
        "ASSET_CLASS_BENCH",
        "ASSET_CLASS_ROAD_SIGN",
        "ASSET_CLASS_UTILITY_POLE",
    ]


def test_bad_files_are_refused_by_name_and_the_rest_is_imported(photos: Photos) -> None:
    good = picture()
    noisy = encoded(halves(64, 64), "PNG")
    photos.put("01-good.jpg", good)
    photos.put("02-empty.jpg", b"")
    photos.put("03-text.jpg", b"hello, I am a text\n")
    photos.put("04-cut.jpg", picture(32)[:-200])
    photos.put("05-cut.png", noisy[: len(noisy) // 2])
    photos.put("06-bomb.png", png_of(60_000, 60_000))
    photos.put("07-large.jpg", good + bytes(LIMITS.max_bytes))
    photos.put("08-copy.jpg", good)
    photos.put("09-other.heic", b"\0\0\0\x18ftypheic")
    photos.put("10-good.jpg", picture(24))
    os.mkfifo(photos.folder / "11-pipe.jpg")
    (photos.folder / "12-dangling.jpg").symlink_to(photos.folder / "nothing")
    report = photos.load()
    assert sorted(reasons(report)) == [
        ("02-empty.jpg", "image_unreadable"),
        ("03-text.jpg", "image_unreadable"),
        ("04-cut.jpg", "image_unreadable"),
        ("05-cut.png", "image_unreadable"),
        ("06-bomb.png", "image_too_large"),
        ("07-large.jpg", "image_too_large"),
        ("08-copy.jpg", "duplicate"),
        ("09-other.heic", "image_unreadable"),
        ("11-pipe.jpg", "image_unreadable"),
        ("12-dangling.jpg", "image_gone"),
    ]
    details = {refusal.where: refusal.detail for refusal in report.refusals}
    assert details["08-copy.jpg"] == "the same content as 01-good.jpg"
    assert [Path(row["gcs_uri"]).name for row in photos.rows()] == ["01-good.jpg", "10-good.jpg"]


def test_what_is_no_image_and_does_not_say_so_is_ignored(photos: Photos) -> None:
    photos.put("README.md", b"# Photographs\n")
    photos.put("LICENSE", b"")
    photos.put("track.gpx", b"<gpx/>")
    photos.put("._a.jpg", b"\0\x05\x16\x07")
    photos.put(".thumbnails/a.jpg", picture())
    os.mkfifo(photos.folder / "pipe")
    report = photos.load()
    assert (report.imported, report.ignored, report.refused_count) == (0, 5, 0)
    assert not list(photos.source.glob("*.parquet"))


def test_a_folder_that_cannot_be_read_is_refused(
    photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos.put("a.jpg", picture())
    photos.put("closed/b.jpg", picture(20))
    scandir = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    report = photos.load()
    assert reasons(report) == [("closed", "permission_denied")]
    assert report.imported == 1


def test_a_disk_that_fails_for_now_costs_that_file(
    photos: Photos, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos.put("a.jpg", picture())
    real_open = os.open

    def fail(path: Any, *options: Any, **named: Any) -> int:
        if str(path).endswith("a.jpg"):
            raise OSError(5, "Input/output error")
        return real_open(path, *options, **named)

    monkeypatch.setattr(os, "open", fail)
    report = photos.load()
    assert reasons(report) == [("a.jpg", "read_failed")]


@pytest.mark.parametrize("exif", [b"II*\0", b"\xff" * 50, b"", b"MM\0*\0\0\0\x08\0\x01\x88\x25"])
def test_damaged_exif_does_not_cost_the_photograph(photos: Photos, exif: bytes) -> None:
    photos.put("a.jpg", picture(exif=b"Exif\0\0" + exif))
    report = photos.load()
    assert report.imported == 1
    assert photos.rows()[0]["latitude"] is None


def test_names_that_are_not_utf8_are_imported_and_shown_escaped(photos: Photos) -> None:
    path = photos.put(os.fsdecode(b"stra\xdfe/caf\xe9.jpg"), picture())
    photos.put(os.fsdecode(b"stra\xdfe/bad\xff.jpg"), b"text")
    report = photos.load()
    assert reasons(report) == [(r"stra\xdfe/bad\xff.jpg", "image_unreadable")]
    assert json.dumps(report.as_dict())
    (row,) = photos.rows()
    assert row["gcs_uri"] == path.as_uri()
    assert row["gcs_uri"].endswith("/stra%DFe/caf%E9.jpg")


def test_an_asset_type_that_no_photograph_needs_is_noted(photos: Photos) -> None:
    photos.put("road_signs/a.jpg", picture())
    report = photos.load(asset_type="ASSET_CLASS_BENCH")
    assert [note.text for note in report.notes] == [
        "--asset-type was not used: each folder's name gives a type"
    ]
    photos.put("b.jpg", picture(20))
    assert photos.load(asset_type="ASSET_CLASS_BENCH").notes == ()


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (TableOptions(crs="EPSG:28992"), "--crs"),
        (TableOptions(decimal=","), "--decimal"),
        (TableOptions(date_format="%d.%m.%Y"), "--date-format"),
        (TableOptions(columns={"gcs_uri": "a"}), "--column"),
    ],
)
def test_an_option_for_tables_is_refused_for_a_folder_without_one(
    photos: Photos, options: TableOptions, name: str
) -> None:
    photos.put("a.jpg", picture())
    with pytest.raises(ConfigurationError, match=f"{name} is for a table, and .* is a folder of"):
        photos.load(options=options)
    assert not photos.source.exists()


def test_refused_photographs_do_not_count_as_without_position(photos: Photos) -> None:
    for name, content in (("a.jpg", picture()), ("b.jpg", picture()), ("c.jpg", b"no image")):
        photos.put(name, content)
    report = photos.load()
    assert (report.imported, report.refused_count, report.without_position) == (1, 2, 1)


def test_importing_again_without_a_type_keeps_the_known_type(photos: Photos) -> None:
    photos.put("a.jpg", picture())
    photos.load(asset_type="ASSET_CLASS_BENCH")
    photos.put("b.jpg", picture(24))
    second = photos.load(now=NOW + timedelta(hours=1))
    assert (second.imported, second.unchanged) == (1, 1)
    third = photos.load(now=NOW + timedelta(hours=2), asset_type="ASSET_CLASS_TREE")
    assert (third.replaced, third.unchanged) == (2, 0)
    photos.put("c/d.jpg", (photos.folder / "a.jpg").read_bytes())
    (photos.folder / "a.jpg").unlink()
    moved = photos.load(now=NOW + timedelta(hours=3))
    assert (moved.replaced, moved.unchanged) == (1, 1)
    assert [row["asset_type"] for row in photos.rows()] == [
        "ASSET_CLASS_BENCH",
        "ASSET_CLASS_UNSPECIFIED",
        "ASSET_CLASS_TREE",
        "ASSET_CLASS_TREE",
        "ASSET_CLASS_TREE",
    ]


def test_importing_again_changes_nothing(photos: Photos) -> None:
    photos.put("a.jpg", picture())
    photos.put("b.png", picture(20, "PNG"))
    photos.load()
    report = photos.load(now=NOW + timedelta(days=30))
    assert (report.imported, report.unchanged, report.files) == (0, 2, ())
    photos.put("c.jpg", picture(24))
    report = photos.load(now=NOW + timedelta(days=31))
    assert (report.imported, report.unchanged) == (1, 2)


def test_a_photograph_that_moved_is_imported_under_its_old_id(photos: Photos) -> None:
    path = photos.put("a.jpg", picture())
    photos.load()
    path.rename(photos.folder / "z.jpg")
    report = photos.load(now=NOW + timedelta(days=1))
    assert (report.imported, report.replaced) == (1, 1)
    first, second = photos.rows()
    assert first["observation_id"] == second["observation_id"]
    assert second["gcs_uri"].endswith("z.jpg")


def test_a_folder_with_a_table_is_imported_through_it(photos: Photos) -> None:
    photos.put("s/v0/a.jpg", picture())
    photos.put("observations.csv", b"observation_id,asset_type,gcs_uri\na,T,s/v0/a.jpg\n")
    assert photos.load().imported == 1
    (row,) = photos.rows()
    assert (row["observation_id"], row["asset_type"]) == ("a", "ASSET_CLASS_T")
    assert row["gcs_uri"] == (photos.folder / "s/v0/a.jpg").as_uri()


def test_a_folder_that_is_not_there_is_not_found(photos: Photos) -> None:
    photos.folder.rmdir()
    with pytest.raises(NotFoundError, match=r"is not a folder; give a folder"):
        photos.load()


def test_progress_counts_the_files(photos: Photos) -> None:
    progress: list[tuple[int, int | None]] = []
    photos.put("a.jpg", picture())
    photos.put("b.txt", b"x")
    photos.load(on_progress=lambda *at: progress.append(at))
    assert progress == [(1, 2), (2, 2)]
