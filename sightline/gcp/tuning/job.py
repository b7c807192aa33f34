"""A tuning job, as it is requested and as Vertex AI describes it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sightline.gcp.vertex_location import billing_label

IDENTITY_LABEL = "sightline_tuning"
TASK_LABEL = "sightline_task"
FINGERPRINT_LABEL = "sightline_fingerprint"
_IDENTITY_DIGITS = 40
ADAPTER_SIZES: Mapping[int, str] = {
    1: "ADAPTER_SIZE_ONE", 2: "ADAPTER_SIZE_TWO", 4: "ADAPTER_SIZE_FOUR",
    8: "ADAPTER_SIZE_EIGHT", 16: "ADAPTER_SIZE_SIXTEEN",
}  # fmt: skip
CANCELLING = "CANCELLING"
WAITING = frozenset({"QUEUED", "PENDING", "RUNNING", "PAUSED", "UPDATING", CANCELLING})
SUCCEEDED = frozenset({"SUCCEEDED", "PARTIALLY_SUCCEEDED"})


@dataclass(frozen=True, slots=True)
class TuningRequest:
    """What a job is to do.

    ``identity`` names examples, base model and parameters: two that agree in it would give the same
    model, and be paid for twice. ``None`` leaves a parameter to Google.
    """

    task: str
    fingerprint: str
    identity: str
    base_model: str
    training_uri: str
    validation_uri: str
    epochs: int | None = None
    adapter_size: int | None = None
    learning_rate_multiplier: float | None = None

    @property
    def display_name(self) -> str:
        """What the job and its model are called: at most 128 characters."""
        return f"sightline-{billing_label(self.task)}-{self.identity[:12]}"

    @property
    def labels(self) -> dict[str, str]:
        """The labels by which the job is found again, and its task is known."""
        return {
            IDENTITY_LABEL: self.identity[:_IDENTITY_DIGITS],
            TASK_LABEL: billing_label(self.task),
            FINGERPRINT_LABEL: self.fingerprint[:_IDENTITY_DIGITS],
        }

    def message(self) -> dict[str, Any]:
        """Return the job as the library's message takes it."""
        hyper: dict[str, Any] = {}
        if self.epochs is not None:
            hyper["epoch_count"] = self.epochs
        if self.adapter_size is not None:
            hyper["adapter_size"] = ADAPTER_SIZES[self.adapter_size]
        if self.learning_rate_multiplier is not None:
            hyper["learning_rate_multiplier"] = self.learning_rate_multiplier
        return {
            "base_model": self.base_model,
            "tuned_model_display_name": self.display_name,
            "labels": self.labels,
            "supervised_tuning_spec": {
                "training_dataset_uri": self.training_uri,
                "validation_dataset_uri": self.validation_uri,
                "hyper_parameters": hyper,
                # Each checkpoint is deployed to an endpoint of its own; one is used here.
                "export_last_checkpoint_only": True,
            },
        }


@dataclass(frozen=True, slots=True)
class TuningJob:
    """A job as it is now. ``state`` is Google's, without ``JOB_STATE_``.

    ``endpoint`` is the tuned model, once the job has succeeded; ``error`` says why it has not.
    ``billable_tokens`` is what Google counted, over all epochs, once it has.
    """

    name: str
    display_name: str
    state: str
    base_model: str
    training_uri: str
    validation_uri: str
    epochs: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    error: str = ""
    endpoint: str = ""
    examples: int | None = None
    billable_tokens: int | None = None

    @property
    def number(self) -> str:
        """The last part of the name, by which the job can be named to commands."""
        return self.name.rpartition("/")[2]

    @property
    def task(self) -> str:
        """The task, as its label has it; empty of a job that another program made."""
        return self.labels.get(TASK_LABEL, "")

    @property
    def waits(self) -> bool:
        """Whether the job is still to end."""
        return self.state in WAITING

    @property
    def succeeded(self) -> bool:
        """Whether there is a tuned model."""
        return self.state in SUCCEEDED and bool(self.endpoint)

    @property
    def lacks_model(self) -> bool:
        """Whether the job has done its work, and names no model that came of it."""
        return self.state in SUCCEEDED and not self.endpoint


def job_of(message: Any) -> TuningJob:
    """Return the job that the library's message tells of."""
    spec, stats = message.supervised_tuning_spec, message.tuning_data_stats
    counted = stats.supervised_tuning_data_stats
    return TuningJob(
        name=message.name,
        display_name=message.tuned_model_display_name,
        state=message.state.name.removeprefix("JOB_STATE_"),
        base_model=message.base_model.rpartition("/")[2],
        training_uri=spec.training_dataset_uri,
        validation_uri=spec.validation_dataset_uri,
        epochs=spec.hyper_parameters.epoch_count or None,
        labels=dict(message.labels),
        created_at=message.create_time,
        started_at=message.start_time,
        ended_at=message.end_time,
        error=" ".join(message.error.message.split()) if message.error.code else "",
        endpoint=message.tuned_model.endpoint,
        examples=counted.tuning_dataset_example_count or None,
        billable_tokens=counted.total_billable_token_count or None,
    )
