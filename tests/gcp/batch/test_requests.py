"""Requests of batch jobs: the workers' requests, one line a part, with a key that is returned."""

from __future__ import annotations

import hashlib

import orjson
from hypothesis import given
from hypothesis import strategies as st

from sightline.gcp.batch.requests import (
    PART_LABEL,
    AnswerQuestion,
    EmbeddingQuestion,
    key_in,
    label_of,
    request_lines,
)
from sightline.gcp.gemini.question import config_of, content_of, labels_of
from sightline.gcp.image_route import SentImage
from sightline.sim.vertex.requests import read_embed, read_generate
from sightline.tasks import TaskSpec
from tests.gcp.conftest import GEMINI

KEYS = st.binary(min_size=0, max_size=8).map(lambda seed: hashlib.sha256(seed).hexdigest())
KEY = hashlib.sha256(b"a part").hexdigest()
IMAGES = ["gs://images/a.jpg", "gs://images/b.png"]


def test_an_answer_is_requested_as_workers_do(task: TaskSpec) -> None:
    request = AnswerQuestion(task, model=GEMINI, run_id="run-1").request(KEY, IMAGES)
    images = [SentImage("image/jpeg", uri=IMAGES[0]), SentImage("image/png", uri=IMAGES[1])]
    assert request["contents"] == [content_of(task, images)]
    assert request["generationConfig"] == config_of(task, model=GEMINI)
    assert request["labels"].items() >= labels_of(task, run_id="run-1").items()
    generate = read_generate(request)  # follows the reference
    assert [image.uri for image in generate.images] == IMAGES


def test_a_vector_is_requested_as_the_reference_says() -> None:
    request = EmbeddingQuestion(768).request(KEY, IMAGES[:1])
    part = {"fileData": {"fileUri": IMAGES[0], "mimeType": "image/jpeg"}}
    assert request == {
        "content": {"parts": [part]},
        "embed_content_config": {"output_dimensionality": 768},
    }
    assert read_embed(request).dimension == 768


@given(KEYS)
def test_a_key_is_read_from_the_line_or_from_the_label(key: str) -> None:
    label = label_of(key)
    assert len(label) <= 63
    assert label == label.lower()
    assert key_in({"key": key}) == key
    assert key_in({"request": {"labels": {PART_LABEL: label}}}) == key
    assert key_in({"key": "1", "request": {"labels": {PART_LABEL: label}}}) == key


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=70),
        lambda inner: st.dictionaries(
            st.sampled_from(["key", "request", "labels", PART_LABEL, "x"]), inner, max_size=4
        ),
        max_leaves=6,
    )
)
def test_an_invalid_key_is_not_returned(line: object) -> None:
    key = key_in(line) if isinstance(line, dict) else None
    assert key is None or len(key) == 64


def test_a_file_is_no_larger_than_the_limit(task: TaskSpec) -> None:
    question = AnswerQuestion(task, model=GEMINI, run_id="run-1")
    chosen = [(hashlib.sha256(bytes([n])).hexdigest(), IMAGES) for n in range(10)]
    lines = list(request_lines(question, chosen))
    assert [orjson.loads(line)["key"] for line in lines] == [key for key, _ in chosen]
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)
    bound = sum(map(len, lines[:4]))
    assert list(request_lines(question, chosen, max_bytes=bound)) == lines[:4]
