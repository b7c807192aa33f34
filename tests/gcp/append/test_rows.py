"""Rows of a ledger become protobuf messages, and messages become requests."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sightline.gcp.bigquery.rows import MAX_REQUEST_BYTES, RowFormat
from sightline.schema import RUN_EVENTS, RUNS, WORK_ITEMS, embeddings_ledger
from tests.gcp.append.rig import decoded, run_row


def test_a_row_has_a_field_a_column_and_nulls_are_left_out() -> None:
    encoded = RowFormat(RUNS).encode(run_row(messages=None))
    row = decoded(RUNS, encoded)
    assert (row.run_id, row.parts) == ("r0", 2)
    assert row.created_at == 1_777_896_000_123_456
    assert not row.HasField("messages")


@pytest.mark.parametrize("kind", [list, np.float32, np.float64])
def test_vectors_are_packed_doubles_whatever_their_type(kind: Any) -> None:
    numbers = [0.5, -1.25, 3.0]
    vector = numbers if kind is list else np.array(numbers, dtype=kind)
    ledger = embeddings_ledger("m", 3)
    encoded = RowFormat(ledger).encode({"part_key": "k", "dimension": 3, "embedding": vector})
    assert list(decoded(ledger, encoded).embedding) == numbers
    assert encoded.endswith(np.array(numbers, dtype="<f8").tobytes())


def test_a_long_vector_and_an_empty_one_can_be_read_again() -> None:
    ledger = embeddings_ledger("m", 3_072)
    for vector in (np.arange(3_072, dtype=np.float32), np.array([]), None):
        encoded = RowFormat(ledger).encode({"part_key": "k", "embedding": vector})
        expected = [] if vector is None else vector.tolist()
        assert list(decoded(ledger, encoded).embedding) == expected


def test_arrays_of_texts_are_kept() -> None:
    encoded = RowFormat(WORK_ITEMS).encode({"run_id": "r", "part_keys": ["a", "é"]})
    assert list(decoded(WORK_ITEMS, encoded).part_keys) == ["a", "é"]


def test_a_row_of_another_ledger_is_refused() -> None:
    with pytest.raises(ValueError, match="stranger"):
        RowFormat(RUNS).encode({"stranger": 1})


def test_requests_stay_within_their_limits_and_keep_the_order() -> None:
    rows = [{"run_id": str(n), "event": "x" * 1_000_000} for n in range(20)]
    chunks = [list(request.rows.values()) for request in RowFormat(RUN_EVENTS).requests(rows)]
    assert all(sum(map(len, chunk)) <= MAX_REQUEST_BYTES for chunk in chunks)
    assert [len(chunk) for chunk in chunks] == [7, 7, 6]
    ids = [decoded(RUN_EVENTS, row).run_id for chunk in chunks for row in chunk]
    assert ids == [str(n) for n in range(20)]
    many = RowFormat(RUN_EVENTS).requests([{"run_id": "r"}] * 4_001)
    assert [len(chunk.rows) for chunk in many] == [2_000, 2_000, 1]


def test_a_row_that_cannot_be_encoded_or_is_too_long_is_left_out_and_named() -> None:
    ledger = embeddings_ledger("m", 2)
    good = {"part_key": "k", "input_tokens": 1, "embedding": [0.0, 1.0]}
    bad: list[dict[str, Any]] = [
        {"input_tokens": 2**64},
        {"input_tokens": 1.5},
        {"part_key": "\ud800"},
        {"embedding": [float("nan"), 1.0]},
        {"embedding": np.array([np.inf, 1.0])},
        {"part_key": "x" * (MAX_REQUEST_BYTES + 1)},
    ]
    rows = [good]
    for flaw in bad:
        rows += [{**good, **flaw}, good]
    (chunk,) = RowFormat(ledger).requests(rows)
    assert list(chunk.rows) == list(range(0, len(rows), 2))
    assert list(chunk.unwritable) == list(range(1, len(rows), 2))
    assert all(len(why) < 400 and why.isprintable() for why in chunk.unwritable.values())
