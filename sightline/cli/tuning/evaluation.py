"""What ``sightline tune evaluate`` does: both models are asked what neither has been taught.

The requests are those of workers, under the limiter and the retries that workers have.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from sightline.cli.tuning.purse import Purse
from sightline.errors import ConfigurationError, NotFoundError, PermanentError, Reason, Scope
from sightline.model import Observation
from sightline.settings import Settings

if TYPE_CHECKING:
    from sightline.analysis.paired import Answer, FieldComparison, Pair
    from sightline.export.tuning_set import HeldOut
    from sightline.gcp.tuning import TuningJob
    from sightline.ports import Classifier
    from sightline.tasks import TaskSpec
    from worker.caller import Caller

OVER_BUDGET = "over_budget"
BASE, TUNED = "base", "tuned"

Update = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Given:
    """What is to be compared: a job's held-out part, as it was when the job was submitted."""

    task: TaskSpec
    rows: Sequence[HeldOut]


@dataclass(slots=True)
class Evaluated:
    """What came of it. ``failed`` are answers of no use, which count as wrong, by model."""

    pairs: list[Pair] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    failed: dict[str, Counter[str]] = field(
        default_factory=lambda: {BASE: Counter(), TUNED: Counter()}
    )
    fields: list[FieldComparison] = field(default_factory=list)
    calls: int = 0
    usd_micros: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {
            "compared": len(self.pairs),
            "left_out": dict(sorted(self.left_out.items())),
            "failed": {side: dict(sorted(count.items())) for side, count in self.failed.items()},
            "fields": [{**asdict(one), "verdict": one.verdict} for one in self.fields],
            "calls": self.calls,
            "cost_usd": self.usd_micros / 1e6,
        }


def read_given(settings: Settings, job: TuningJob) -> Given:
    """Return what was held out of a job, read from beside its examples.

    Raises:
        NotFoundError, ConfigurationError, TransientError: it is not there, or not to be read.
    """
    from sightline.cli.cloud import google_credentials
    from sightline.export.tuning_set import HELD_OUT, TASK, read_held_out
    from sightline.gcp.storage import StoragePlace, bucket_and_name, open_storage
    from sightline.gcp.storage.failures import translated
    from sightline.tasks import parse_task
    from sightline.wiring.places import project

    if not job.succeeded:
        raise ConfigurationError(
            f"tuning job {job.number} is {job.state} and has no model to evaluate; `sightline tune"
            f" status {job.name} --wait` waits for it"
        )
    if not job.task:
        raise ConfigurationError(
            f"tuning job {job.number} was made by another program, which keeps no held-out part as"
            " Sightline does; submit one with `sightline tune submit`"
        )
    place = StoragePlace(project(settings), settings.gcs.endpoint or None)
    folder = job.validation_uri.rpartition("/")[0]
    absent = "`sightline tune submit` puts it there: only its jobs can be evaluated"
    with open_storage(place, google_credentials(settings, settings.gcs.endpoint)) as client:

        def content(name: str) -> bytes:
            uri = f"{folder}/{name}"
            bucket, path = bucket_and_name(uri)
            with translated(uri, absent=absent):
                found: bytes = client.bucket(bucket).blob(path).download_as_bytes(**place.how())
            return found

        text = content(TASK).decode(errors="replace")
        rows = list(read_held_out(content(HELD_OUT), f"{folder}/{HELD_OUT}"))
    if not rows:
        raise ConfigurationError(
            f"{folder}/{HELD_OUT} is empty; put back what `sightline tune submit` wrote, or submit"
            " another job"
        )
    return Given(parse_task(text, f"{folder}/{TASK}").resolve(job.base_model), rows)


def truth_of(given: Given, file: Path | None) -> Mapping[str, Answer]:
    """Return what is held to be right, by observation: the held-out answers, or a truth file.

    Raises:
        NotFoundError, ConfigurationError: the file cannot be read, or knows none of them.
    """
    from sightline.operations.reading.ground_truth import read_truth

    if file is None:
        return {one.observation_id: one.answer for one in given.rows}
    name = given.task.name
    read = read_truth(file, {name: given.task})
    known = {one: values for one, task, values in read if task == name and values}
    if not any(one.observation_id in known for one in given.rows):
        raise NotFoundError(
            f"{file} has the truth of {name} about none of the {len(given.rows):,}"
            " held-out observations; give another, or leave --truth out"
        )
    return known


