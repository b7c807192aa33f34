"""The project, location and endpoint of Vertex AI, and the names of images and runs in requests.

A model is named by its Google name or, if tuned, by its endpoint:
``projects/P/locations/L/endpoints/E``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from sightline.errors import ConfigurationError, PermanentError, Reason
from sightline.model import Observation
from sightline.settings.serving import MULTI_REGIONS, why_not_served

_MIME_TYPES = {
    ".png": "image/png", ".webp": "image/webp", ".heic": "image/heic", ".heif": "image/heif",
}  # fmt: skip
JPEG = "image/jpeg"
_TUNED = re.compile(r"projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/endpoints/[^/:]+")


@dataclass(frozen=True, slots=True)
class VertexLocation:
    """A project and a location of Vertex AI; ``base_url`` replaces Google's endpoint."""

    project: str
    location: str
    base_url: str = ""

    @property
    def endpoint(self) -> str:
        """The base URL of the location's API, without a trailing slash."""
        if self.base_url:
            return self.base_url.rstrip("/")
        if self.location == "global":
            return "https://aiplatform.googleapis.com"
        if self.location in MULTI_REGIONS:
            return f"https://aiplatform.{self.location}.rep.googleapis.com"
        return f"https://{self.location}-aiplatform.googleapis.com"

    def method_url(self, model: str, method: str) -> str:
        """Return the URL of a method of a publisher model, or of a tuned model in its location."""
        tuned = tuned_location(model)
        if tuned is not None:
            return f"{replace(self, location=tuned).endpoint}/v1/{model}:{method}"
        return (
            f"{self.endpoint}/v1/projects/{self.project}/locations/{self.location}"
            f"/publishers/google/models/{model}:{method}"
        )

    def location_of(self, model: str) -> str:
        """Return the location of a model; a tuned model has its own, whatever is configured."""
        return tuned_location(model) or self.location

    def check_served(self, model: str) -> None:
        """Check that Google may serve a model here, without sending a request.

        Raises:
            ConfigurationError: it does not, or the name is invalid.
        """
        if "/" in model and tuned_location(model) is None:
            raise ConfigurationError(
                f"{model!r} is not a valid model name; give the name of a Google model, or of a"
                " tuned one, projects/P/locations/L/endpoints/E, as `sightline tune status` shows"
                " it"
            )
        if not (self.project and self.location):
            raise ConfigurationError(
                "a project and a location are required for models on Vertex AI; set both"
            )
        why_not = why_not_served(model, self.location)
        if why_not:
            raise ConfigurationError(why_not)


def tuned_location(model: str) -> str | None:
    """Return the location in the endpoint of a tuned model; ``None`` for any other name."""
    match = _TUNED.fullmatch(model)
    return match["location"] if match else None


def image_uri(observation: Observation) -> str:
    """Return the URI from which a model reads an image.

    Raises:
        PermanentError: ``bad_uri``; only ``gs://`` images can be read by a model.
    """
    uri = observation.gcs_uri
    if not uri.startswith("gs://"):
        raise PermanentError(
            Reason.BAD_URI, f"{uri[:200]!r} is not in a bucket, where the model can read it"
        )
    return uri


def mime_type(uri: str) -> str:
    """Return an image's media type by the suffix of its name; JPEG if that is unknown."""
    return _MIME_TYPES.get(PurePosixPath(uri).suffix.lower(), JPEG)


def billing_label(text: str) -> str:
    """Return a text as the value of a billing label: 63 lower case letters, digits, _ and -."""
    return re.sub(r"[^a-z0-9_-]", "-", text.lower())[:63]
