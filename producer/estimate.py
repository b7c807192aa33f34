"""Estimates the cost and duration of a run before anything is spent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from sightline.model import AnswerPart, PartRequest, Preview, RunRequest, Usage
from sightline.ports import Budgets, CallHistory, ObservationSource
from sightline.prices import ANSWER_TOKENS, Price, answer_usage, embedding_usage
from sightline.tasks import TaskSpec

MOST_OBSERVATIONS = 16
"""The most images of one asset in one message."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Today's prices of the models, and their locations."""

    price_of: Callable[[str], Price | None]
    answers_at: str
    embeddings_at: str
    today: date


@dataclass(frozen=True, slots=True)
class Rates:
    """Calls per second to each model, over all workers; ``None`` if unknown."""

    answers_per_s: float | None
    embeddings_per_s: float | None


@dataclass(frozen=True, slots=True)
class Line:
    """One task's answers, or the embeddings. ``history_calls`` is 0 if the output is assumed."""

    what: str
    model: str
    calls: int
    images_a_call: float
    usage_a_call: Usage
    history_calls: int
    price_since: date | None
    price_is_old: bool
    rate_per_s: float | None

    @property
    def cost_usd_micros(self) -> int:
        """The cost of all calls."""
        return self.calls * self.usage_a_call.cost_usd_micros

    @property
    def hours(self) -> float | None:
        """How long the calls take at the stated rate, in hours; ``None`` without a rate."""
        if self.calls == 0:
            return 0.0
        return self.calls / self.rate_per_s / 3600 if self.rate_per_s else None


@dataclass(frozen=True, slots=True)
class Estimate:
    """The contents and cost of a run. ``shared_out`` if a limit made the lines approximate."""

    preview: Preview
    lines: tuple[Line, ...]
    shared_out: bool

    @property
    def cost_usd_micros(self) -> int:
        """The cost of all lines."""
        return sum(line.cost_usd_micros for line in self.lines)

    @property
    def hours(self) -> float | None:
        """The hours of the longest line, since the models are called concurrently."""
        known = [line.hours for line in self.lines if line.hours is not None]
        return max(known, default=0.0) if len(known) == len(self.lines) else None


async def estimate(
    source: ObservationSource,
    budgets: Budgets,
    request: RunRequest,
    tasks: Sequence[TaskSpec],
    prices: Prices,
    rates: Rates,
) -> Estimate:
    """Return the cost of a run of this request; nothing is written.

    A limit applies to the subjects of all parts together, but each part is counted alone. The lines
    then divide the run's total in the proportions that the parts have without the limit.
    """
    whole = await source.preview(request)
    unlimited = replace(request.filter, limit=None)
    alone = [
        await source.preview(RunRequest(unlimited, (part_request,), request.command))
        for part_request in request.parts
    ]
    listed = sum(preview.to_publish for preview in alone)
    scale = whole.to_publish / listed if listed else 0.0
    by_fingerprint = {task.fingerprint: task for task in tasks}
    lines = [
        _line(
            part_request,
            by_fingerprint,
            round(preview.to_publish * scale),
            _images_a_call(part_request, preview),
            await budgets.history(part_request.part),
            prices,
            rates,
        )
        for part_request, preview in zip(request.parts, alone, strict=True)
    ]
    return Estimate(whole, tuple(lines), shared_out=request.filter.limit is not None)


def _images_a_call(part_request: PartRequest, preview: Preview) -> float:
    if not part_request.by_asset or not preview.matched:
        return 1.0
    images = sum(
        count
        for asset_type, count in preview.by_asset_type
        if not part_request.asset_types or asset_type in part_request.asset_types
    )
    return min(MOST_OBSERVATIONS, max(1.0, images / preview.matched))


def _line(
    part_request: PartRequest,
    tasks: Mapping[str, TaskSpec],
    calls: int,
    images: float,
    history: CallHistory,
    prices: Prices,
    rates: Rates,
) -> Line:
    part = part_request.part
    price = prices.price_of(part.model)
    if isinstance(part, AnswerPart):
        usage = answer_usage(
            tasks[part.fingerprint],
            price,
            images=images,
            output_tokens=history.output_tokens or ANSWER_TOKENS,
            location=prices.answers_at,
        )
        what, rate = part.task, rates.answers_per_s
    else:
        usage = embedding_usage(price, location=prices.embeddings_at)
        what, rate = "embedding", rates.embeddings_per_s
    return Line(
        what=what,
        model=part.model,
        calls=calls,
        images_a_call=images,
        usage_a_call=usage,
        history_calls=history.calls if history.output_tokens else 0,
        price_since=price.since if price else None,
        price_is_old=price.is_old(prices.today) if price else False,
        rate_per_s=rate,
    )
