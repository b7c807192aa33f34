"""Tuning jobs of Gemini on Vertex AI: submitted once, found again, watched, cancelled."""

from sightline.gcp.tuning.client import TuningClient
from sightline.gcp.tuning.job import TuningJob, TuningRequest
from sightline.gcp.tuning.submission import find_or_submit, no_model_error, same_job
from sightline.gcp.tuning.watch import JobWatch, wait_until_ended

__all__ = [
    "JobWatch",
    "TuningClient",
    "TuningJob",
    "TuningRequest",
    "find_or_submit",
    "no_model_error",
    "same_job",
    "wait_until_ended",
]
