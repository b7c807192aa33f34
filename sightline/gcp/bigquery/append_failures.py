"""What the Storage Write API can refuse, in the project's own errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sightline.errors import ConfigurationError, SightlineError, TransientError
from sightline.gcp.credentials import LOG_IN
from sightline.http_client.redaction import one_line

_SETUP = "run `sightline setup`"
_SOME_ROW_ERRORS = 3
_EMULATOR_MISSES = "failed to find stream from"
"""What the emulator says, as an unknown error, where there is no such table."""


@contextmanager
def translated(table: str) -> Iterator[None]:
    """Raise what a call about a table raises as an error of ours.

    Raises:
        TransientError: the service is out of reach, overloaded or over its quota for now.
        ConfigurationError: there is no such table, no permission, no credentials, or the table
            does not take such rows.
    """
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth.exceptions import GoogleAuthError, TransportError

    # Nothing is chained: a call's metadata holds the token.
    try:
        yield
    except GoogleAPICallError as error:
        raise _as_ours(error, table) from None
    except TransportError as error:
        kind = type(error).__name__
        raise TransientError(f"{table}: BigQuery is out of reach ({kind}); try again") from None
    except GoogleAuthError as error:
        raise ConfigurationError(f"{table}: {one_line(str(error))}; {LOG_IN}") from None


def refusal(response: Any) -> Exception | None:
    """Return the error that stands in an ``AppendRowsResponse``, as google-api-core has it."""
    from google.api_core.exceptions import from_grpc_status

    status, row_errors = response.error, response.row_errors
    if not (status.code or row_errors):
        return None
    rows = "; ".join(f"row {one.index}: {one.message}" for one in row_errors[:_SOME_ROW_ERRORS])
    text = ": ".join(part for part in (status.message, rows) if part)
    code, details = _status_code(status.code or _INVALID_ARGUMENT), _details(status.details)
    refused: Exception = from_grpc_status(code, text, details=details)  # type: ignore[no-untyped-call]  # untyped there
    return refused


def rows_to_blame(response: Any, sent: int) -> dict[int, str]:
    """Return why single rows of a request of so many are refused; the service then took none.

    Nothing where it names rows that were not sent: then something else is wrong.
    """
    if response.error.code not in (0, _INVALID_ARGUMENT):
        return {}
    named = {int(one.index): one_line(str(one.message)) for one in response.row_errors}
    return named if all(0 <= number < sent for number in named) else {}


_INVALID_ARGUMENT = 3


def _status_code(number: int) -> Any:
    import grpc

    codes = {one.value[0]: one for one in grpc.StatusCode}
    return codes.get(number, grpc.StatusCode.UNKNOWN)


def _details(packed: Sequence[Any]) -> list[Any]:
    """Return the details of a status; those that say when to come again are unpacked."""
    from google.rpc.error_details_pb2 import RetryInfo

    found = []
    for one in packed:
        known = RetryInfo()
        found.append(known if one.Unpack(known) else one)
    return found


def _as_ours(error: Exception, table: str) -> SightlineError:
    from google.api_core import exceptions as google

    line = one_line(str(getattr(error, "message", error)))
    named = f"{line} ({code})" if (code := _storage_error(error)) else line
    match error:
        case google.NotFound() | google.Unknown() if (
            isinstance(error, google.NotFound) or _EMULATOR_MISSES in line
        ):
            return ConfigurationError(f"there is no table {table} ({named}); {_SETUP}")
        case google.Unauthenticated():
            return ConfigurationError(f"{table}: {named}; {LOG_IN}")
        case google.PermissionDenied():
            return ConfigurationError(
                f"no permission to append to {table}: {named}; grant roles/bigquery.dataEditor"
                " on the dataset"
            )
        case google.Aborted():
            return _transient(error, table, named)
        case google.BadRequest() | google.Conflict() | google.MethodNotImplemented():
            return ConfigurationError(f"{table} does not take these rows: {named}; {_SETUP}")
        case _:
            return _transient(error, table, named)


def _transient(error: Exception, table: str, line: str) -> TransientError:
    return TransientError(
        f"{table}: {type(error).__name__}: {line}; try again in a moment",
        retry_after_s=_retry_after_s(error),
    )


def _storage_error(error: Exception) -> str:
    """Return the name of the Storage API's own code, if the error carries one."""
    from google.cloud.bigquery_storage_v1.types import StorageError

    for detail in getattr(error, "details", None) or ():
        if getattr(detail, "type_url", "").endswith(
            "/google.cloud.bigquery.storage.v1.StorageError"
        ):
            return str(StorageError.deserialize(detail.value).code.name)
    return ""


def _retry_after_s(error: Exception) -> float | None:
    """Return what ``google.rpc.RetryInfo`` asks for, if it is there."""
    for detail in getattr(error, "details", None) or ():
        delay = getattr(detail, "retry_delay", None)
        if delay is not None:
            return float(delay.seconds + delay.nanos / 1e9)
    return None
