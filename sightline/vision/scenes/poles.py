"""Utility poles: wood, concrete or metal, with what hangs from them, upright or leaning."""

import math
from types import MappingProxyType

from numpy.random import Generator
from PIL import Image, ImageDraw

from sightline.vision.scenes.backdrop import paint_street
from sightline.vision.scenes.canvas import (
    FINE,
    FINE_HEIGHT,
    FINE_WIDTH,
    Canvas,
    Colour,
    Point,
    jitter,
    shade,
)
from sightline.vision.scenes.signs import Sprite
from sightline.vision.scenes.truth import Truth

_LAYER_WIDTH = 300
_MID = _LAYER_WIDTH / 2
_COLOURS: MappingProxyType[str, Colour] = MappingProxyType(
    {"wood": (118, 80, 50), "concrete": (190, 184, 172), "metal": (134, 150, 166)}
)
#: Half the pole's width at its top and at its foot, as a share of its height.
_GIRTH = MappingProxyType(
    {"wood": (0.017, 0.023), "concrete": (0.020, 0.042), "metal": (0.009, 0.013)}
)


def paint_pole(canvas: Canvas, truth: Truth, asset_rng: Generator) -> Sprite:
    """Paint the street behind a pole and return the pole itself, ready to be lit and pasted."""
    rng = canvas.rng
    material = str(truth["material"])
    base = paint_street(canvas)
    height = base[1] - float(rng.uniform(22, 70))
    lean = float(asset_rng.uniform(8, 15)) if truth["leaning"] else float(asset_rng.uniform(0, 1.2))
    if asset_rng.random() < 0.5:
        lean = -lean
    side = -1 if asset_rng.random() < 0.5 else 1
    layer = Image.new("RGBA", (_LAYER_WIDTH, FINE_HEIGHT))
    pen = ImageDraw.Draw(layer)
    top = base[1] - height
    colour = jitter(asset_rng, _COLOURS[material], 12)
    tips = _crossarm(pen, material, colour, top, height, asset_rng)
    _shaft(pen, asset_rng, material, colour, top, base[1])
    if truth["has_transformer"]:
        _transformer(pen, asset_rng, top + height * 0.23, height, -side)
    bulb = None
    if truth["has_street_lamp"]:
        bulb = _street_lamp(pen, colour, top + height * 0.17, height, side)
    turned = layer.rotate(-lean, Image.Resampling.BILINEAR, center=(_MID, base[1]))
    corner = (base[0] - _MID, 0.0)
    _wires(canvas, [_turn(tip, base[1], lean, corner) for tip in tips])
    canvas.pen.ellipse((base[0] - 26, base[1] - 5, base[0] + 26, base[1] + 6), fill=(66, 66, 62))
    if bulb is not None and canvas.night:
        canvas.own_lamps.append(_turn(bulb, base[1], lean, corner))
    return Sprite(turned.reduce(FINE), (round(corner[0] / FINE), 0))


def _turn(point: Point, base_y: float, lean: float, corner: Point) -> Point:
    angle = math.radians(lean)
    dx, dy = point[0] - _MID, point[1] - base_y
    return (
        corner[0] + _MID + dx * math.cos(angle) - dy * math.sin(angle),
        base_y + dx * math.sin(angle) + dy * math.cos(angle),
    )


def _shaft(
    pen: ImageDraw.ImageDraw,
    rng: Generator,
    material: str,
    colour: Colour,
    top: float,
    base: float,
) -> None:
    narrow, wide = (share * (base - top) for share in _GIRTH[material])
    pen.polygon(
        [(_MID - narrow, top), (_MID + narrow, top), (_MID + wide, base), (_MID - wide, base)],
        fill=colour,
    )
    pen.polygon(
        [(_MID + narrow * 0.3, top), (_MID + narrow, top), (_MID + wide, base),
         (_MID + wide * 0.3, base)],
        fill=shade(colour, 0.72),
    )  # fmt: skip
    if material == "wood":
        for _ in range(16):
            x, y = float(rng.uniform(-0.8, 0.8)) * narrow, float(rng.uniform(top, base - 40))
            length = float(rng.uniform(24, 90))
            tone = shade(colour, float(rng.choice([0.6, 0.7, 1.25])))
            pen.line((_MID + x, y, _MID + x, min(base, y + length)), fill=tone, width=2)
    elif material == "concrete":
        for step in range(1, 9):
            y = top + (base - top) * step / 9.5
            pen.ellipse((_MID - 4, y - 5, _MID + 4, y + 5), fill=shade(colour, 0.5))
        pen.line((_MID - narrow * 0.7, top, _MID - wide * 0.7, base), (226, 222, 212), width=3)
    else:
        pen.line((_MID - narrow * 0.4, top, _MID - wide * 0.4, base), (226, 236, 244), width=3)
        pen.rectangle((_MID - wide * 1.5, base - 46, _MID + wide * 1.5, base), fill=colour)
        pen.rectangle((_MID - wide * 2.6, base - 7, _MID + wide * 2.6, base), fill=(92, 100, 108))


