"""Answers and vectors written by hand, into either warehouse: two sorts of images, far apart."""

from __future__ import annotations

import math
from pathlib import Path

import orjson

from sightline.ports import ResultRow
from tests.cli import filled
from tests.cli.answered import SIGNS
from tests.contracts.answers_suite import item
from tests.contracts.warehouse_rig import EMBEDDING, answer_part, answer_row, embedding_row
from tests.gcp.servers import BigQueryEmulator

IMAGES = 12
WRONG, UNKNOWN, NO_VECTOR, COPY = 3, 4, 11, 8
"""Image 3 has a wrong answer, 4 none that is known, 11 no vector; 8 looks as 6 does."""

SPACE = {
    "SIGHTLINE_MODELS__EMBED": EMBEDDING.model,
    "SIGHTLINE_MODELS__EMBED_DIMENSION": str(EMBEDDING.dimension),
}
"""Settings by which the vectors are found."""


def vector(number: int) -> list[float]:
    """Return a vector: even images lie to one side, odd ones to the other."""
    at = 6 if number == COPY else number
    angle = 0.05 * at + (math.pi / 2 if at % 2 else 0.0)
    return [math.cos(angle), math.sin(angle), 0.0, 0.01]


def answer(number: int) -> str:
    """Return an answer; even images are of stop signs, odd ones of others."""
    kind = "stop" if (number % 2 == 0) != (number == WRONG) else "yield"
    return orjson.dumps(
        {"kind": "unknown" if number == UNKNOWN else kind, "tilted": None, "count": number % 2,
         "height": 0.5, "note": None, "damage": []}
    ).decode()  # fmt: skip


def rows(images: int = IMAGES) -> list[ResultRow]:
    """Return what both warehouses hold."""
    part = answer_part(SIGNS)
    items = [item(n) for n in range(images)]
    return [
        *(answer_row(work_item, part, answer=answer(n)) for n, work_item in enumerate(items)),
        *(
            embedding_row(work_item, vector(n))
            for n, work_item in enumerate(items)
            if n != NO_VECTOR
        ),
    ]


async def fill_folder(root: Path, images: int = IMAGES) -> None:
    """Make a warehouse in a folder with these rows."""
    await filled.fill_folder(root, SIGNS, rows(images))


async def fill_dataset(emulator: BigQueryEmulator, dataset: str) -> None:
    """Make a dataset with these rows."""
    await filled.fill_dataset(emulator, dataset, SIGNS, rows())
