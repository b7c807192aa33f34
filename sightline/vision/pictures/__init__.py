"""Film posters, paintings and portraits, rendered from a seed: pictures that are no streets."""

from sightline.vision.pictures.collection import (
    KINDS,
    PORTRAITS_A_PERSON,
    Pictures,
    render_pictures,
)

__all__ = ["KINDS", "PORTRAITS_A_PERSON", "Pictures", "render_pictures"]
