"""Browses a dataset by an image table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NoReturn

from sightline.errors import ConfigurationError
from sightline.gallery_sql import BrowsedImages, ImageTable, Row, Statement
from sightline.model import Filter
from sightline.ports import GalleryState


def _not_yet(*_: object) -> NoReturn:
    raise ConfigurationError(
        "the gallery shows the images of the local engine only; run it with --engine local"
    )


class BigQueryGallery(BrowsedImages[ImageTable]):
    """The images of a dataset."""

    async def state(self) -> GalleryState:
        """Raise ConfigurationError."""
        _not_yet()

    async def table(self) -> ImageTable:
        """Raise ConfigurationError."""
        _not_yet()

    async def ask(self, table: ImageTable, which: Filter, statement: Statement) -> Sequence[Row]:
        """Raise ConfigurationError."""
        _not_yet(table, which, statement)

    async def ask_ledgers(
        self, statements: Sequence[Callable[[Mapping[str, str]], str]]
    ) -> Sequence[Sequence[Row]]:
        """Raise ConfigurationError."""
        _not_yet(statements)
