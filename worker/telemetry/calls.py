"""Every call to one model: how it ended, how long it took, what it used."""

from __future__ import annotations

import asyncio

from sightline.errors import CallError, PermanentError, ThrottledError, TransientError
from sightline.model import Usage
from worker.telemetry.histogram import Histogram

SUCCEEDED = "succeeded"
OTHER = "_OTHER"
"""OpenTelemetry's name for an error without a better one."""

ERRORS = ("throttled", "transient", "timeout", "permanent", "cancelled", OTHER)

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = tuple(4**n for n in range(14))
"""The bounds that OpenTelemetry's conventions for generative AI give the two histograms."""


class CallRecords:
    """A ``CallMeter`` that keeps histograms; a call takes about a microsecond."""

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
        """Count a call that was refused, failed or was broken off, and what it used."""
        self.durations[error_type(error)].record(latency_s)
        if isinstance(error, CallError) and (error.input_tokens or error.output_tokens):
            self._used(error)

    def _used(self, usage: Usage | CallError) -> None:
        if usage.input_tokens:
            self.tokens["input"].record(usage.input_tokens)
        if usage.output_tokens:
            self.tokens["output"].record(usage.output_tokens)


def error_type(error: BaseException) -> str:
    """Return one of ``ERRORS``: how a call failed, as the attribute ``error.type`` says it."""
    if isinstance(error, ThrottledError):
        return "throttled"
    if isinstance(error, TransientError):
        return "timeout" if isinstance(error.__cause__, TimeoutError) else "transient"
    if isinstance(error, PermanentError):
        return "permanent"
    return "cancelled" if isinstance(error, asyncio.CancelledError) else OTHER
