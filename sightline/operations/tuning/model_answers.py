"""Calls one model for images as a worker does, and returns its answers."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

import orjson

from sightline.analysis.paired import Answer
from sightline.errors import PermanentError
from sightline.export.tuning_set import HeldOut
from sightline.model import Observation
from sightline.operations.tuning.evaluation_budget import ModelBudget
from sightline.ports import Classifier
from sightline.reasons import Reason, Scope
from sightline.settings import Settings
from sightline.tasks import TaskSpec
from worker.calls.caller import Caller, GaveUpError, UnfundedError
from worker.calls.retry import Backoff, RetryBudget, RetryPolicy
from worker.limiting import limiter_of
from worker.progress import Progress

OVER_BUDGET = "over_budget"


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """An answer, or why there is none: ``failed`` is the model's own fault.

    ``left_out`` is a reason that says nothing about the model.
    """

    answer: Answer | None = None
    failed: str = ""
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class AskedModel:
    """A model with everything needed to call it."""

    model: Classifier
    caller: Caller
    task: TaskSpec
    budget: ModelBudget
    run_id: str

    async def ask(self, row: HeldOut) -> ModelAnswer:
        """Return the model's answer about a held-out image.

        Raises:
            ConfigurationError: it cannot be called at all.
        """
        image = Observation(row.observation_id, row.asset_id, "", row.asset_type, row.uri)
        try:
            answered = await self.caller.call(
                lambda: self.model.classify(self.task, [image], run_id=self.run_id),
                wanted=lambda: True,
                funds=self.budget,
            )
            return ModelAnswer(orjson.loads(self.task.validate_answer(answered.result.answer)))
        except PermanentError as error:
            if error.reason.scope is Scope.IMAGE:
                return ModelAnswer(left_out=error.reason.value)
            return ModelAnswer(failed=error.reason.value)
        except GaveUpError:
            return ModelAnswer(left_out=Reason.ATTEMPTS_EXHAUSTED.value)
        except UnfundedError:
            return ModelAnswer(left_out=OVER_BUDGET)


def worker_caller(settings: Settings) -> Caller:
    """Return a caller that works as a worker's does: each model has its own limiter."""
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