def _crossarm(
    pen: ImageDraw.ImageDraw,
    material: str,
    colour: Colour,
    top: float,
    height: float,
    rng: Generator,
) -> list[Point]:
    half = height * float(rng.uniform(0.13, 0.19))
    thick = {"wood": 10, "concrete": 12, "metal": 5}[material]
    tips: list[Point] = []
    for row in range(1 if material == "metal" else int(rng.integers(1, 3))):
        y = top + 14 + row * 34
        pen.rectangle((_MID - half, y, _MID + half, y + thick), fill=shade(colour, 0.85))
        for share in (-0.94, -0.5, 0.5, 0.94):
            x = _MID + half * share
            pen.rectangle((x - 4, y - 12, x + 4, y), fill=(212, 220, 224))
            pen.rectangle((x - 6, y - 8, x + 6, y - 5), fill=(96, 108, 118))
            tips.append((x, y - 12))
    return tips


def _transformer(
    pen: ImageDraw.ImageDraw, rng: Generator, y: float, height: float, side: int
) -> None:
    width, tall = height * 0.095, height * 0.165
    colour = jitter(rng, (136, 146, 148), 12)
    left = _MID + 8 if side > 0 else _MID - 8 - width
    pen.line((_MID, y + 18, left + width / 2, y + 18), fill=(70, 72, 74), width=8)
    pen.rounded_rectangle((left, y, left + width, y + tall), 7, fill=colour)
    pen.rectangle((left + width * 0.62, y + 6, left + width, y + tall - 4), shade(colour, 0.74))
    pen.rectangle((left - 3, y, left + width + 3, y + 7), fill=shade(colour, 0.6))
    for rib in (0.45, 0.7):
        pen.line((left, y + tall * rib, left + width, y + tall * rib), shade(colour, 0.6), 2)
    for bushing in (0.25, 0.72):
        x = left + width * bushing
        pen.rectangle((x - 4, y - 18, x + 4, y), fill=(122, 72, 52))
        pen.rectangle((x - 6, y - 12, x + 6, y - 9), fill=(96, 56, 42))


def _street_lamp(
    pen: ImageDraw.ImageDraw, colour: Colour, y: float, height: float, side: int
) -> Point:
    reach = height * 0.24
    tip = (_MID + side * reach, y - height * 0.045)
    bend = (_MID + side * reach * 0.5, y - height * 0.04)
    pen.line([(_MID, y), bend, tip], fill=shade(colour, 0.78), width=7, joint="curve")
    ends = sorted((tip[0] - side * 6, tip[0] + side * 44))
    pen.polygon(
        [(ends[0], tip[1] - 3), (ends[0] + 8, tip[1] - 12), (ends[1] - 8, tip[1] - 12),
         (ends[1], tip[1] - 3), (ends[1] - 6, tip[1] + 6), (ends[0] + 6, tip[1] + 6)],
        fill=(70, 74, 80),
    )  # fmt: skip
    bulb = (tip[0] + side * 20, tip[1] + 8)
    pen.ellipse((bulb[0] - 17, bulb[1] - 5, bulb[0] + 17, bulb[1] + 7), fill=(255, 240, 196))
    return bulb


def _wires(canvas: Canvas, tips: list[Point]) -> None:
    rng, pen = canvas.rng, canvas.pen
    colour = (34, 36, 40)
    for edge in (-10.0, FINE_WIDTH + 10.0):
        offset, sag = float(rng.uniform(-50, 20)), float(rng.uniform(16, 40))
        for tip in tips[:4]:
            end = (edge, tip[1] + offset)
            line = [
                (
                    tip[0] + (end[0] - tip[0]) * t / 10,
                    tip[1] + (end[1] - tip[1]) * t / 10 + sag * (1 - ((t - 5) / 5) ** 2),
                )
                for t in range(11)
            ]
            pen.line(line, fill=colour, width=2)
