"""Tuning jobs of Gemini on Vertex AI: submitted once, found again, watched, cancelled."""

from sightline.gcp.tuning.client import TuningClient
from sightline.gcp.tuning.job import TuningJob, TuningRequest
from sightline.gcp.tuning.submitting import found_or_submitted, same_job, without_model
from sightline.gcp.tuning.watching import JobWatch, watched

__all__ = [
    "JobWatch",
    "TuningClient",
    "TuningJob",
    "TuningRequest",
    "found_or_submitted",
    "same_job",
    "watched",
    "without_model",
]
