"""What the demo model finds among rendered pictures that show no street, beside chance.

60 pictures of each kind, drawn with five seeds: the least, and in the note the greatest.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from bench.figures import Figure, report
from sightline.vision.encoder import DualEncoder
from sightline.vision.pictures import PORTRAITS_A_PERSON, render_pictures

SEEDS = (1, 2, 3, 4, 2026)
COUNT = 60
TOP = 10
WORDS = {"at night": "a painting at night", "by day": "a painting by day"}


def run() -> list[Figure]:
    """Measure; some twenty seconds."""
    encoder = DualEncoder.load()
    rows = [{**portraits(encoder, seed), **paintings(encoder, seed)} for seed in SEEDS]
    figures = []
    for name in rows[0]:
        values = [100 * row[name] for row in rows]
        note = f"at most {max(values):.0f} %"
        figures.append(Figure(name, min(values), "%", note=note))
    return figures


def portraits(encoder: DualEncoder, seed: int) -> Mapping[str, float]:
    """Return how often what is most like a portrait shows the same person."""
    with drawn("portraits", seed) as (folder, table):
        people = np.array([row["asset_id"] for row in table])
        vectors = encoder.encode_images(images(folder, table))
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    others = PORTRAITS_A_PERSON - 1
    same = people[np.argsort(-cosines, axis=1)[:, :others]] == people[:, None]
    return {
        "a portrait: the first is the same person": float(same[:, 0].mean()),
        "a portrait: of the first four, the same person": float(same.mean()),
        "  by chance, a portrait": others / (COUNT - 1),
    }


def paintings(encoder: DualEncoder, seed: int) -> Mapping[str, float]:
    """Return how often what words find shows what they say."""
    with drawn("paintings", seed) as (folder, table):
        lines = (folder / "ground_truth.jsonl").read_text(encoding="utf-8").splitlines()
        shows = [str(json.loads(line)["truth"]["shows"]) for line in lines]
        vectors = encoder.encode_images(images(folder, table))
    shares = {}
    for what, words in WORDS.items():
        (query,) = encoder.encode_texts([words])
        meant = np.array([what in show for show in shows])
        best = np.argsort(-(vectors @ query))[:TOP]
        shares[f'"{words}": of the first ten'] = float(meant[best].mean())
        shares[f"  by chance, {what}"] = float(meant.mean())
    return shares


Table = Sequence[Mapping[str, str]]


@contextmanager
def drawn(kind: str, seed: int) -> Iterator[tuple[Path, Table]]:
    """Yield a folder of pictures, and its table."""
    with tempfile.TemporaryDirectory() as directory:
        collection = render_pictures(kind, Path(directory), count=COUNT, seed=seed)
        with collection.table.open(encoding="utf-8", newline="") as file:
            yield Path(directory), list(csv.DictReader(file))


def images(folder: Path, table: Table) -> list[Image.Image]:
    """Return the pictures in the order of their table."""
    return [Image.open(folder / row["gcs_uri"]).convert("RGB") for row in table]


if __name__ == "__main__":
    report("pictures", run())
