"""The image of a search: a file of this machine, as the user names it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import ConfigurationError, NotFoundError, PermanentError
from sightline.given_files import obstacle
from sightline.model import Observation

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_FILE = "a JPEG, PNG or WebP file"
_URI = re.compile(r"\b(gs|https?):/(?=[^/])")
"""A URI of an image elsewhere, after a path has dropped one slash of two."""
_ELSEWHERE = "give a file, or `sightline similar ID` with the id of an imported image"
_FILE_OR_ID = "an image file, or an observation's id"


@dataclass(frozen=True, slots=True)
class ImageQuery:
    """An image file to search for; ``named`` is its name in an error."""

    path: Path
    named: str

    @property
    def uri(self) -> str:
        """The URI of the file, as imported."""
        return self.path.absolute().as_uri()

    def as_observation(self) -> Observation:
        """Return an observation of the image, for an embedder."""
        return Observation("query", "query", "query", "", self.uri)

    def refusal(self, error: PermanentError) -> ConfigurationError:
        """Return the error for a file that is not a usable image."""
        what = error.detail.removeprefix(self.uri).removeprefix(":").lstrip()
        return ConfigurationError(f"{self.named}: {what}; give {_FILE}")


def image_query(path: Path, named: str, *, give: str = _FILE) -> ImageQuery:
    """Return the query for an image file; ``give`` is what an error proposes.

    Raises:
        NotFoundError: the file is missing, is not a regular file, or may not be read; or it is a
            URI, such as that of an image in a bucket.
    """
    if _URI.match(str(path)):
        shown = _URI.sub(r"\1://", named)
        raise NotFoundError(f"{shown}: not a file of this machine; {_ELSEWHERE}")
    if what := obstacle(path):
        raise NotFoundError(f"{named}: {what}; give {give}")
    return ImageQuery(path, named)


def image_or_observation(what: str) -> ImageQuery | None:
    """Return the query for the image file of this name; ``None`` for an observation's ID.

    Raises:
        NotFoundError: it is the name of a file that is missing or cannot be read.
    """
    path = Path(what)
    if path.suffix.lower() in IMAGE_SUFFIXES or "/" in what or path.is_file():
        return image_query(path, what, give=_FILE_OR_ID)
    return None


def no_observation(what: str) -> NotFoundError | None:
    """Return the error for a name that is no observation's but, say, a folder's."""
    path = Path(what)
    if not path.exists():
        return None
    return NotFoundError(f"{what}: {obstacle(path)}; give {_FILE_OR_ID}")
