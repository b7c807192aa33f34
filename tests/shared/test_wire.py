"""Message version 1: what is encoded comes back, and nothing that is fed to it crashes it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import PermanentError, Reason
from sightline.model import AnswerPart, CameraPose, EmbeddingPart, Observation, PixelBounds
from sightline.wire import MAX_BODY_BYTES, Message, attributes, check_uri, decode, encode

TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
TIMES = st.none() | st.datetimes(timezones=st.just(UTC))
DEGREES = st.floats(-90, 90)
OBSERVATIONS = st.builds(
    Observation,
    TEXT, TEXT, TEXT, TEXT, TEXT,
    latitude=st.shared(st.none() | DEGREES, key="place"),
    longitude=st.shared(st.none() | DEGREES, key="place"),
    capture_time=TIMES,
    detection_time=TIMES,
    bbox=st.none() | st.builds(PixelBounds, DEGREES, DEGREES, DEGREES, DEGREES),
    camera_pose=st.none() | st.builds(CameraPose, heading=st.none() | DEGREES),
    map_url=st.none() | TEXT,
)  # fmt: skip
PARTS = st.builds(AnswerPart, TEXT, TEXT, TEXT) | st.builds(
    EmbeddingPart, TEXT, st.integers(1, 4096)
)
MESSAGES = st.builds(
    Message,
    TEXT,
    TEXT,
    st.lists(OBSERVATIONS, min_size=1, max_size=3).map(tuple),
    st.lists(PARTS, min_size=1, max_size=3).map(tuple),
)


@given(MESSAGES)
def test_what_is_encoded_comes_back(message: Message) -> None:
    assert decode(encode(message)) == message


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_decoder(body: bytes) -> None:
    with pytest.raises(PermanentError) as caught:
        decode(body)
    assert caught.value.reason is Reason.BAD_MESSAGE


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(JSON, JSON, JSON, JSON)
def test_no_json_crashes_the_decoder(
    run: object, subject: object, rows: object, parts: object
) -> None:
    body = {"v": 1, "run_id": run, "subject_id": subject, "observations": rows, "parts": parts}
    with pytest.raises(PermanentError) as caught:
        decode(json.dumps(body).encode())
    assert caught.value.reason is Reason.BAD_MESSAGE


def test_the_body_has_the_form_of_the_contract() -> None:
    moment = datetime(2026, 5, 1, 8, tzinfo=UTC)
    observation = Observation("o", "a", "s", "T", "gs://b/o", 1.0, 2.0, moment)
    message = Message(
        "r", "o", (observation,), (AnswerPart("t", "f", "m"), EmbeddingPart("e", 512))
    )
    assert json.loads(encode(message)) == {
        "v": 1,
        "run_id": "r",
        "subject_id": "o",
        "observations": [
            {
                "observation_id": "o",
                "asset_id": "a",
                "snapshot_id": "s",
                "asset_type": "T",
                "gcs_uri": "gs://b/o",
                "location": {"latitude": 1.0, "longitude": 2.0},
                "capture_time": "2026-05-01T08:00:00Z",
            }
        ],
        "parts": [
            {"task": "t", "fingerprint": "f", "model": "m"},
            {"embed": {"model": "e", "dimension": 512}},
        ],
    }
    assert attributes(message) == {"v": "1", "run_id": "r", "asset_type": "T"}


def test_a_body_over_a_mebibyte_is_refused() -> None:
    with pytest.raises(PermanentError, match="more than"):
        decode(b"x" * (MAX_BODY_BYTES + 1))


@pytest.mark.parametrize(
    "uri", ["", "x", "http://h/o.jpg", "gs://bucket", "gs:///o", "file://", "file:///",
            "gs://[b/o", "gs://B/o",
            "file://host/o"]
)  # fmt: skip
def test_a_uri_that_names_no_image_is_refused(uri: str) -> None:
    with pytest.raises(PermanentError) as caught:
        check_uri(uri)
    assert caught.value.reason is Reason.BAD_URI


@pytest.mark.parametrize(
    "uri", ["gs://b/o.jpg", "gs://b.c-d_e/f/g h.jpg", "file:///o", "file://localhost/a/%FF.jpg"]
)
def test_a_uri_that_names_an_image_is_taken(uri: str) -> None:
    check_uri(uri)
