"""Reads refusals from a response of the Storage Write API: of a request, or of its single rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sightline.http_client.redaction import one_line

_INVALID_ARGUMENT = 3
_SOME_ROW_ERRORS = 3


def refusal(response: Any) -> Exception | None:
    """Return the error in an ``AppendRowsResponse`` as a google-api-core exception, if any."""
    from google.api_core.exceptions import from_grpc_status

    status, row_errors = response.error, response.row_errors
    if not (status.code or row_errors):
        return None
    rows = "; ".join(f"row {row.index}: {row.message}" for row in row_errors[:_SOME_ROW_ERRORS])
    text = ": ".join(part for part in (status.message, rows) if part)
    code, details = _status_code(status.code or _INVALID_ARGUMENT), _details(status.details)
    refused: Exception = from_grpc_status(code, text, details=details)  # type: ignore[no-untyped-call]  # untyped there
    return refused


def rows_to_blame(response: Any, row_count: int) -> dict[int, str]:
    """Return the reasons for which single rows were refused; the service then appended none.

    Empty if the response names rows that were not sent, which means that the cause is another.
    """
    if response.error.code not in (0, _INVALID_ARGUMENT):
        return {}
    named = {int(row.index): one_line(str(row.message)) for row in response.row_errors}
    return named if all(0 <= number < row_count for number in named) else {}


def _status_code(number: int) -> Any:
    import grpc

    codes = {code.value[0]: code for code in grpc.StatusCode}
    return codes.get(number, grpc.StatusCode.UNKNOWN)


def _details(packed: Sequence[Any]) -> list[Any]:
    """Return the details of a status, with any ``RetryInfo`` unpacked."""
    from google.rpc.error_details_pb2 import RetryInfo

    details = []
    for detail in packed:
        retry_info = RetryInfo()
        details.append(retry_info if detail.Unpack(retry_info) else detail)
    return details
