"""Many rendered scenes at once, as the model sees them, with their truth."""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scripts.demo_model.captions import NO_ASSET
from scripts.demo_model.strangers import FAMILIAR, render_stranger
from sightline.vision.image_input import INPUT_SIZE, to_input
from sightline.vision.scenes import ASSET_TYPES, Value, render
from sightline.vision.scenes.weather import encode_jpeg

#: Seeds from here on are never trained on: the first block calibrates, the second one measures.
CALIBRATION_SEED = 1_000_000_000
EVALUATION_SEED = 2_000_000_000
_CHUNK = 50


@dataclass(frozen=True, slots=True)
class Example:
    """A picture at the size of the model's input (120, 160, 3), and what it shows."""

    pixels: NDArray[np.uint8]
    asset_type: str
    truth: Mapping[str, Value]


def example(index: int, seed: int, strangers_share: float) -> Example:
    """The example at an index of the set that a seed stands for."""
    rng = np.random.default_rng((seed, index))
    quality = int(rng.integers(60, 95))
    if rng.random() < strangers_share:
        kinds = list(FAMILIAR)
        picture = render_stranger(kinds[int(rng.integers(len(kinds)))], seed + index)
        return Example(through_jpeg(picture, quality), NO_ASSET, {})
    scene = render(ASSET_TYPES[index % len(ASSET_TYPES)], seed + index)
    return Example(through_jpeg(scene.image, quality), scene.asset_type, scene.truth)


def through_jpeg(picture: Image.Image, quality: int) -> NDArray[np.uint8]:
    """A picture as it arrives from a file: encoded, decoded at reduced size, fitted."""
    with Image.open(BytesIO(encode_jpeg(picture, quality))) as stored:
        stored.draft("RGB", INPUT_SIZE)
        return to_input(stored)


def _chunk(start: int, stop: int, seed: int, strangers_share: float) -> list[Example]:
    return [example(index, seed, strangers_share) for index in range(start, stop)]


def examples(
    count: int,
    *,
    seed: int,
    strangers_share: float = 0.0,
    processes: int = 1,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[Example]:
    """Yield ``count`` examples in order; the same arguments give the same pixels.

    With more than one process, scenes are rendered in a pool (spawned, at most one process a core).
    """
    bounds = [(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]
    if processes <= 1:
        chunks: Iterator[list[Example]] = (
            _chunk(start, stop, seed, strangers_share) for start, stop in bounds
        )
        yield from _counted(chunks, on_progress)
        return
    workers = min(processes, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        starts, stops = zip(*bounds, strict=True)
        same = [seed] * len(bounds), [strangers_share] * len(bounds)
        yield from _counted(pool.map(_chunk, starts, stops, *same), on_progress)


def _counted(
    chunks: Iterator[list[Example]], on_progress: Callable[[int], None] | None
) -> Iterator[Example]:
    for chunk in chunks:
        yield from chunk
        if on_progress is not None:
            on_progress(len(chunk))
