"""The output of jobs: any bytes are read, each part counts once, and statuses are classified."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import Reason
from sightline.gcp.batch.output_rows import MAX_ROW_BYTES, OutputRow, read_line, read_lines
from sightline.gcp.batch.requests import PART_LABEL, label_of
from sightline.gcp.batch.statuses import NO_RESPONSE, judged_status
from sightline.gcp.sql.judging import RETRYABLE_PREFIX
from sightline.sim.vertex import Fault, errors

MODEL = "gemini-3.5-flash-lite"
KEYS = [hashlib.sha256(bytes([n])).hexdigest() for n in range(4)]


def answered(key: str, text: str = '{"kind":"stop"}', **more: Any) -> bytes:
    """Return a line with an answer."""
    thought = {"text": "hm", "thought": True}
    candidate = {"content": {"parts": [thought, {"text": text}]}, "finishReason": "STOP"}
    response = {"candidates": [candidate], "usageMetadata": {"promptTokenCount": 7}}
    return orjson.dumps({"key": key, "status": "", "response": response, **more})


def refused(key: str, status: str) -> bytes:
    """Return a line with a status."""
    return orjson.dumps({"key": key, "status": status, "response": {}})


def rows(*lines: bytes) -> dict[str, OutputRow]:
    """Return the rows in lines, by part key."""
    return read_lines(lines, model=MODEL).rows


def test_an_answer_is_its_text_without_thoughts() -> None:
    row = rows(answered(KEYS[0]))[KEYS[0]]
    assert (row.status, row.answer) == ("", '{"kind":"stop"}')
    assert orjson.loads(row.response or "")["usageMetadata"] == {"promptTokenCount": 7}


def test_a_line_without_a_key_is_identified_by_its_label() -> None:
    line = orjson.loads(answered(KEYS[0]))
    del line["key"]
    line["request"] = {"labels": {PART_LABEL: label_of(KEYS[0])}, "tools": None}
    assert set(rows(orjson.dumps(line))) == {KEYS[0]}


def test_a_vector_is_its_numbers() -> None:
    line = {"key": KEYS[0], "response": {"tokenCount": "3", "embedding": {"values": [1, -0.25]}}}
    assert rows(orjson.dumps(line))[KEYS[0]].vector == (1.0, -0.25)
    line["response"] = {"embedding": {"values": [1, "2"]}}
    assert rows(orjson.dumps(line))[KEYS[0]] == OutputRow(KEYS[0]), "none, which does not fit"


@pytest.mark.parametrize("status", ["OK", {"code": 0}, "Some Phrase: {}"])
def test_an_answer_counts_whatever_the_status_is(status: object) -> None:
    assert rows(answered(KEYS[0], status=status)) == rows(answered(KEYS[0]))
    vector = {"key": KEYS[0], "response": {"embedding": {"values": [1.5]}}}
    with_status = orjson.dumps({**vector, "status": status})
    assert rows(with_status) == rows(orjson.dumps(vector))


def test_an_empty_response_is_retryable() -> None:
    line = orjson.dumps({"key": KEYS[0], "status": "", "response": {}})
    assert rows(line)[KEYS[0]].status == NO_RESPONSE


@given(st.randoms(use_true_random=False))
def test_a_good_line_wins_in_any_order(dice: random.Random) -> None:
    throttled = refused(KEYS[0], 'Too Many Requests: {"error": {"code": 429}}')
    final = refused(KEYS[0], 'Not Found: {"error": {"code": 404, "message": "No such object"}}')
    lines = [answered(KEYS[0]), throttled, final, throttled]
    dice.shuffle(lines)
    output = read_lines(lines, model=MODEL)
    assert (output.rows[KEYS[0]].status, output.duplicates) == ("", 3)
    without = [line for line in lines if line != answered(KEYS[0])]
    assert rows(*without)[KEYS[0]].status.startswith(Reason.IMAGE_GONE)


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_any_bytes_are_read(lines: list[bytes]) -> None:
    output = read_lines([*lines, answered(KEYS[1]), b"\n"], model=MODEL)
    told_lines = sum(1 for line in lines if line.strip())
    assert len(output.rows) + output.unreadable + output.duplicates == told_lines + 1
    assert KEYS[1] in output.rows


@given(st.integers(min_value=0))
def test_a_line_that_was_cut_off_identifies_no_part(cut: int) -> None:
    whole = answered(KEYS[0])
    half = whole[: cut % len(whole)]
    output = read_lines([half, answered(KEYS[1])], model=MODEL)
    assert set(output.rows) == {KEYS[1]}
    assert output.unreadable == bool(half.strip())


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "code", "message", "status", "response", "candidates", "content",
                 "parts", "text", "embedding", "values", "request", "labels"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@given(status=_JSON, response=_JSON, request=_JSON)
def test_a_line_of_any_shape_is_read(status: object, response: object, request: object) -> None:
    line = {"key": KEYS[0], "status": status, "response": response, "request": request}
    row = read_line(orjson.dumps(line), model=MODEL)
    assert row is not None
    assert orjson.loads(row.as_json())["part_key"] == KEYS[0]
    assert "\n" not in row.status


def status_of(fault: Fault) -> str:
    """Return the status of a line with a fault, as the simulator writes it."""
    reply = errors.fault_reply(fault, resource="projects/p/m", uri="gs://b/x", retry_delay_s=1.0)
    return f"Some Phrase: {orjson.dumps(reply.body()).decode()}"


@pytest.mark.parametrize(
    "fault",
    [Fault.THROTTLED, Fault.INTERNAL, Fault.UNAVAILABLE, Fault.DEADLINE, Fault.CANCELLED],
)
def test_a_transient_fault_is_retryable(fault: Fault) -> None:
    assert judged_status(status_of(fault), model=MODEL).startswith(RETRYABLE_PREFIX)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault.IMAGE_GONE, Reason.IMAGE_GONE),
        (Fault.IMAGE_UNREADABLE, Reason.IMAGE_UNREADABLE),
        (Fault.IMAGE_TOO_LARGE, Reason.IMAGE_TOO_LARGE),
        (Fault.IMAGE_FORBIDDEN, Reason.PERMISSION_DENIED),
        (Fault.INVALID_ARGUMENT, Reason.MODEL_REJECTED_REQUEST),
        (Fault.CALLER_FORBIDDEN, Reason.PERMISSION_DENIED),
        (Fault.UNAUTHENTICATED, Reason.PERMISSION_DENIED),
        (Fault.MODEL_CLOSED, Reason.MODEL_REJECTED_REQUEST),
    ],
)
def test_a_permanent_refusal_has_the_workers_reason(fault: Fault, reason: Reason) -> None:
    assert judged_status(status_of(fault), model=MODEL).startswith(f"{reason}: ")


@pytest.mark.parametrize(
    ("status", "begins"),
    [
        ("RESOURCE_EXHAUSTED: Resource has been exhausted", RETRYABLE_PREFIX),
        ({"code": 8, "message": "Resource exhausted"}, RETRYABLE_PREFIX),
        ({"code": 14}, RETRYABLE_PREFIX),
        ({"status": "UNAVAILABLE"}, RETRYABLE_PREFIX),
        ("503 Service Unavailable", RETRYABLE_PREFIX),
        ("Internal Server Error", RETRYABLE_PREFIX),
        ("Blocked by something new", "Blocked by something new"),
        ('Bad Request: {"error": {"code": 400, "mess', "Bad Request"),
        ({"code": 5, "message": "gs://b/x was not found"}, Reason.IMAGE_GONE),
    ],
)
def test_other_forms_of_a_status(status: object, begins: str) -> None:
    assert judged_status(status, model=MODEL).startswith(begins)


@pytest.mark.parametrize(
    "line",
    [
        answered(KEYS[0], "@").replace(b"@", rb"\ud800"),
        answered(KEYS[0], "x" * (MAX_ROW_BYTES + 1)),
        answered(KEYS[0]).replace(b'"STOP"', rb'"\udfff"'),
    ],
    ids=["invalid Unicode", "too long", "invalid Unicode beside the answer"],
)
def test_a_line_that_would_fail_the_whole_load_is_refused_alone_and_keeps_its_cost(
    line: bytes,
) -> None:
    by_key = rows(line, answered(KEYS[1]))
    assert by_key[KEYS[1]].answer == '{"kind":"stop"}'
    row = by_key[KEYS[0]]
    assert row.status.startswith(f"{Reason.ANSWER_INVALID}: the answer cannot be stored")
    assert len(row.as_json()) < 1000
    assert orjson.loads(row.response or "")["usageMetadata"] == {"promptTokenCount": 7}


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e300", "true", "1" + "0" * 400])
def test_a_vector_with_an_invalid_number_is_discarded(number: str) -> None:
    line = b'{"key":"%s","response":{"embedding":{"values":[%s,1.0]}}}' % (
        KEYS[0].encode(), number.encode(),
    )  # fmt: skip
    assert rows(line)[KEYS[0]].vector == ()
