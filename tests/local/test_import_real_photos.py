"""Real photographs, file by file: which become observations, where and when, and which do not."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from sightline.local.images import read_image
from sightline.local.importing import import_photos
from sightline.settings import ImageSettings
from tests.local.imports import NOW, rows_in

pytestmark = pytest.mark.needs("photos")

Outcome = tuple[
    tuple[int, int],  # width and height, upright
    str,  # how its id begins
    tuple[float, float] | None,  # latitude and longitude, to 7 digits
    datetime | None,
    dict[str, float],  # what else is known of the camera
]
ROAD, SMALL = (960, 540), (16, 16)
NOWHERE: tuple[None, None, dict[str, float]] = (None, None, {})
RENNES = (48.0810453, -1.6678411)
EVENING = datetime(2016, 7, 7, 21, 42, 20, 683670, tzinfo=UTC)
EXPECTED: dict[str, Outcome] = {
    # 45 deg 31' 0.851" N, 122 deg 34' 21.954" W; 13:24:10 at -07:00, 20:24:11 by satellite. The
    # camera wrote its direction of travel (270.89), which is no direction of view.
    "DSC00001.JPG": (
        (3840, 2160),
        "26dd7324",
        (45.5169031, -122.572765),
        datetime(2018, 6, 8, 20, 24, 11, tzinfo=UTC),
        {"altitude": 70.3},
    ),
    "DSC00497.JPG": (
        (3840, 2160),
        "3c4506af",
        (45.5107231, -122.5760514),
        datetime(2018, 6, 8, 20, 32, 28, tzinfo=UTC),
        {"altitude": 77.5},
    ),
    # Corrupt for some readers: a reference of altitude of the wrong type, and no altitude.
    "corrupt_exif.jpg": (SMALL, "a1a752f7", RENNES, EVENING, {"heading": 147.9598389}),
    "corrupt_exif_large_thumbnail.jpg": ((100, 100), "36125690", *NOWHERE),
    "corrupt_exif_wrong_type.jpg": ((32, 32), "97c16413", *NOWHERE),
    "empty_exif.jpg": (SMALL, "26da884b", *NOWHERE),
    "fixed_exif.jpg": (SMALL, "2687d243", RENNES, EVENING, {"heading": 147.9598389}),
    "road_solidWhiteCurve.jpg": (ROAD, "f789c3b4", *NOWHERE),
    "road_solidWhiteRight.jpg": (ROAD, "205beaa5", *NOWHERE),
    "road_solidYellowCurve.jpg": (ROAD, "0aa00e00", *NOWHERE),
    "road_solidYellowCurve2.jpg": (ROAD, "40389c58", *NOWHERE),
    "road_solidYellowLeft.jpg": (ROAD, "0b4186b8", *NOWHERE),
    "road_whiteCarLaneSwitch.jpg": (ROAD, "6482b968", *NOWHERE),
    # Its clock says 2018, its GPS 2011, as does its time of digitising.
    "test_exif.jpg": (
        SMALL,
        "972aff46",
        (35.9125167, 14.4988056),
        datetime(2011, 7, 15, 9, 14, 39, tzinfo=UTC),
        {"altitude": 69.0, "heading": 1.0},
    ),
}
NOTES = {
    "corrupt_exif.jpg": "its time has no zone and is taken as UTC",
    "fixed_exif.jpg": "its time has no zone and is taken as UTC",
    "test_exif.jpg": "its clock says 2018-06-26 and its GPS 2011-07-15; the GPS date is used",
}
NO_IMAGES = {"README.md", "LICENSE.mapillary_tools", "LICENSE.udacity"}


def _outcome(row: dict[str, Any]) -> tuple[str, Outcome]:
    name = Path(unquote(urlsplit(row["gcs_uri"]).path)).name
    image = read_image(row["gcs_uri"], max_bytes=10**7, max_pixels=10**7)
    place = None
    if row["latitude"] is not None:
        place = (round(row["latitude"], 7), round(row["longitude"], 7))
    pose = json.loads(row["camera_pose"] or "{}")
    rest = {key: round(pose[key], 7) for key in pose if key not in {"latitude", "longitude"}}
    return name, (image.size, row["observation_id"][:8], place, row["capture_time"], rest)


def test_each_photograph_becomes_what_it_is(shared_photos: Path, tmp_path: Path) -> None:
    present = {path.name for path in shared_photos.iterdir()}
    assert present == EXPECTED.keys() | NO_IMAGES
    report = import_photos(
        shared_photos,
        asset_type="ASSET_CLASS_UNSPECIFIED",
        source=tmp_path / "source",
        now=NOW,
        limits=ImageSettings(),
    )
    assert dict(_outcome(row) for row in rows_in(tmp_path / "source")) == EXPECTED
    assert {note.where: note.text for note in report.notes} == NOTES
    assert (report.imported, report.ignored, report.refusals) == (14, len(NO_IMAGES), ())
