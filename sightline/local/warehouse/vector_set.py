"""The vectors of one model and dimension in memory, with details of their images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sightline.local.warehouse.engine import Session
from sightline.schema import OBSERVATIONS, Ledger

LOAD_ROWS = 16_384
DROPPED = -1

_OF_THE_MODEL = (
    'FROM "{ledger}" WHERE model = $model AND dimension = $dimension AND observation_id IS NOT NULL'
)
_OF_ITS_LENGTH = " AND len(embedding) = $dimension"
_IMAGES = f"""
SELECT substr(part_key, 1, 32) AS key, hash(part_key) AS part, epoch_us(written_at) AS written_us,
  observation_id, asset_id, snapshot_id, asset_type, gcs_uri, latitude, longitude, capture_time
{_OF_THE_MODEL}"""
IMAGES_OF_A_MODEL = _IMAGES + _OF_ITS_LENGTH
VECTORS_OF_A_MODEL = f"SELECT embedding {_OF_THE_MODEL}{_OF_ITS_LENGTH}"
VECTOR_OF = f"""
SELECT embedding {_OF_THE_MODEL}{_OF_ITS_LENGTH} AND observation_id = $observation_id
ORDER BY written_at, worker_id, attempt LIMIT 1"""

ENQUEUED_AGAIN = """
SELECT * FROM observations WHERE observation_id IN (
  SELECT observation_id FROM observations GROUP BY observation_id HAVING count(*) > 1)
QUALIFY row_number() OVER (PARTITION BY observation_id ORDER BY written_at DESC, run_id DESC) = 1
"""
AS_LAST_ENQUEUED = """
SELECT images.observation_id, {identity}, images.row
FROM images LEFT JOIN ({again}) AS again USING (observation_id)
ORDER BY images.row
"""
_IDENTITY = (
    "asset_id", "snapshot_id", "asset_type", "gcs_uri", "latitude", "longitude", "capture_time"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class VectorSet:
    """``vectors`` is (n, dimension) float32; ``images`` has a row for each, and its ``row``.

    ``parts`` are 64 bits of each vector's part key. ``files`` are those that were read: the set is
    current while the ledgers have exactly these (``files_of``).
    """

    vectors: npt.NDArray[np.float32]
    images: pa.Table
    parts: npt.NDArray[np.uint64]
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class ImageSet:
    """The images embedded by a model, each with its ``row``, in the order of a ``VectorSet``."""

    images: pa.Table
    parts: npt.NDArray[np.uint64]


def load_vectors(session: Session, ledger: Ledger, model: str, dimension: int) -> VectorSet:
    """Read one row per part, in the order of the images' ids, into one array.

    The files are read twice, in the same order: first to find the position of each row, so that the
    second pass needs no memory besides the array.
    """
    files = files_of(session, ledger)
    parameters = {"model": model, "dimension": dimension}
    images = session.connection.sql(
        IMAGES_OF_A_MODEL.format(ledger=ledger.name), params=parameters
    ).to_arrow_table()
    target, kept_rows = _places(images)
    block = np.empty((len(kept_rows), dimension), dtype=np.float32)
    reader = session.connection.sql(
        VECTORS_OF_A_MODEL.format(ledger=ledger.name), params=parameters
    ).to_arrow_reader(LOAD_ROWS)
    at = 0
    for batch in reader:
        flat = batch.column(0).flatten().to_numpy(zero_copy_only=False)
        places = target[at : at + batch.num_rows]
        used = places != DROPPED
        block[places[used]] = flat.reshape(batch.num_rows, dimension)[used]
        at += batch.num_rows
    arranged = _arranged(session, images, kept_rows)
    return VectorSet(block, arranged.images, arranged.parts, files)


def load_images(session: Session, ledger: Ledger, model: str, dimension: int) -> ImageSet:
    """Read the same as ``load_vectors``, without the vectors and without checking their lengths."""
    session.attach(ledger)
    parameters = {"model": model, "dimension": dimension}
    images = session.connection.sql(
        _IMAGES.format(ledger=ledger.name), params=parameters
    ).to_arrow_table()
    return _arranged(session, images, _places(images)[1])


def files_of(session: Session, ledger: Ledger) -> tuple[Path, ...]:
    """Return the files that a set of vectors is read from."""
    return (*session.attach(ledger).files, *session.attach(OBSERVATIONS).files)


def load_vector(
    session: Session, ledger: Ledger, model: str, dimension: int, observation_id: str
) -> list[float] | None:
    """Return the vector of an image, from its earliest row; ``None`` if it has none."""
    session.attach(ledger)
    parameters = {"model": model, "dimension": dimension, "observation_id": observation_id}
    statement = VECTOR_OF.format(ledger=ledger.name)
    row = session.connection.execute(statement, parameters).fetchone()
    return None if row is None else [float(number) for number in row[0]]


def spaces(session: Session) -> dict[tuple[str, int], int]:
    """Return how many rows there are of each model and dimension."""
    counts: dict[tuple[str, int], int] = {}
    for ledger in session.store.embeddings_ledgers():
        session.attach(ledger)
        for model, dimension, count in session.rows(
            f'SELECT model, dimension, count(*) FROM "{ledger.name}" GROUP BY ALL'  # noqa: S608 - ours
        ):
            counts[str(model), int(dimension)] = int(count)
    return counts


def _arranged(session: Session, images: pa.Table, kept_rows: npt.NDArray[np.int64]) -> ImageSet:
    chosen = images.take(pa.array(kept_rows)).append_column(
        "row", pa.array(np.arange(len(kept_rows)))
    )
    parts = chosen.column("part").to_numpy().astype(np.uint64)
    chosen = chosen.drop_columns(["key", "part", "written_us"])
    return ImageSet(_as_last_enqueued(session, chosen), parts)


def _as_last_enqueued(session: Session, images: pa.Table) -> pa.Table:
    """Return the images as last enqueued: a later import may have changed a type or a place."""
    session.attach(OBSERVATIONS)
    if not session.number(f"SELECT count(*) FROM ({ENQUEUED_AGAIN})"):  # noqa: S608 - a constant
        return images
    session.connection.register("images", images)
    identity = ", ".join(
        f"CASE WHEN again.observation_id IS NULL THEN images.{name} ELSE again.{name} END AS {name}"
        for name in _IDENTITY
    )
    select = AS_LAST_ENQUEUED.format(identity=identity, again=ENQUEUED_AGAIN)
    return session.connection.sql(select).to_arrow_table()


def _places(images: pa.Table) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return each row's position (or ``DROPPED``: only a part's earliest row counts), and the rows
    kept.

    Parts are identified by 128 of a key's 256 bits.
    """
    rows = pa.table({**{name: images.column(name) for name in ("key", "written_us")}})
    order = pc.sort_indices(rows, [("key", "ascending"), ("written_us", "ascending")]).to_numpy()
    keys = images.column("key").take(pa.array(order)).combine_chunks()
    first = np.ones(len(order), dtype=bool)
    if len(order) > 1:
        first[1:] = pc.not_equal(keys[1:], keys[:-1]).to_numpy(zero_copy_only=False)
    survivors = np.sort(order[first]).astype(np.int64)
    by_id = pc.sort_indices(images.column("observation_id").take(pa.array(survivors))).to_numpy()
    kept_rows = survivors[by_id]
    target = np.full(images.num_rows, DROPPED, dtype=np.int64)
    target[kept_rows] = np.arange(len(kept_rows))
    return target, kept_rows
