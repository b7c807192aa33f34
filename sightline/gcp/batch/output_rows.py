"""Reads and merges the output lines of a job. Pure.

Lines come in any order, a part may have several, and the last line may be cut off. Lines without a
part are counted, and are never an error: their parts are missing, and are asked about again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from sightline.errors import Reason
from sightline.gcp.batch.requests import key_in
from sightline.gcp.batch.statuses import NO_RESPONSE, judged_status
from sightline.gcp.gemini.outcome import text_of
from sightline.gcp.sql.judging import MAX_COMPONENT, RETRYABLE_PREFIX
from sightline.http_client.outcomes import decoded, first, mapping
from sightline.http_client.redaction import one_line
from sightline.redaction import SECRETS

MAX_ROW_BYTES = 8_000_000
"""The largest row to load; the answer to a task is far smaller."""


@dataclass(frozen=True, slots=True)
class OutputRow:
    """The response about a part: an answer, a vector, or a status that explains why not."""

    part_key: str
    status: str = ""
    answer: str | None = None
    response: str | None = None
    vector: tuple[float, ...] = ()

    @property
    def precedence(self) -> int:
        """The row's rank among rows about one part: an answer, then a final status, then others."""
        if not self.status:
            return 2
        return 0 if self.status.startswith(RETRYABLE_PREFIX) else 1

    def as_json(self) -> bytes:
        """Return the row as a line for a load job, with numbers as text to keep them exact."""
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
    """The rows by part key, and the counts of lines without a part and of repeated parts."""

    rows: dict[str, OutputRow] = field(default_factory=dict)
    unreadable: int = 0
    duplicates: int = 0


def read_lines(lines: Iterable[bytes], *, model: str) -> OutputRows:
    """Return the rows in lines of output, one for each part."""
    output_rows = OutputRows()
    for line in lines:
        if not line.strip():
            continue
        row = read_line(line, model=model)
        if row is None:
            output_rows.unreadable += 1
            continue
        earlier = output_rows.rows.get(row.part_key)
        output_rows.duplicates += earlier is not None
        if earlier is None or row.precedence > earlier.precedence:
            output_rows.rows[row.part_key] = row
    return output_rows


def read_line(line: bytes, *, model: str) -> OutputRow | None:
    """Return the row in a line, or None if the line identifies no part."""
    raw = decoded(line)
    part_key = key_in(raw) if isinstance(raw, Mapping) else None
    if part_key is None or not isinstance(raw, Mapping):
        return None
    try:
        row = _row_of(part_key, raw, model=model)
        size = len(row.as_json())
    except orjson.JSONEncodeError as error:
        return _unloadable(part_key, raw, str(error))
    if size > MAX_ROW_BYTES:
        return _unloadable(part_key, raw, f"{size} bytes, more than {MAX_ROW_BYTES}")
    return row


def _row_of(part_key: str, raw: Mapping[str, Any], *, model: str) -> OutputRow:
    status = judged_status(raw.get("status") or raw.get("error"), model=model)
    response = mapping(raw.get("response"))
    if status and not _answers(response):
        return OutputRow(part_key, status)
    if not response:
        return OutputRow(part_key, NO_RESPONSE)
    if "embedding" in response:
        return OutputRow(part_key, vector=_vector(response))
    candidate = first(response.get("candidates"))
    answer = text_of(candidate) if candidate is not None else None
    return OutputRow(part_key, answer=answer, response=orjson.dumps(response).decode())


def _unloadable(part_key: str, raw: Mapping[str, Any], why: str) -> OutputRow:
    """Return a row with a status, for a response that BigQuery cannot load; its usage is kept.

    A row that is too long, or is not valid Unicode, would fail the whole load job:
    https://cloud.google.com/bigquery/quotas#load_jobs
    """
    usage = mapping(mapping(raw.get("response")).get("usageMetadata"))
    try:
        response = orjson.dumps({"usageMetadata": usage}).decode()
    except orjson.JSONEncodeError:
        response = None
    status = f"{Reason.ANSWER_INVALID}: the answer cannot be stored: {one_line(why)}"
    return OutputRow(part_key, status, response=response)


def _answers(response: Mapping[str, Any]) -> bool:
    """Return whether there is an answer; as it is paid for, it counts whatever the status is."""
    return first(response.get("candidates")) is not None or bool(_vector(response))


def _vector(response: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the numbers of an embedding; none if any value is not a valid number."""
    values = mapping(response.get("embedding")).get("values")
    if not isinstance(values, list):
        return ()
    numbers = tuple(
        float(value)
        for value in values
        if isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) <= MAX_COMPONENT
    )
    return numbers if len(numbers) == len(values) else ()
