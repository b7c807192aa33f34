"""One part's call to its model: under the limiter, with retries inside the lease."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from sightline.errors import (
    CallError,
    PermanentError,
    Reason,
    ThrottledError,
    TransientError,
)
from sightline.model import Usage
from worker.budgets.funds import Funds
from worker.budgets.run_budgets import OverBudgetError
from worker.calls.meter import CallMeter
from worker.calls.retry import RetryBudget, RetryPolicy
from worker.limiting import Limiter, Outcome, Sample
from worker.progress import Progress

log = logging.getLogger(__name__)


class Billed(Protocol):
    """What a model gave, with what that cost."""

    @property
    def usage(self) -> Usage:
        """What the call used."""
        ...


Result = TypeVar("Result", bound=Billed)
Result_co = TypeVar("Result_co", covariant=True)


class NotWantedError(Exception):
    """The lease is lost, or the run is cancelled: no further call is paid for."""


class UnfundedError(Exception):
    """The run's budget is reached: a call was not made. ``spent`` is what earlier tries cost."""

    def __init__(self, last: OverBudgetError, spent: Usage) -> None:
        super().__init__(str(last))
        self.spent = spent


class GaveUpError(Exception):
    """Transient failures used up the tries of this lease; ``spent`` is what they cost."""

    def __init__(self, last: TransientError, spent: Usage) -> None:
        super().__init__(str(last))
        self.last = last
        self.spent = spent


@dataclass(frozen=True, slots=True)
class Answered(Generic[Result_co]):
    """A call that succeeded. ``spent`` is what failed tries before it cost.

    ``fault`` is what failed after the answer was there: to be raised once the answer is kept, since
    it is paid for.
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
    """Return the error with everything that its part has cost."""
    return PermanentError(
        error.reason,
        error.detail,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd_micros=usage.cost_usd_micros,
    )


class Caller:
    """Calls one model. A throttle waits and is no attempt; a transient failure is retried."""

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
    ) -> None:
        self._limiter = limiter
        self._policy = policy
        self._budget = budget
        self._progress = progress
        self._timeout_s = timeout_s
        self._monotonic = monotonic
        self._random = random
        self._meter = meter

    @property
    def limiter(self) -> Limiter:
        """What its calls wait for."""
        return self._limiter

    async def call(
        self,
        attempt: Callable[[], Awaitable[Result]],
        *,
        wanted: Callable[[], bool],
        funds: Funds,
    ) -> Answered[Result]:
        """Return the answer of ``attempt``, tried as often as the policy allows.

        ``wanted`` is asked when the limiter lets the call through, which may be long after; and
        only then does the call get its money from ``funds``.

        Raises:
            NotWantedError: the call is not wanted any more; it was not made.
            UnfundedError: the run's budget is reached.
            GaveUpError: transient failures went on for too long; the lease is to be given back.
            PermanentError, ConfigurationError: as the model raises them.
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
                log.debug("a call failed, again in %.1f s: %s", pause_s, error)
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
                raise NotWantedError  # noqa: TRY301 - the limiter hears of this end as of others
            await funds.reserve()
            began_s = self._monotonic()
            self._progress.calls += 1
            meter = self._meter  # from here on there is a call to hear of
            result = await self._paid(attempt, funds)
        except BaseException as error:
            latency_s = self._monotonic() - began_s
            outcome, retry_after_s = _how_it_ended(error)
            try:
                if meter is not None:
                    meter.failed(error, latency_s)
            finally:
                self._limiter.release(Sample(outcome, latency_s, retry_after_s))
            raise
        latency_s = self._monotonic() - began_s
        usage = result.usage
        fault = first_fault(
            lambda: funds.charge(usage.cost_usd_micros),
            lambda: self._limiter.release(Sample(Outcome.SUCCEEDED, latency_s)),
            lambda: meter.answered(usage, latency_s) if meter is not None else None,
            self._budget.deposit,
        )
        return Answered(result, latency_s, Usage(), fault)

    async def _paid(self, attempt: Callable[[], Awaitable[Result]], funds: Funds) -> Result:
        """Make one call. What fails is charged here; broken off, it may have been billed.

        Raises:
            PermanentError: ``answer_invalid`` too, where no call can have used what the model
                reports: it is charged as estimated.
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
            detail = f"the model reported what no call can use: {ascii(result.usage)[:200]}"
            raise PermanentError(Reason.ANSWER_INVALID, detail)
        return result


def first_fault(*steps: Callable[[], object]) -> Exception | None:
    """Take every step, whatever becomes of those before it; return what the first that failed says.

    For what is to be done about an answer that is there, and paid for: it is not to be lost.
    """
    fault = None
    for step in steps:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - returned, to be raised once the answer is kept
            fault = fault or error
    return fault


def _settle_usage(error: CallError) -> int | None:
    """Return what a failed call cost; ``None`` of an impossible usage, which becomes none."""
    if Usage(error.input_tokens, error.output_tokens, error.cost_usd_micros).possible:
        return error.cost_usd_micros
    error.input_tokens = error.output_tokens = error.cost_usd_micros = 0
    return None


def _how_it_ended(error: BaseException) -> tuple[Outcome, float | None]:
    """Return what a limiter learns from an error, and for how long it asked to wait.

    A model that will not answer about one subject is well: it did answer.
    """
    if isinstance(error, ThrottledError):
        return Outcome.THROTTLED, error.retry_after_s
    if isinstance(error, PermanentError):
        return Outcome.SUCCEEDED, None
    return (Outcome.FAILED if isinstance(error, CallError) else Outcome.CANCELLED), None
