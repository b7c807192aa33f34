"""Images with their scores and answers as HTML: a self-contained page, or a grid."""

from sightline.contact_sheet.cards import (
    Fact,
    ImageCard,
    ReadImage,
    hit_card,
    image_card,
    is_imagery_insights,
)
from sightline.contact_sheet.rendering import (
    ContactSheet,
    card_styles,
    render_grid,
    render_sheet,
)

__all__ = [
    "ContactSheet",
    "Fact",
    "ImageCard",
    "ReadImage",
    "card_styles",
    "hit_card",
    "image_card",
    "is_imagery_insights",
    "render_grid",
    "render_sheet",
]
