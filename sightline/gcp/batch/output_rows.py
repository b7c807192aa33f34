"""What a job said: the lines of its output, read and merged. Pure.

Lines come in any order, a part may have several, and the last may be cut off. What tells of no part
is counted, never an error: the part is missing then, and is asked again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from sightline.errors import Reason
from sightline.gcp.batch.requests import key_in
from sightline.gcp.batch.statuses import NOTHING_SAID, judged_status
from sightline.gcp.gemini.outcome import text_of
from sightline.gcp.sql.judging import FOR_NOW, MOST_NUMBER
from sightline.http_client.outcomes import decoded, first, mapping
from sightline.http_client.redaction import one_line
from sightline.redaction import SECRETS

MOST_ROW_BYTES = 8_000_000
"""Of one row of what was said: no answer of a task comes near it."""


@dataclass(frozen=True, slots=True)
class OutputRow:
    """What was said about a part: an answer, a vector, or why there is neither."""

    part_key: str
    status: str = ""
    answer: str | None = None
    response: str | None = None
    vector: tuple[float, ...] = ()

    @property
    def worth(self) -> int:
        """Which of two rows about a part counts: the one that answers, else the one that ends."""
        if not self.status:
            return 2
        return 0 if self.status.startswith(FOR_NOW) else 1

    def as_json(self) -> bytes:
        """Return the row as a line that BigQuery loads; numbers are texts, which lose nothing."""
        return orjson.dumps(
            {
                "part_key": self.part_key,
                "status": SECRETS.hide(self.status),
                "answer": self.answer and SECRETS.hide(self.answer),
                "response": self.response and SECRETS.hide(self.response),
                "vector": [repr(number) for number in self.vector],
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )


@dataclass(slots=True)
class OutputRows:
    """The rows by part; how many lines told of none, and how many told of one again."""

    rows: dict[str, OutputRow] = field(default_factory=dict)
    unreadable: int = 0
    doubled: int = 0


def read_lines(lines: Iterable[bytes], *, model: str) -> OutputRows:
    """Return what lines of output say, each part once."""
    output_rows = OutputRows()
    for line in lines:
        if not line.strip():
            continue
        row = read_line(line, model=model)
        if row is None:
            output_rows.unreadable += 1
            continue
        there = output_rows.rows.get(row.part_key)
        output_rows.doubled += there is not None
        if there is None or row.worth > there.worth:
            output_rows.rows[row.part_key] = row
    return output_rows


def read_line(line: bytes, *, model: str) -> OutputRow | None:
    """Return what a line says, or nothing where it tells of no part."""
    raw = decoded(line)
    part_key = key_in(raw) if isinstance(raw, Mapping) else None
    if part_key is None or not isinstance(raw, Mapping):
        return None
    try:
        row = _row_of(part_key, raw, model=model)
        size = len(row.as_json())
    except orjson.JSONEncodeError as error:
        return _unloadable(part_key, raw, str(error))
    if size > MOST_ROW_BYTES:
        return _unloadable(part_key, raw, f"{size} bytes, more than {MOST_ROW_BYTES}")
    return row


def _row_of(part_key: str, raw: Mapping[str, Any], *, model: str) -> OutputRow:
    status = judged_status(raw.get("status") or raw.get("error"), model=model)
    response = mapping(raw.get("response"))
    if status and not _answers(response):
        return OutputRow(part_key, status)
    if not response:
        return OutputRow(part_key, NOTHING_SAID)
    if "embedding" in response:
        return OutputRow(part_key, vector=_vector(response))
    candidate = first(response.get("candidates"))
    answer = text_of(candidate) if candidate is not None else None
    return OutputRow(part_key, answer=answer, response=orjson.dumps(response).decode())


def _unloadable(part_key: str, raw: Mapping[str, Any], why: str) -> OutputRow:
    """Return why BigQuery would refuse a row, and all others with it; what it cost stays readable.

    A row that is too long, or holds what is no Unicode, fails the whole load job:
    https://cloud.google.com/bigquery/quotas#load_jobs
    """
    usage = mapping(mapping(raw.get("response")).get("usageMetadata"))
    try:
        response = orjson.dumps({"usageMetadata": usage}).decode()
    except orjson.JSONEncodeError:
        response = None
    what = f"{Reason.ANSWER_INVALID}: what was answered cannot be stored: {one_line(why)}"
    return OutputRow(part_key, what, response=response)


def _answers(response: Mapping[str, Any]) -> bool:
    """Return whether there is an answer: it is paid for, so it counts whatever the status says."""
    return first(response.get("candidates")) is not None or bool(_vector(response))


def _vector(response: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the numbers of an embedding; none where one of them is none."""
    values = mapping(response.get("embedding")).get("values")
    if not isinstance(values, list):
        return ()
    numbers = tuple(
        float(value)
        for value in values
        if isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) <= MOST_NUMBER
    )
    return numbers if len(numbers) == len(values) else ()
