"""Tuning jobs: the request, and the job as Vertex AI describes it. Pure."""

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
ACTIVE = frozenset({"QUEUED", "PENDING", "RUNNING", "PAUSED", "UPDATING", CANCELLING})
SUCCEEDED = frozenset({"SUCCEEDED", "PARTIALLY_SUCCEEDED"})


@dataclass(frozen=True, slots=True)
class TuningRequest:
    """The request for a job.

    ``identity`` is a hash of the examples, the base model and the parameters: two jobs with the
    same identity would create the same model and cost twice. ``None`` leaves a parameter to Google.
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
        """The display name of the job and of its model: at most 128 characters."""
        return f"sightline-{billing_label(self.task)}-{self.identity[:12]}"

    @property
    def labels(self) -> dict[str, str]:
        """The labels that identify the job and its task."""
        return {
            IDENTITY_LABEL: self.identity[:_IDENTITY_DIGITS],
            TASK_LABEL: billing_label(self.task),
            FINGERPRINT_LABEL: self.fingerprint[:_IDENTITY_DIGITS],
        }

    def message(self) -> dict[str, Any]:
        """Return the job in the form of the library's message."""
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
                # Each checkpoint would get its own endpoint; only one is used here.
                "export_last_checkpoint_only": True,
            },
        }


@dataclass(frozen=True, slots=True)
class TuningJob:
    """The state of a job. ``state`` is Google's, without ``JOB_STATE_``.

    ``endpoint`` is the tuned model, if the job has succeeded; ``error`` is the reason if it has
    not. ``billable_tokens`` is Google's count over all epochs, once available.
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
        """The last part of the name, which commands accept for the job."""
        return self.name.rpartition("/")[2]

    @property
    def task(self) -> str:
        """The task in the job's label; empty if another program created the job."""
        return self.labels.get(TASK_LABEL, "")

    @property
    def is_active(self) -> bool:
        """Whether the job has not ended yet."""
        return self.state in ACTIVE

    @property
    def succeeded(self) -> bool:
        """Whether the job has a tuned model."""
        return self.state in SUCCEEDED and bool(self.endpoint)

    @property
    def lacks_model(self) -> bool:
        """Whether the job has succeeded, but names no model."""
        return self.state in SUCCEEDED and not self.endpoint


def job_of(message: Any) -> TuningJob:
    """Return the job in the library's message."""
    spec = message.supervised_tuning_spec
    stats = message.tuning_data_stats.supervised_tuning_data_stats
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
        examples=stats.tuning_dataset_example_count or None,
        billable_tokens=stats.total_billable_token_count or None,
    )
