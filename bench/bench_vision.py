"""How fast scenes are rendered and pictures answered, stage by stage."""

import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.figures import Figure, report
from sightline.tasks import TaskSpec, load_task, shipped_directory
from sightline.vision.encoder import DualEncoder
from sightline.vision.protocol import Vectors
from sightline.vision.scenes import ASSET_TYPES, render, render_collection
from sightline.vision.scenes.weather import encode_jpeg
from sightline.vision.zero_shot import ZeroShot

SECONDS = 2.0
_BATCH = 32


def rate(action: Callable[[], int], seconds: float) -> float:
    """Repeat an action, which says how many things it did, for a while; things a second."""
    action()
    begun, done = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        done += action()
    return done / (time.perf_counter() - begun)


def decode(jpeg: bytes, encoder: DualEncoder) -> NDArray[np.uint8]:
    """From the bytes of a file to what the model reads."""
    with Image.open(BytesIO(jpeg)) as picture:
        picture.draft("RGB", encoder.preferred_size)
        return encoder.preprocess(picture)


def answer(
    batch: list[bytes], encoder: DualEncoder, zero_shot: ZeroShot, task: TaskSpec
) -> Vectors:
    """The whole way for one batch: decode, preprocess, encode, answer."""
    vectors = encoder.encode_images([decode(jpeg, encoder) for jpeg in batch])
    zero_shot.answer(task.fields, vectors, asset_types=task.asset_types)
    return vectors


def render_ten(asset_type: str) -> int:
    """Render ten scenes of one asset type."""
    return len([render(asset_type, seed) for seed in range(10)])


def scene_figures(seconds: float, processes: int) -> list[Figure]:
    """Rendering: one scene after another, and a collection in a pool."""
    figures = []
    for kind in ASSET_TYPES:
        name = kind.removeprefix("ASSET_CLASS_").lower()
        per_s = rate(partial(render_ten, kind), seconds)
        figures.append(Figure(f"render {name}, one process", per_s, "scenes/s"))
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        render_collection(Path(folder), count=600, seed=1, processes=processes)
        took = time.perf_counter() - begun
    figures.append(Figure(f"render and write 600 scenes, {processes} processes", took, "s"))
    return figures


def model_figures(seconds: float, threads: int) -> list[Figure]:
    """The model: each stage on one thread, then the whole way on several."""
    encoder = DualEncoder.load()
    zero_shot = ZeroShot(encoder)
    task = load_task(shipped_directory() / "road_signs.toml")
    jpegs = [encode_jpeg(render(ASSET_TYPES[k % 3], k).image, 85) for k in range(_BATCH)]
    ready = [decode(jpeg, encoder) for jpeg in jpegs]
    vectors = encoder.encode_images(ready)
    texts = ["leaning wooden utility pole with a transformer at night"]
    with ThreadPoolExecutor(threads) as pool:

        def together() -> int:
            jobs = [pool.submit(answer, jpegs, encoder, zero_shot, task) for _ in range(threads)]
            return sum(len(job.result()) for job in jobs)

        whole = rate(together, seconds)
    stages: list[tuple[str, Callable[[], int]]] = [
        ("decode and preprocess", lambda: len([decode(jpeg, encoder) for jpeg in jpegs])),
        ("encode pictures", lambda: len(encoder.encode_images(ready))),
        ("answer six fields", lambda: len(zero_shot.answer(task.fields, vectors))),
        ("encode texts", lambda: len(encoder.encode_texts(texts))),
    ]
    figures = [Figure(f"{name}, one thread", rate(do, seconds), "/s") for name, do in stages]
    return [*figures, Figure(f"JPEG to answers, {threads} threads", whole, "images/s")]


def run() -> list[Figure]:
    """Measure; about half a minute."""
    workers = min(2, os.cpu_count() or 1)
    return [*scene_figures(SECONDS, workers), *model_figures(SECONDS, workers)]


if __name__ == "__main__":
    report("vision", run())
