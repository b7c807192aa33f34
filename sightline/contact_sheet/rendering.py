"""Cards as HTML, by templates that escape whatever comes from a file, a model or a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from sightline.contact_sheet.cards import ImageCard


@dataclass(frozen=True, slots=True)
class ContactSheet:
    """A page of images: what was asked for, remarks about the result, and when it was made."""

    title: str
    remarks: Sequence[str]
    cards: Sequence[ImageCard]
    made_at: datetime

    @property
    def unreadable(self) -> int:
        """How many images cannot be read."""
        return sum(card.picture is None for card in self.cards)

    @property
    def has_imagery_insights(self) -> bool:
        """Whether an image is Google's, which must be named as such."""
        return any(card.is_imagery_insights for card in self.cards)


def render_sheet(sheet: ContactSheet) -> bytes:
    """Return a whole page, which loads nothing, runs nothing and links to nothing outside."""
    page = _templates().get_template("sheet.html").render(sheet=sheet)
    return page.encode("utf-8", "replace")  # a lone surrogate has no form in UTF-8


def render_grid(cards: Sequence[ImageCard], *, more: int = 0) -> str:
    """Return the images for a page of somebody else, such as a notebook.

    ``more`` is how many there are besides.
    """
    return _templates().get_template("fragment.html").render(cards=cards, more=more)


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("sightline.contact_sheet"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
