"""An index on disk: checked before it is believed, matched with the vectors there are."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from sightline.errors import ConfigurationError, StorageError
from sightline.local.vectors import (
    DamagedIndexError,
    ExactIndex,
    FaissIndex,
    IndexFile,
    build,
    build_index,
    drop_index,
    fit_of,
    load_index,
    make_index,
)
from sightline.local.vectors.saved import Digests, digests_of, places_of
from tests.local.test_vectors import Array, random_units

COUNT = 1_000


@pytest.fixture(scope="module")
def vectors() -> Array:
    """Return vectors enough for an index, and some more."""
    return random_units(3 * COUNT, 16)


def parts_of(rows: NDArray[np.int64]) -> Digests:
    """Return a number for each row that stays with it."""
    return (rows.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)


def kept_in(folder: Path, rows: NDArray[np.int64]) -> IndexFile:
    """Return where the index of these rows is kept."""
    return IndexFile(folder / "indexes" / "one.faiss", parts_of(rows))


def test_an_index_is_trained_once_for_its_vectors(
    vectors: Array, tmp_path: Path, trained: list[int]
) -> None:
    rows = np.arange(COUNT)
    index_file = kept_in(tmp_path, rows)
    first = build_index(vectors[rows], exact_up_to=0, index_file=index_file, threads=1)
    again = build_index(vectors[rows].copy(), exact_up_to=0, index_file=index_file, threads=1)
    assert trained == [COUNT]
    queries = random_units(5, 16, seed=2)
    np.testing.assert_array_equal(again.search(queries, 5).rows, first.search(queries, 5).rows)
    assert [path.name for path in index_file.path.parent.iterdir()] == ["one.faiss"]


def test_rows_that_were_added_and_moved_need_no_training(
    vectors: Array, tmp_path: Path, trained: list[int]
) -> None:
    build_index(
        vectors[:COUNT], exact_up_to=0, index_file=kept_in(tmp_path, np.arange(COUNT)), threads=1
    )
    rows = np.random.default_rng(1).permutation(COUNT + 300)
    index = build_index(vectors[rows], exact_up_to=0, index_file=kept_in(tmp_path, rows), threads=1)
    assert trained == [COUNT]
    assert isinstance(index, FaissIndex)
    assert (index.loose, index.gone) == (300, 0)
    own = index.search(vectors[rows], 1)
    np.testing.assert_array_equal(own.rows[:, 0], np.arange(len(rows)))


def test_many_rows_that_were_added_are_given_codes_and_kept(
    vectors: Array, tmp_path: Path, trained: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "LOOSE_MOST", 100)
    build_index(
        vectors[:COUNT], exact_up_to=0, index_file=kept_in(tmp_path, np.arange(COUNT)), threads=1
    )
    rows = np.arange(COUNT + 300)
    for _ in range(2):
        index = build_index(
            vectors[rows], exact_up_to=0, index_file=kept_in(tmp_path, rows), threads=1
        )
        assert isinstance(index, FaissIndex)
        assert (index.loose, len(index.rows_of)) == (0, COUNT + 300)
    assert trained == [COUNT]


def test_an_index_of_other_vectors_is_made_again(
    vectors: Array, tmp_path: Path, trained: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    rows = np.arange(COUNT)
    index_file = kept_in(tmp_path, rows)
    build_index(vectors[rows], exact_up_to=0, index_file=index_file, threads=1)
    other = random_units(COUNT, 16, seed=9)  # other vectors of the same parts
    with caplog.at_level(logging.WARNING):
        index = build_index(other, exact_up_to=0, index_file=index_file, threads=1)
    assert trained == [COUNT, COUNT]
    assert "does not fit the vectors, building the index again" in caplog.text
    np.testing.assert_array_equal(index.search(other[:5], 1).rows[:, 0], np.arange(5))


def test_one_vector_that_changed_is_not_found_by_its_old_code(
    vectors: Array, tmp_path: Path, trained: list[int]
) -> None:
    rows = np.arange(COUNT)
    index_file = kept_in(tmp_path, rows)
    build_index(vectors[rows], exact_up_to=0, index_file=index_file, threads=1)
    changed = vectors[rows].copy()
    changed[7] = random_units(1, 16, seed=11)[0]
    index = build_index(changed, exact_up_to=0, index_file=index_file, threads=1)
    assert isinstance(index, FaissIndex)
    assert (index.loose, index.gone, trained) == (1, 1, [COUNT])
    assert index.search(changed[7:8], 1).rows.tolist() == [[7]]


def test_few_vectors_are_searched_through_an_index_only_where_one_is_kept(
    vectors: Array, tmp_path: Path
) -> None:
    rows = np.arange(COUNT)
    index_file = kept_in(tmp_path, rows)
    assert isinstance(build_index(vectors[rows], index_file=index_file), ExactIndex)
    make_index(vectors[rows], index_file, threads=1)
    assert isinstance(build_index(vectors[rows], index_file=index_file), FaissIndex)
    others = kept_in(tmp_path, rows + COUNT)
    assert isinstance(build_index(vectors[rows + COUNT], index_file=others), ExactIndex)
    assert drop_index(index_file.path) is True
    assert drop_index(index_file.path) is False
    assert isinstance(build_index(vectors[rows], index_file=index_file), ExactIndex)


def test_making_an_index_tells_its_progress_to_the_end(vectors: Array, tmp_path: Path) -> None:
    progress: list[int] = []
    rows = np.arange(COUNT)
    make_index(vectors[rows], kept_in(tmp_path, rows), threads=1, on_progress=progress.append)
    assert progress == sorted(progress)
    assert (len(progress) > 5, progress[-1]) == (True, 100)
    more = np.arange(COUNT + 10)
    topped_up = make_index(
        vectors[more], kept_in(tmp_path, more), threads=1, on_progress=progress.append
    )
    assert (topped_up.loose, progress[-1]) == (0, 100)


def test_too_few_vectors_get_no_index(vectors: Array, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"100 vectors get no index, which needs 512"):
        make_index(vectors[:100], kept_in(tmp_path, np.arange(100)))


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "headless", "of another kind"])
def test_a_damaged_index_is_told_and_made_again(
    vectors: Array,
    tmp_path: Path,
    trained: list[int],
    damage: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    rows = np.arange(COUNT)
    index_file = kept_in(tmp_path, rows)
    build_index(vectors[rows], exact_up_to=0, index_file=index_file, threads=1)
    content = bytearray(index_file.path.read_bytes())
    content[len(content) // 2] ^= 1
    damaged: dict[str, bytes] = {
        "truncated": index_file.path.read_bytes()[:-100],
        "flipped": bytes(content),
        "empty": b"",
        "headless": b"\n" + bytes(content),
        "of another kind": b'{"format": "other", "rows": 3}\n',
    }
    index_file.path.write_bytes(damaged[damage])
    with pytest.raises(DamagedIndexError):
        load_index(index_file.path)
    with caplog.at_level(logging.WARNING):
        build_index(vectors[rows], exact_up_to=0, index_file=index_file, threads=1)
    assert trained == [COUNT, COUNT]
    assert "is damaged" in caplog.text
    assert load_index(index_file.path) is not None


def test_an_index_that_cannot_be_kept_only_costs_time(
    vectors: Array, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "indexes").write_text("in the way")
    rows = np.arange(COUNT)
    with caplog.at_level(logging.WARNING):
        index = build_index(
            vectors[rows], exact_up_to=0, index_file=kept_in(tmp_path, rows), threads=1
        )
    assert len(index) == COUNT
    assert "the index is not stored" in caplog.text
    with pytest.raises(StorageError, match="cannot be written"):
        make_index(vectors[rows], kept_in(tmp_path, rows), threads=1)


def test_indexes_of_the_first_version_are_removed(vectors: Array, tmp_path: Path) -> None:
    rows = np.arange(COUNT)
    index_file = kept_in(tmp_path, rows)
    index_file.path.parent.mkdir()
    old = index_file.path.parent / f"{'0' * 32}-IVF31-PQ4x4fs.faiss"
    old.write_bytes(b"old")
    make_index(vectors[rows], index_file, threads=1)
    assert not old.exists()


@pytest.mark.parametrize("dimension", [1, 7, 16])
def test_a_digest_changes_with_every_component(dimension: int) -> None:
    vectors = np.random.default_rng(0).random((50, dimension), dtype=np.float32)
    before = digests_of(vectors)
    assert len(set(before.tolist())) == 50
    for column in range(dimension):
        changed = vectors.copy()
        changed[:, column] = np.nextafter(changed[:, column], np.float32(9))
        assert (digests_of(changed) != before).all()


def test_places_are_found_whatever_the_order() -> None:
    there = np.array([9, 4, 7], dtype=np.uint64)
    digests = np.array([7, 5, 9, 10, 4], dtype=np.uint64)
    assert places_of(digests, there).tolist() == [2, -1, 0, -1, 1]
    assert places_of(digests, there[:0]).tolist() == [-1] * 5


@pytest.mark.parametrize(
    ("rows", "codes", "covered", "fit"),
    [
        (100, 100, 100, "whole"),
        (120, 100, 100, "few are missing"),
        (60_000, 35_000, 35_000, "many are missing"),
        (201, 100, 100, "no"),
        (100, 130, 100, "no"),
        (100, 120, 95, "few are missing"),
    ],
)
def test_an_index_fits_while_it_was_made_of_most_of_the_rows(
    rows: int, codes: int, covered: int, fit: str
) -> None:
    assert fit_of(rows, codes, covered) == fit
