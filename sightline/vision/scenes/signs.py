"""Road signs: a face on a post, tilted or upright, with or without a branch across it."""

import math
from dataclasses import dataclass

from numpy.random import Generator
from PIL import Image, ImageDraw

from sightline.vision.scenes.backdrop import leaves, paint_street
from sightline.vision.scenes.canvas import FINE, FINE_HEIGHT, FINE_WIDTH, Canvas
from sightline.vision.scenes.sign_faces import draw_face
from sightline.vision.scenes.truth import Truth


@dataclass(frozen=True, slots=True)
class Sprite:
    """An asset cut out of its street: an RGBA picture and where its corner lies, in pixels."""

    image: Image.Image
    corner: tuple[int, int]


def paint_sign(canvas: Canvas, truth: Truth, asset_rng: Generator) -> Sprite:
    """Paint the street behind a sign and return the sign itself, ready to be lit and pasted."""
    rng = canvas.rng
    face = draw_face(str(truth["sign_type"]), str(truth["condition"]), asset_rng)
    lean = _lean(asset_rng, bool(truth["tilted"]))
    base = paint_street(canvas)
    size = int(rng.uniform(118, 196))
    rise = min(base[1] - size / 2 - 16, size * float(rng.uniform(1.2, 1.7)))
    centre = (base[0] + rise * math.sin(lean), base[1] - rise * math.cos(lean))
    layer = Image.new("RGBA", (FINE_WIDTH, FINE_HEIGHT))
    _post(layer, rng, base, centre, size)
    turned = face.resize((size, size), Image.Resampling.BILINEAR).rotate(
        -math.degrees(lean), Image.Resampling.BILINEAR, expand=True
    )
    corner = (round(centre[0] - turned.width / 2), round(centre[1] - turned.height / 2))
    layer.alpha_composite(turned, (max(0, corner[0]), max(0, corner[1])))
    if truth["occluded"]:
        _branch(layer, asset_rng, centre, size)
    pen = canvas.pen
    pen.ellipse((base[0] - 22, base[1] - 5, base[0] + 22, base[1] + 5), fill=(64, 64, 62))
    return Sprite(layer.reduce(FINE), (0, 0))


def _lean(rng: Generator, tilted: bool) -> float:
    degrees = float(rng.uniform(11, 24)) if tilted else float(rng.uniform(-1.6, 1.6))
    if tilted and rng.random() < 0.5:
        degrees = -degrees
    return math.radians(degrees)


def _post(
    layer: Image.Image,
    rng: Generator,
    base: tuple[float, float],
    centre: tuple[float, float],
    size: int,
) -> None:
    pen = ImageDraw.Draw(layer)
    grey = int(rng.integers(120, 176))
    width = max(7, round(size * 0.055))
    reach = 0.32 * size / max(1.0, math.hypot(centre[0] - base[0], centre[1] - base[1]))
    top = (
        centre[0] + (centre[0] - base[0]) * reach,
        centre[1] + (centre[1] - base[1]) * reach,
    )
    pen.line((*base, *top), fill=(grey - 34, grey - 32, grey - 28, 255), width=width)
    pen.line(
        (base[0] - width * 0.15, base[1], top[0] - width * 0.15, top[1]),
        fill=(grey + 20, grey + 22, grey + 24, 255),
        width=max(2, width // 3),
    )


def _branch(layer: Image.Image, rng: Generator, centre: tuple[float, float], size: int) -> None:
    pen = ImageDraw.Draw(layer)
    side = -1 if rng.random() < 0.5 else 1
    half = size / 2
    start = (centre[0] + side * size * 1.1, centre[1] - size * float(rng.uniform(0.5, 1.0)))
    end = (
        centre[0] - side * half * float(rng.uniform(0.0, 0.5)),
        centre[1] + half * float(rng.uniform(-0.5, 0.5)),
    )
    pen.line((*start, *end), fill=(82, 62, 46, 255), width=5)
    for step in range(4):
        along = 0.36 + 0.2 * step
        x = start[0] + (end[0] - start[0]) * along
        y = start[1] + (end[1] - start[1]) * along
        reach = size * float(rng.uniform(0.16, 0.23))
        leaves(pen, rng, (x - reach, y - reach, x + reach, y + reach), 26, size * 0.075)
