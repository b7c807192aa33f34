"""How an image is sent to a model: as its ``gs://`` URI, or as content inside the request."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from sightline.errors import PermanentError, Reason
from sightline.gcp.vertex_location import image_uri, mime_type
from sightline.http_client.media_types import media_type_of
from sightline.model import Observation

ImageReader = Callable[[Observation], Awaitable[bytes]]
"""Returns an image file's content; raises ``PermanentError`` and ``TransientError``."""


@dataclass(frozen=True, slots=True)
class SentImage:
    """An image in a request: a URI, or Base64 if it has none."""

    media_type: str
    uri: str = ""
    base64: str = ""

    @property
    def part(self) -> dict[str, Any]:
        """The image as a part of the request's content."""
        if self.uri:
            return {"fileData": {"fileUri": self.uri, "mimeType": self.media_type}}
        return {"inlineData": {"mimeType": self.media_type, "data": self.base64}}


class ImageRoute(Protocol):
    """Prepares images for requests."""

    async def image(self, observation: Observation) -> SentImage:
        """Return an observation's image for a request.

        Raises:
            PermanentError, TransientError: the image cannot be sent.
        """
        ...


class ByReference:
    """Sends the URI; the model reads the image from its bucket."""

    async def image(self, observation: Observation) -> SentImage:
        """Return the URI.

        Raises:
            PermanentError: ``bad_uri``; the image is not in a bucket.
        """
        uri = image_uri(observation)
        return SentImage(mime_type(uri), uri=uri)


@dataclass(frozen=True, slots=True)
class Inline:
    """Sends the image's content inside the request; ``most_bytes`` limits the content."""

    read: ImageReader
    most_bytes: int

    async def image(self, observation: Observation) -> SentImage:
        """Return the content.

        Raises:
            PermanentError: ``bad_uri`` for an image in a bucket, ``image_too_large``,
                ``image_unreadable`` if the content is not an image, and those of the reader.
            TransientError: from the reader.
        """
        if observation.gcs_uri.startswith("gs://"):
            raise PermanentError(
                Reason.BAD_URI,
                f"{observation.gcs_uri[:200]!r} is in a bucket, and models called with an API key"
                " do not read buckets; use Vertex AI (adapters.classify = 'vertex'), or import the"
                " images as files",
            )
        content = await self.read(observation)
        if len(content) > self.most_bytes:
            raise too_large(len(content), self.most_bytes)
        media_type = media_type_of(content, observation.gcs_uri)
        return SentImage(media_type, base64=base64.b64encode(content).decode("ascii"))


@dataclass(frozen=True, slots=True)
class ByReferenceOrInline:
    """Sends the URI of an image in a bucket, and the content of a file."""

    inline: Inline

    async def image(self, observation: Observation) -> SentImage:
        """Return the URI or the content; raises as ``Inline`` does."""
        if observation.gcs_uri.startswith("gs://"):
            return await ByReference().image(observation)
        return await self.inline.image(observation)


def too_large(size: int, most: int) -> PermanentError:
    """Return the error for a request that is larger than a service accepts."""
    return PermanentError(
        Reason.IMAGE_TOO_LARGE,
        f"{size:,} bytes, more than the {most:,} that a request may have; store it smaller",
    )
