"""An image as a page shows it: a thumbnail, its score, and facts about it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import unquote

from PIL import Image

from sightline.errors import SightlineError
from sightline.tasks import answer_text
from sightline.vision.images import thumbnail_jpeg

THUMBNAIL = (320, 320)
"""The largest size, in pixels; pages show at least half that width, so that it is sharp."""

ReadImage = Callable[[str], Image.Image]
"""Returns the image behind a URI, upright; raises ``SightlineError``."""


class ImageIdentity(Protocol):
    """Facts about an image that are known without reading it."""

    @property
    def observation_id(self) -> str: ...
    @property
    def asset_type(self) -> str: ...
    @property
    def gcs_uri(self) -> str: ...
    @property
    def latitude(self) -> float | None: ...
    @property
    def longitude(self) -> float | None: ...
    @property
    def capture_time(self) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Fact:
    """A line below an image: a label and its value."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class ImageCard:
    """An image, its score and facts about it.

    ``picture`` is the thumbnail as a ``data:`` URI; ``None`` if the image cannot be read, for the
    reason in ``problem``.
    """

    uri: str
    picture: str | None
    problem: str
    alt: str
    score: float | None
    facts: Sequence[Fact]

    @property
    def is_imagery_insights(self) -> bool:
        """Whether the image is in a bucket from which Google delivers Imagery Insights."""
        return is_imagery_insights(self.uri)


def is_imagery_insights(uri: str) -> bool:
    """Return whether an image is in a bucket from which Google delivers Imagery Insights."""
    return uri.startswith("gs://") and "/v0/" in uri


def hit_card(
    image: ImageIdentity,
    score: float | None,
    answers: Mapping[str, Mapping[str, object]],
    read: ReadImage,
) -> ImageCard:
    """Return a card for a hit of a search, with its answers by task."""
    texts = {task: answer_text(answer) for task, answer in answers.items()}
    facts = [Fact(_plain(task), text or "nothing is known") for task, text in texts.items()]
    return image_card(image, score, facts, read, what="; ".join(filter(None, texts.values())))


def image_card(
    image: ImageIdentity,
    score: float | None,
    facts: Sequence[Fact],
    read: ReadImage,
    *,
    what: str,
) -> ImageCard:
    """Return a card with a thumbnail; ``what`` describes the image in its alternative text."""
    kind = _plain(image.asset_type.removeprefix("ASSET_CLASS_").lower()) or "image"
    picture, problem = None, ""
    try:
        picture = _data_uri(read(image.gcs_uri))
    except SightlineError as error:
        problem = str(error)
    return ImageCard(
        uri=image.gcs_uri,
        picture=picture,
        problem=problem,
        alt=f"{kind}: {what}" if what else kind,
        score=score,
        facts=[*facts, *_identity(image, kind)],
    )


def _identity(image: ImageIdentity, kind: str) -> list[Fact]:
    name = unquote(image.gcs_uri.rsplit("/", 1)[-1])
    facts = [Fact("type", kind), Fact("image", name)]
    if image.observation_id not in name:
        facts.append(Fact("observation", image.observation_id))
    if image.latitude is not None and image.longitude is not None:
        facts.append(Fact("position", f"{image.latitude:.5f}, {image.longitude:.5f}"))
    if image.capture_time is not None:
        facts.append(Fact("captured", f"{image.capture_time:%Y-%m-%d %H:%M %Z}".rstrip()))
    return facts


def _plain(name: str) -> str:
    return name.replace("_", " ")


def _data_uri(picture: Image.Image) -> str:
    content = thumbnail_jpeg(picture, max(THUMBNAIL))
    return f"data:image/jpeg;base64,{base64.b64encode(content).decode()}"
