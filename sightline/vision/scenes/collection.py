"""A whole collection of rendered scenes on disk, laid out as a delivery of real imagery is."""

import csv
import datetime as dt
import json
import os
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from io import StringIO
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Self

import numpy as np

from sightline.vision.scenes.scene import compose
from sightline.vision.scenes.town import capture_moment, place_of
from sightline.vision.scenes.truth import ASSET_TYPES, TASK_OF, VIEW_FIELDS, Value, draw_truth
from sightline.vision.scenes.weather import encode_jpeg

_CHUNK = 25
_WORTH_A_POOL = 100
_RENDERED = re.compile(
    r"/snapshot-\d{4}-\d{2}/v0/[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\.jpg$"
)
_SPACE = uuid.UUID("6f0b5f0e-7f6c-4b9c-9a55-5a1de0c0ffee")


@dataclass(frozen=True, slots=True)
class Collection:
    """What was written: the table, the truth, and how many observations of how many assets."""

    directory: Path
    table: Path
    ground_truth: Path
    observations: int
    assets: int


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the table, in the columns of ``latest_observations``."""

    observation_id: str
    asset_id: str
    snapshot_id: str
    asset_type: str
    latitude: str
    longitude: str
    capture_time: str
    detection_time: str
    bbox: str
    camera_pose: str
    gcs_uri: str
    map_url: str


COLUMNS = tuple(column.name for column in fields(_Row))


@dataclass(frozen=True, slots=True)
class _View:
    """The n-th view of an asset; all that is needed to render it in any process."""

    seed: int
    asset: int
    view: int


def render_collection(
    directory: Path,
    *,
    count: int,
    seed: int,
    on_progress: Callable[[int], None] | None = None,
    processes: int | None = None,
) -> Collection:
    """Render ``count`` observations into a folder; the same arguments give the same bytes.

    Writes ``<snapshot_id>/v0/<observation_id>.jpg`` under ``directory``, then
    ``ground_truth.jsonl`` and ``observations.csv``; a file is whole or absent. An asset is seen one
    to three times, with the same attributes but in other light and weather. ``gcs_uri`` is
    relative to the table. ``on_progress`` receives the number of observations written.
    Above one, ``processes`` render in a pool (spawned, at most one a core, the memory needed the
    same for any count); by default that is one a core from 100 observations on.

    Raises ``OSError`` when the folder cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    table, truths = directory / "observations.csv", directory / "ground_truth.jsonl"
    if processes is None:
        processes = os.cpu_count() or 1 if count >= _WORTH_A_POOL else 1
    done = 0
    with _Unfinished(table) as rows, _Unfinished(truths) as facts:
        rows.write(_csv_line(COLUMNS))
        for written in _written(directory, _views(count, seed), processes):
            for row, truth in written:
                rows.write(row)
                facts.write(truth)
            done += len(written)
            if on_progress is not None:
                on_progress(done)
    assets = len({view.asset for view in _views(count, seed)})
    return Collection(directory, table, truths, count, assets)


def _views(count: int, seed: int) -> Iterator[_View]:
    def endless() -> Iterator[_View]:
        asset = 0
        while True:
            seen = int(np.random.default_rng((seed, asset, 3)).integers(1, 4))
            yield from (_View(seed, asset, view) for view in range(seen))
            asset += 1

    return islice(endless(), count)


def _written(
    directory: Path, views: Iterable[_View], processes: int
) -> Iterator[list[tuple[str, str]]]:
    stream = iter(views)
    chunks = iter(lambda: list(islice(stream, _CHUNK)), [])
    workers = min(processes, os.cpu_count() or 1)
    if workers <= 1:
        for chunk in chunks:
            yield _write_views(directory, chunk)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        waiting = [pool.submit(_write_views, directory, c) for c in islice(chunks, 2 * workers)]
        while waiting:
            yield waiting.pop(0).result()
            waiting += [pool.submit(_write_views, directory, c) for c in islice(chunks, 1)]


