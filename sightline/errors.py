"""The errors of Sightline: one small hierarchy; each message ends with what to do next."""

from __future__ import annotations

from collections.abc import Mapping

from sightline.reasons import Reason as Reason  # noqa: PLC0414 - re-exported for modules that raise errors


class SightlineError(Exception):
    """The base class of all errors. ``str(error)`` is one line that ends with the next step."""

    exit_code = 1


class ConfigurationError(SightlineError):
    """The job cannot be done as configured; a worker stops and says why."""

    exit_code = 2


class NotFoundError(SightlineError):
    """Something named on the command line (a run, a task, a folder) does not exist."""

    exit_code = 2


class BusyError(SightlineError):
    """Another live process holds what this one needs."""

    exit_code = 3


class StorageError(SightlineError):
    """The disk is full, read-only or missing; nothing that was settled is lost."""

    exit_code = 4


class BudgetError(SightlineError):
    """All queued messages belong to runs whose budgets are reached; nothing is lost."""

    exit_code = 5


class UnmatchedError(SightlineError):
    """Observations match no task: nothing is asked about them, and nothing failed."""

    exit_code = 6


class UnreadImportError(SightlineError):
    """Nothing of what was to be imported could be read."""


class InternalError(SightlineError):
    """An unexpected failure, to be reported; messages and budget were returned.

    Its cause is the original error.
    """

    exit_code = 70


class UnwritableRowsError(SightlineError):
    """Some rows can never be written; all others of the same call are durable.

    ``details`` maps a row's position in the call to the reason.
    """

    def __init__(self, details: Mapping[int, str]) -> None:
        first = next(iter(details.values()), "no details")
        super().__init__(
            f"{len(details)} rows cannot be written, the first: {first}; check its values"
        )
        self.details = dict(details)


class CallError(SightlineError):
    """A call to a model failed.

    ``input_tokens``, ``output_tokens`` and ``cost_usd_micros`` are the cost of the failed call, so
    that every paid call is recorded in a ledger.
    """

    def __init__(
        self,
        message: str,
        *,
        input_tokens: int = 0,
        output_tokens: int = 0,
        cost_usd_micros: int = 0,
    ) -> None:
        super().__init__(message)
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens
        self.cost_usd_micros = cost_usd_micros


class ThrottledError(CallError):
    """The model refused because of its quota (a 429): not an attempt, and the lease is kept."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TransientError(CallError):
    """The call may succeed later: it is retried within the lease."""

    def __init__(
        self,
        message: str,
        *,
        retry_after_s: float | None = None,
        input_tokens: int = 0,
        output_tokens: int = 0,
        cost_usd_micros: int = 0,
    ) -> None:
        super().__init__(
            message,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cost_usd_micros=cost_usd_micros,
        )
        self.retry_after_s = retry_after_s


class UnreachableError(TransientError):
    """No connection to a service, or no answer in time: ``host`` is its name, and its port."""

    def __init__(self, message: str, *, host: str) -> None:
        super().__init__(message)
        self.host = host


class PermanentError(CallError):
    """The call cannot succeed for this subject: its part becomes a dead letter with this reason."""

    def __init__(
        self,
        reason: Reason,
        detail: str,
        *,
        input_tokens: int = 0,
        output_tokens: int = 0,
        cost_usd_micros: int = 0,
    ) -> None:
        super().__init__(
            f"{reason.value}: {detail}",
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cost_usd_micros=cost_usd_micros,
        )
        self.reason = reason
        self.detail = detail
