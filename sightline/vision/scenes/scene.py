"""One rendered scene: an asset in a street, with the truth about it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from sightline.vision.scenes.canvas import HEIGHT, WIDTH, Canvas
from sightline.vision.scenes.covers import paint_cover
from sightline.vision.scenes.poles import paint_pole
from sightline.vision.scenes.signs import Sprite, paint_sign
from sightline.vision.scenes.truth import (
    ASSET_TYPES,
    ROAD_SIGN,
    UTILITY_POLE,
    Truth,
    Value,
    draw_truth,
)
from sightline.vision.scenes.weather import photograph


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture (RGB, 320 x 240), the asset type in it, and its attributes by field name.

    ``bounds`` are the asset's left, top, right and bottom edges in the picture, in pixels.
    """

    image: Image.Image
    asset_type: str
    truth: Mapping[str, Value]
    bounds: tuple[int, int, int, int]


def render(asset_type: str, seed: int) -> Scene:
    """Render one scene; the same arguments give the same pixels.

    Raises ``ValueError`` for an asset type that cannot be rendered.
    """
    kind = ASSET_TYPES.index(asset_type) if asset_type in ASSET_TYPES else len(ASSET_TYPES)
    truth = draw_truth(asset_type, np.random.default_rng((kind, seed, 0)))
    return compose(asset_type, truth, asset_seed=(kind, seed, 1), view_seed=(kind, seed, 2))


def compose(
    asset_type: str,
    truth: Truth,
    *,
    asset_seed: int | tuple[int, ...],
    view_seed: int | tuple[int, ...],
) -> Scene:
    """Render a scene with given attributes.

    ``asset_seed`` fixes what belongs to the asset (its paint, its lean), ``view_seed`` what
    belongs to the photograph (street, distance, hour, noise), so that two views of one asset share
    the first and differ in the second.
    """
    canvas = Canvas(
        np.random.default_rng(view_seed),
        night=truth["lighting"] == "night",
        rain=truth["weather"] == "rain",
    )
    asset_rng = np.random.default_rng(asset_seed)
    if asset_type == ROAD_SIGN:
        asset = paint_sign(canvas, truth, asset_rng)
    elif asset_type == UTILITY_POLE:
        asset = paint_pole(canvas, truth, asset_rng)
    else:
        asset = paint_cover(canvas, truth, asset_rng)
    return Scene(photograph(canvas, asset), asset_type, dict(truth), _bounds(asset))


def _bounds(asset: Sprite) -> tuple[int, int, int, int]:
    left, top, right, bottom = asset.image.getchannel("A").getbbox() or (0, 0, 1, 1)
    x, y = asset.corner
    return (
        min(WIDTH, max(0, left + x)),
        min(HEIGHT, max(0, top + y)),
        min(WIDTH, max(0, right + x)),
        min(HEIGHT, max(0, bottom + y)),
    )