def _write_views(directory: Path, views: list[_View]) -> list[tuple[str, str]]:
    return [_write_view(directory, view) for view in views]


def is_rendered(uri: str) -> bool:
    """Return whether an image is a rendered scene, by the name that ``render_collection`` gives."""
    return _RENDERED.search(uri) is not None


def _identity(*parts: object) -> str:
    return str(uuid.uuid5(_SPACE, "/".join(map(str, parts))))


def _write_view(directory: Path, view: _View) -> tuple[str, str]:
    asset_rng = np.random.default_rng((view.seed, view.asset, 4))
    asset_type = ASSET_TYPES[int(asset_rng.integers(len(ASSET_TYPES)))]
    lasting = {
        field: value
        for field, value in draw_truth(asset_type, asset_rng).items()
        if field not in VIEW_FIELDS
    }
    view_rng = np.random.default_rng((view.seed, view.asset, view.view, 5))
    truth = draw_truth(asset_type, view_rng, lasting)
    scene = compose(
        asset_type,
        truth,
        asset_seed=(view.seed, view.asset, 6),
        view_seed=(view.seed, view.asset, view.view, 6),
    )
    moment = capture_moment(view_rng, night=truth["lighting"] == "night")
    row = _row(view, asset_type, moment, scene.bounds)
    jpeg = encode_jpeg(scene.image, int(view_rng.integers(68, 93)))
    _write_whole(directory / row.gcs_uri, jpeg)
    line = _csv_line(tuple(getattr(row, column) for column in COLUMNS))
    return line, _truth_line(row.observation_id, asset_type, truth)


def _row(
    view: _View, asset_type: str, moment: dt.datetime, bounds: tuple[int, int, int, int]
) -> _Row:
    place = place_of(view.seed, view.asset)
    camera = place.moved(-6.0 - 2.5 * view.view)
    snapshot = f"snapshot-{moment:%Y-%m}"
    observation = _identity(view.seed, view.asset, view.view)
    pose = {
        "latitude": round(camera.latitude, 7),
        "longitude": round(camera.longitude, 7),
        "altitude": 2.4,
        "pitch": 0.0,
        "heading": round(place.heading, 1),
        "roll": 0.0,
    }
    return _Row(
        observation_id=observation,
        asset_id=_identity(view.seed, view.asset),
        snapshot_id=snapshot,
        asset_type=asset_type,
        latitude=f"{place.latitude:.7f}",
        longitude=f"{place.longitude:.7f}",
        capture_time=f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        detection_time=f"{moment + dt.timedelta(days=2, hours=3):%Y-%m-%dT%H:%M:%SZ}",
        bbox=json.dumps(dict(zip(("x_min", "y_min", "x_max", "y_max"), bounds, strict=True))),
        camera_pose=json.dumps(pose),
        gcs_uri=f"{snapshot}/v0/{observation}.jpg",
        map_url=f"https://www.openstreetmap.org/?mlat={place.latitude:.6f}"
        f"&mlon={place.longitude:.6f}#map=19/{place.latitude:.6f}/{place.longitude:.6f}",
    )


def _truth_line(observation_id: str, asset_type: str, truth: dict[str, Value]) -> str:
    facts = {"observation_id": observation_id, "task": TASK_OF[asset_type], "truth": truth}
    return json.dumps(facts) + "\n"


def _csv_line(cells: tuple[str, ...]) -> str:
    line = StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue()


def _write_whole(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    beside.write_bytes(content)
    beside.replace(file)


class _Unfinished:
    """A text file that gets its name only once it was written to the end."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._beside = file.with_name(f".{file.name}.{os.getpid()}")

    def __enter__(self) -> Self:
        self._stream = self._beside.open("w", encoding="utf-8", newline="")
        return self

    def write(self, text: str) -> None:
        self._stream.write(text)

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        self._stream.close()
        if failure is None:
            self._beside.replace(self._file)
        else:
            self._beside.unlink(missing_ok=True)