def purse_of(settings: Settings, job: TuningJob, task: TaskSpec, most_usd: float | None) -> Purse:
    """Return the money of an evaluation, with what a call of each model is estimated to cost.

    Raises:
        ConfigurationError: the base model has no price, or so much money cannot be meant.
    """
    from producer.budget import read_limits
    from sightline.prices import ANSWER_TOKENS, answer_usage, price_of
    from sightline.wiring import utc_now
    from sightline.wiring.places import vertex_place
    from sightline.wiring.tuning import prices_with

    today = utc_now().date()
    place = vertex_place(settings, "classify")
    prices = prices_with(settings, job.base_model, job.endpoint, today)

    def estimate(model: str) -> int:
        usage = answer_usage(
            task,
            price_of(prices, model, today),
            images=1,
            output_tokens=ANSWER_TOKENS,
            location=place.location_of(model),
        )
        return usage.cost_usd_micros

    most = read_limits(most_usd, None).cost_usd_micros
    return Purse(most, {BASE: estimate(job.base_model), TUNED: estimate(job.endpoint)})


async def evaluated(
    settings: Settings,
    job: TuningJob,
    task: TaskSpec,
    rows: Sequence[HeldOut],
    truth: Mapping[str, Answer],
    purse: Purse,
    update: Update,
) -> Evaluated:
    """Ask both models about each of these, and compare what they say with what is true of each.

    Raises:
        ConfigurationError: a model cannot be asked at all.
    """
    from sightline.analysis.paired import compared
    from sightline.wiring.tuning import open_compared

    said: dict[str, dict[str, Said]] = {BASE: {}, TUNED: {}}
    room = asyncio.Semaphore(2 * settings.classify_limit.in_flight)

    async def one(row: HeldOut, asker: _Asker) -> None:
        async with room:
            said[asker.side][row.observation_id] = await asker.ask(row)
        update(sum(map(len, said.values())), 2 * len(rows))

    async with open_compared(settings, job.base_model, job.endpoint) as models:
        askers = [
            _Asker(side, model, _caller(settings), task, purse, f"tune-{job.number}")
            for side, model in zip((BASE, TUNED), models, strict=True)
        ]
        await _all([one(row, asker) for row in rows for asker in askers])
    done = paired(rows, truth, said[BASE], said[TUNED])
    done.fields = compared(task.fields, done.pairs)
    done.calls, done.usd_micros = purse.calls, purse.spent_usd_micros
    return done


def paired(
    rows: Sequence[HeldOut],
    truth: Mapping[str, Answer],
    base: Mapping[str, Said],
    tuned: Mapping[str, Said],
) -> Evaluated:
    """Return what both said about the same images, but those of which one could not be asked."""
    from sightline.analysis.paired import Pair

    done = Evaluated()
    for row in rows:
        both = {BASE: base[row.observation_id], TUNED: tuned[row.observation_id]}
        why = next((one.left_out for one in both.values() if one.left_out), "")
        if why:
            done.left_out[why] += 1
            continue
        for side, one in both.items():
            if one.failed:
                done.failed[side][one.failed] += 1
        done.pairs.append(Pair(truth[row.observation_id], both[BASE].answer, both[TUNED].answer))
    return done


async def _all(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Do all of it at once; what ends one ends all, and is raised as it is."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Said:
    """An answer; or why there is none: the model's own fault, or a reason to leave it out."""

    answer: Answer | None = None
    failed: str = ""
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class _Asker:
    """Asks one model as a worker does."""

    side: str
    model: Classifier
    caller: Caller
    task: TaskSpec
    purse: Purse
    run_id: str

    async def ask(self, row: HeldOut) -> Said:
        from worker.caller import GaveUpError, UnfundedError

        image = Observation(row.observation_id, row.asset_id, "", row.asset_type, row.uri)
        try:
            found = await self.caller.call(
                lambda: self.model.classify(self.task, [image], run_id=self.run_id),
                wanted=lambda: True,
                funds=self.purse.of(self.side),
            )
            return Said(orjson.loads(self.task.validate_answer(found.result.answer)))
        except PermanentError as error:
            if error.reason.scope is Scope.IMAGE:  # it says nothing about a model
                return Said(left_out=error.reason.value)
            return Said(failed=error.reason.value)
        except GaveUpError:
            return Said(left_out=Reason.ATTEMPTS_EXHAUSTED.value)
        except UnfundedError:
            return Said(left_out=OVER_BUDGET)


def _caller(settings: Settings) -> Caller:
    """Return what makes calls as a worker's do: each model has a limiter of its own."""
    from worker.caller import Caller
    from worker.limiting import limiter_of
    from worker.progress import Progress
    from worker.retry import Backoff, RetryBudget, RetryPolicy

    own = settings.worker
    backoff = Backoff(own.backoff_s, own.max_backoff_s)
    return Caller(
        limiter_of(settings.classify_limit),
        RetryPolicy(own.max_attempts, own.max_lease_s, backoff),
        RetryBudget(own.retry_budget),
        Progress(),
        timeout_s=own.call_timeout_s,
        monotonic=time.monotonic,
        random=random.random,
    )
