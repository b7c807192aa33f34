"""A folder of rendered pictures that are no street scenes, with what is known of each."""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from sightline.vision.pictures.paintings import render_painting
from sightline.vision.pictures.portraits import Person, render_portrait
from sightline.vision.pictures.posters import render_poster

PORTRAITS_A_PERSON = 5
_COLUMNS = ("observation_id", "asset_id", "snapshot_id", "asset_type", "gcs_uri")
_QUALITY = 90


@dataclass(frozen=True, slots=True)
class Pictures:
    """What was written. Only pictures that a task asks about have a ``ground_truth``."""

    directory: Path
    table: Path
    ground_truth: Path | None
    observations: int
    assets: int


@dataclass(frozen=True, slots=True)
class _Picture:
    name: str
    asset: str
    image: Image.Image
    truth: dict[str, object] | None = None


def _posters(count: int, seed: int) -> Iterator[_Picture]:
    for number in range(count):
        image, truth = render_poster(np.random.default_rng((seed, 1, number)))
        yield _Picture(f"poster-{seed}-{number:03d}", f"film-{seed}-{number:03d}", image, truth)


def _paintings(count: int, seed: int) -> Iterator[_Picture]:
    for number in range(count):
        image, truth = render_painting(np.random.default_rng((seed, 2, number)))
        name = f"painting-{seed}-{number:03d}"
        yield _Picture(name, name, image, truth)


def _portraits(count: int, seed: int) -> Iterator[_Picture]:
    for number in range(count):
        who, view = divmod(number, PORTRAITS_A_PERSON)
        person = Person.draw(np.random.default_rng((seed, 3, who)))
        image = render_portrait(person, np.random.default_rng((seed, 3, who, view)))
        yield _Picture(f"portrait-{seed}-{who:03d}-{view}", f"person-{seed}-{who:03d}", image)


@dataclass(frozen=True, slots=True)
class _Kind:
    asset_type: str
    task: str | None
    render: Callable[[int, int], Iterator[_Picture]]


_KINDS = {
    "posters": _Kind("ASSET_CLASS_FILM_POSTER", "film_posters", _posters),
    "paintings": _Kind("ASSET_CLASS_PAINTING", "paintings", _paintings),
    "portraits": _Kind("ASSET_CLASS_PORTRAIT", None, _portraits),
}
KINDS = tuple(_KINDS)


def render_pictures(
    kind: str,
    directory: Path,
    *,
    count: int,
    seed: int,
    on_progress: Callable[[int], None] | None = None,
) -> Pictures:
    """Render pictures of one of ``KINDS``; the same arguments give the same pixels.

    Names hold the seed, so that pictures of two seeds can be imported beside each other.

    Writes JPEG files, then ``ground_truth.jsonl`` where a task asks about such pictures, and last
    ``observations.csv``, through which the folder is imported. Of each person there are
    ``PORTRAITS_A_PERSON`` portraits, as images of one asset.

    Raises ``OSError`` when the folder cannot be written.
    """
    about = _KINDS[kind]
    directory.mkdir(parents=True, exist_ok=True)
    rows: list[tuple[str, ...]] = []
    facts: list[str] = []
    for done, picture in enumerate(about.render(count, seed), 1):
        file = f"{picture.name}.jpg"
        (directory / file).write_bytes(_jpeg(picture.image))
        rows.append((picture.name, picture.asset, f"rendered-{kind}", about.asset_type, file))
        if picture.truth is not None:
            truth = {"observation_id": picture.name, "task": about.task, "truth": picture.truth}
            facts.append(json.dumps(truth) + "\n")
        if on_progress is not None:
            on_progress(done)
    truths = None
    if about.task is not None:
        truths = directory / "ground_truth.jsonl"
        truths.write_text("".join(facts), encoding="utf-8")
    table = directory / "observations.csv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([_COLUMNS, *rows])
    return Pictures(directory, table, truths, count, len({row[1] for row in rows}))


def _jpeg(image: Image.Image) -> bytes:
    stream = BytesIO()
    image.save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()
