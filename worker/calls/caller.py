"""One part's call to its model: through the limiter, with retries within the lease."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from sightline.errors import (
    CallError,
    PermanentError,
    Reason,
    ThrottledError,
    TransientError,
    UnreachableError,
)
from sightline.model import Usage
from worker.budgets.funds import Funds
from worker.budgets.run_budgets import OverBudgetError
from worker.calls.meter import CallMeter
from worker.calls.outages import Outages
from worker.calls.retry import RetryBudget, RetryPolicy
from worker.limiting import Limiter, Outcome, Sample
from worker.progress import Progress

log = logging.getLogger(__name__)


class Billed(Protocol):
    """A model's response, and its cost."""

    @property
    def usage(self) -> Usage:
        """The usage of the call."""
        ...


Result = TypeVar("Result", bound=Billed)
Result_co = TypeVar("Result_co", covariant=True)


class NotWantedError(Exception):
    """The lease is lost, or the run is cancelled: no further call is made."""


class UnfundedError(Exception):
    """The run's budget is reached: a call was not made. ``spent`` is the cost of earlier tries."""

    def __init__(self, last: OverBudgetError, spent: Usage) -> None:
        super().__init__(str(last))
        self.spent = spent


class GaveUpError(Exception):
    """Transient failures used up the lease's tries; ``spent`` is their cost."""

    def __init__(self, last: TransientError, spent: Usage) -> None:
        super().__init__(str(last))
        self.last = last
        self.spent = spent


@dataclass(frozen=True, slots=True)
class Answered(Generic[Result_co]):
    """A call that succeeded; ``spent`` is the cost of failed tries before it.

    ``fault`` is an error after the answer arrived, to be raised once the paid answer is stored.
    """

    result: Result_co
    latency_s: float
    spent: Usage
    fault: Exception | None = None


def plus(left: Usage, right: Usage | CallError) -> Usage:
    """Return the sum of two usages."""
    return Usage(
        left.input_tokens + right.input_tokens,
        left.output_tokens + right.output_tokens,
        left.cost_usd_micros + right.cost_usd_micros,
    )


def with_cost(error: PermanentError, usage: Usage) -> PermanentError:
    """Return the error with the total cost of its part."""
    return PermanentError(
        error.reason,
        error.detail,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd_micros=usage.cost_usd_micros,
    )


