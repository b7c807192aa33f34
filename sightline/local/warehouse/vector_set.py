"""The vectors of one model and dimension, in memory, with what is known of their images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sightline.local.warehouse.engine import Session
from sightline.schema import Ledger

LOAD_ROWS = 16_384
DROPPED = -1

_OF_THE_MODEL = (
    'FROM "{ledger}" WHERE model = $model AND dimension = $dimension '
    "AND observation_id IS NOT NULL AND len(embedding) = $dimension"
)
IMAGES_OF_A_MODEL = f"""
SELECT substr(part_key, 1, 32) AS key, epoch_us(written_at) AS written_us, observation_id,
  asset_id, snapshot_id, asset_type, gcs_uri, latitude, longitude, capture_time {_OF_THE_MODEL}
"""
VECTORS_OF_A_MODEL = f"SELECT embedding {_OF_THE_MODEL}"


@dataclass(frozen=True, slots=True)
class VectorSet:
    """``vectors`` is (n, dimension) float32; ``images`` has a row for each, and its ``row``.

    ``files`` are those it was read from: the set is current while the ledger has just these.
    """

    vectors: npt.NDArray[np.float32]
    images: pa.Table
    files: tuple[Path, ...]


def load_vectors(session: Session, ledger: Ledger, model: str, dimension: int) -> VectorSet:
    """Read one row a part, in the order of the images' ids, into one block.

    Two passes over the same files in the same order: the first says where each row belongs, so
    that the second needs no memory beside the block.
    """
    files = session.attach(ledger).files
    asked = {"model": model, "dimension": dimension}
    images = session.connection.sql(
        IMAGES_OF_A_MODEL.format(ledger=ledger.name), params=asked
    ).to_arrow_table()
    target, kept = _places(images)
    block = np.empty((len(kept), dimension), dtype=np.float32)
    reader = session.connection.sql(
        VECTORS_OF_A_MODEL.format(ledger=ledger.name), params=asked
    ).to_arrow_reader(LOAD_ROWS)
    at = 0
    for batch in reader:
        flat = batch.column(0).flatten().to_numpy(zero_copy_only=False)
        places = target[at : at + batch.num_rows]
        used = places != DROPPED
        block[places[used]] = flat.reshape(batch.num_rows, dimension)[used]
        at += batch.num_rows
    arranged = images.take(pa.array(kept)).append_column("row", pa.array(np.arange(len(kept))))
    return VectorSet(block, arranged.drop_columns(["key", "written_us"]), files)


def _places(images: pa.Table) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return each row's place (or ``DROPPED``: the earliest row of a part counts), and those kept.

    128 of a key's 256 bits tell parts apart.
    """
    rows = pa.table({**{name: images.column(name) for name in ("key", "written_us")}})
    order = pc.sort_indices(rows, [("key", "ascending"), ("written_us", "ascending")]).to_numpy()
    keys = images.column("key").take(pa.array(order)).combine_chunks()
    first = np.ones(len(order), dtype=bool)
    if len(order) > 1:
        first[1:] = pc.not_equal(keys[1:], keys[:-1]).to_numpy(zero_copy_only=False)
    survivors = np.sort(order[first]).astype(np.int64)
    by_id = pc.sort_indices(images.column("observation_id").take(pa.array(survivors))).to_numpy()
    kept = survivors[by_id]
    target = np.full(images.num_rows, DROPPED, dtype=np.int64)
    target[kept] = np.arange(len(kept))
    return target, kept
