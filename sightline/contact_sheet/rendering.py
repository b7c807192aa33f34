"""Renders cards as HTML, with templates that escape all text of files, models and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from sightline.contact_sheet.cards import ImageCard


@dataclass(frozen=True, slots=True)
class ContactSheet:
    """A page of images: the query, remarks on the result, and its creation time."""

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
        """Whether an image is from Google, which must be attributed."""
        return any(card.is_imagery_insights for card in self.cards)


def render_sheet(sheet: ContactSheet) -> bytes:
    """Return a complete page, without scripts, external resources or external links."""
    page = _templates().get_template("sheet.html").render(sheet=sheet)
    return page.encode("utf-8", "replace")  # UTF-8 cannot encode a lone surrogate


def render_grid(cards: Sequence[ImageCard], *, more: int = 0) -> str:
    """Return the images for embedding in another page, such as a notebook.

    ``more`` is the number of further images.
    """
    return _templates().get_template("fragment.html").render(cards=cards, more=more)


def card_styles() -> str:
    """Return the CSS of cards, for a page that draws them itself."""
    return _templates().get_template("grid.css").render()


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("sightline.contact_sheet"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