class Caller:
    """Calls one model: waits on a throttle, which is no attempt, and retries transient failures."""

    def __init__(
        self,
        limiter: Limiter,
        policy: RetryPolicy,
        budget: RetryBudget,
        progress: Progress,
        *,
        timeout_s: float,
        monotonic: Callable[[], float],
        random: Callable[[], float],
        meter: CallMeter | None = None,
        outages: Outages | None = None,
    ) -> None:
        self._limiter = limiter
        self._policy = policy
        self._budget = budget
        self._progress = progress
        self._timeout_s = timeout_s
        self._monotonic = monotonic
        self._random = random
        self._meter = meter
        self._outages = outages
        self._unreached: set[str] = set()
        self._answered_s = -math.inf

    @property
    def limiter(self) -> Limiter:
        """The limiter that calls wait for."""
        return self._limiter

    async def call(
        self,
        attempt: Callable[[], Awaitable[Result]],
        *,
        wanted: Callable[[], bool],
        funds: Funds,
    ) -> Answered[Result]:
        """Return the answer of ``attempt``, retried as the policy allows.

        ``wanted`` is checked when the limiter admits the call, possibly long after the request;
        only then is the call's cost reserved from ``funds``.

        Raises:
            NotWantedError: the call is no longer wanted; it was not made.
            UnfundedError: the run's budget is reached.
            GaveUpError: transient failures persisted; nack the message.
            PermanentError, ConfigurationError: as raised by the model.
        """
        started_s = self._monotonic()
        spent = Usage()
        failures = 0
        while True:
            try:
                answered = await self._once(attempt, wanted, funds)
            except OverBudgetError as error:
                raise UnfundedError(error, spent) from error
            except ThrottledError as error:
                self._progress.throttled += 1
                spent = plus(spent, error)
                continue
            except TransientError as error:
                spent = plus(spent, error)
                failures += 1
                pause_s = self._policy.pause_before_retry_s(
                    error,
                    failures=failures,
                    elapsed_s=self._monotonic() - started_s,
                    budget=self._budget,
                    random=self._random,
                )
                if pause_s is None:
                    raise GaveUpError(error, spent) from error
                self._progress.retries += 1
                log.debug("a call failed, trying again in %.1f s: %s", pause_s, error)
                await asyncio.sleep(pause_s)
                continue
            except PermanentError as error:
                raise with_cost(error, plus(spent, error)) from error
            return replace(answered, spent=spent)

    async def _once(
        self, attempt: Callable[[], Awaitable[Result]], wanted: Callable[[], bool], funds: Funds
    ) -> Answered[Result]:
        await self._limiter.acquire()
        began_s = self._monotonic()
        meter = None
        try:
            if not wanted():
                raise NotWantedError  # noqa: TRY301 - so that the limiter learns of this outcome too
            await funds.reserve()
            began_s = self._monotonic()
            self._progress.calls += 1
            meter = self._meter  # from here on the meters record the outcome
            result = await self._paid(attempt, funds)
        except BaseException as error:
            latency_s = self._monotonic() - began_s
            outcome, retry_after_s = _how_it_ended(error)
            self._note_reached(error, began_s)
            try:
                if meter is not None:
                    meter.failed(error, latency_s)
            finally:
                self._limiter.release(Sample(outcome, latency_s, retry_after_s))
            raise
        latency_s = self._monotonic() - began_s
        self._note_reached(None, began_s)
        usage = result.usage
        fault = first_fault(
            lambda: funds.charge(usage.cost_usd_micros),
            lambda: self._limiter.release(Sample(Outcome.SUCCEEDED, latency_s)),
            lambda: meter.answered(usage, latency_s) if meter is not None else None,
            self._budget.deposit,
        )
        return Answered(result, latency_s, Usage(), fault)

    def _note_reached(self, error: BaseException | None, began_s: float) -> None:
        """Record whether a call that began at this time reached its service."""
        if self._outages is None or not isinstance(error, CallError | None):
            return
        if isinstance(error, UnreachableError):
            self._unreached.add(error.host)
            self._outages.failed(error, since_s=max(began_s, self._answered_s))
            return
        self._answered_s = self._monotonic()
        while self._unreached:
            self._outages.answered(self._unreached.pop())

    async def _paid(self, attempt: Callable[[], Awaitable[Result]], funds: Funds) -> Result:
        """Make one call. A failed call is charged; an interrupted one too, as it may have been
        billed.

        Raises:
            PermanentError: also ``answer_invalid`` if the reported usage is impossible; it is
                charged as estimated.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                result = await attempt()
        except TimeoutError as error:
            funds.charge(None)
            message = f"no answer within {self._timeout_s:g} s; trying again"
            raise TransientError(message) from error
        except CallError as error:
            funds.charge(_settle_usage(error))
            raise
        except BaseException:
            funds.charge(None)
            raise
        if not result.usage.possible:
            funds.charge(None)
            detail = f"the model reported an impossible usage: {ascii(result.usage)[:200]}"
            raise PermanentError(Reason.ANSWER_INVALID, detail)
        return result


def first_fault(*steps: Callable[[], object]) -> Exception | None:
    """Run every step even if an earlier one fails; return the first error.

    For the steps after an answer arrived: it is paid for, and must not be lost.
    """
    fault = None
    for step in steps:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - returned, to be raised once the answer is stored
            fault = fault or error
    return fault


def _settle_usage(error: CallError) -> int | None:
    """Return the cost of a failed call; ``None`` for an impossible usage."""
    if Usage(error.input_tokens, error.output_tokens, error.cost_usd_micros).possible:
        return error.cost_usd_micros
    error.input_tokens = error.output_tokens = error.cost_usd_micros = 0
    return None


def _how_it_ended(error: BaseException) -> tuple[Outcome, float | None]:
    """Return what a limiter learns from an error, and the requested delay in seconds.

    A refusal that concerns only the subject counts as success: the model did answer.
    """
    if isinstance(error, ThrottledError):
        return Outcome.THROTTLED, error.retry_after_s
    if isinstance(error, PermanentError):
        return Outcome.SUCCEEDED, None
    return (Outcome.FAILED if isinstance(error, CallError) else Outcome.CANCELLED), None
