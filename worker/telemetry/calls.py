"""Metrics of the calls to one model: outcome, latency, usage."""

from __future__ import annotations

import asyncio

from sightline.errors import CallError, PermanentError, ThrottledError, TransientError
from sightline.model import Usage
from worker.telemetry.histogram import Histogram

SUCCEEDED = "succeeded"
OTHER = "_OTHER"
"""OpenTelemetry's value for an error without a more specific one."""

ERRORS = ("throttled", "transient", "timeout", "permanent", "cancelled", OTHER)

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = tuple(4**n for n in range(14))
"""The bucket bounds in OpenTelemetry's conventions for generative AI."""


class CallRecords:
    """A ``CallMeter`` that keeps histograms; recording a call takes about a microsecond."""

    def __init__(self) -> None:
        self.durations = {outcome: Histogram(SECONDS) for outcome in (SUCCEEDED, *ERRORS)}
        self.tokens = {"input": Histogram(TOKENS), "output": Histogram(TOKENS)}
        self._answered = self.durations[SUCCEEDED].record

    def answered(self, usage: Usage, latency_s: float) -> None:
        """Count an answer."""
        self._answered(latency_s)
        if usage.input_tokens or usage.output_tokens:
            self._used(usage)

    def failed(self, error: BaseException, latency_s: float) -> None:
        """Count a call that was refused, failed or interrupted, and its usage."""
        self.durations[error_type(error)].record(latency_s)
        if isinstance(error, CallError) and (error.input_tokens or error.output_tokens):
            self._used(error)

    def _used(self, usage: Usage | CallError) -> None:
        if usage.input_tokens:
            self.tokens["input"].record(usage.input_tokens)
        if usage.output_tokens:
            self.tokens["output"].record(usage.output_tokens)


def error_type(error: BaseException) -> str:
    """Return one of ``ERRORS``: the value of the attribute ``error.type`` for this error."""
    if isinstance(error, ThrottledError):
        return "throttled"
    if isinstance(error, TransientError):
        return "timeout" if isinstance(error.__cause__, TimeoutError) else "transient"
    if isinstance(error, PermanentError):
        return "permanent"
    return "cancelled" if isinstance(error, asyncio.CancelledError) else OTHER
