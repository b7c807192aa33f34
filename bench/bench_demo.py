"""The demo model end to end: the whole job over rendered scenes, two workers on two cores.

Beside it, what a script would do: the same model over the same images, one after another.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image

from bench.figures import Figure, report
from sightline.tasks import load_tasks, shipped_directory
from sightline.vision.encoder import DualEncoder
from sightline.vision.zero_shot import ZeroShot

SCENES = 4800


def _demo(directory: Path) -> dict[str, Any]:
    completed = subprocess.run(
        [sys.executable, "-m", "sightline", "demo", "--json",
         "--dir", str(directory), "--scenes", str(SCENES)],
        check=True, capture_output=True,
    )  # fmt: skip
    outcome: dict[str, Any] = json.loads(completed.stdout)
    return outcome


def _written_in_s(home: Path) -> float:
    """Return the seconds from the first row to the last, when both workers were at work."""
    completed = subprocess.run(
        [sys.executable, "-m", "sightline", "--home", str(home), "sql", "--json",
         "select epoch(max(written_at)) - epoch(min(written_at)) s from embeddings_all"],
        check=True, capture_output=True,
    )  # fmt: skip
    return float(json.loads(completed.stdout)[0]["s"])


def _script(scenes: Path, count: int) -> float:
    """Return the images a second of a loop: open, encode, answer, one image at a time."""
    encoder = DualEncoder.load()
    zero_shot = ZeroShot(encoder)
    tasks = load_tasks((shipped_directory(),))
    images = sorted(scenes.rglob("*.jpg"))[:count]
    started_s = time.perf_counter()
    for path in images:
        with Image.open(path) as image:
            vectors = encoder.encode_images([encoder.preprocess(image.convert("RGB"))])
        zero_shot.answer(tasks["road_signs"].fields, vectors)
    return len(images) / (time.perf_counter() - started_s)


def run() -> list[Figure]:
    """Measure; about two minutes."""
    with tempfile.TemporaryDirectory() as directory:
        demo = Path(directory) / "demo"
        outcome = _demo(demo)
        seconds = _written_in_s(demo / ".sightline")
        script = _script(demo / "scenes", 500)
    at_work = outcome["images"] / seconds
    return [
        Figure("the demo model, from first row to last", at_work, "images/s", 150, "higher"),
        Figure(
            "  the workers' start and drain included", outcome["images_per_s"], "images/s", None,
            "higher", f"{outcome['images']:,} images",
        ),
        Figure("  a script, one image at a time", script, "images/s", None, "higher"),
        Figure("  ours over the script", at_work / script, "times", None, "higher"),
    ]  # fmt: skip


if __name__ == "__main__":
    report("demo", run())
