"""Maintenance covers in the ground: their outline, their pattern, and what has happened to them."""

import math

from numpy.random import Generator
from PIL import Image, ImageDraw

from sightline.vision.scenes.backdrop import leaves
from sightline.vision.scenes.canvas import (
    FINE,
    FINE_HEIGHT,
    FINE_WIDTH,
    Canvas,
    Colour,
    font,
    jitter,
    pick,
    shade,
)
from sightline.vision.scenes.signs import Sprite
from sightline.vision.scenes.truth import Truth

_SIDE = 320
_MID = _SIDE / 2
_IRONS: tuple[Colour, ...] = ((86, 82, 80), (104, 96, 88), (74, 78, 84), (116, 92, 74))
Pen = ImageDraw.ImageDraw


def paint_cover(canvas: Canvas, truth: Truth, asset_rng: Generator) -> Sprite:
    """Paint the ground around a cover and return the cover itself, ready to be lit and pasted."""
    rng = canvas.rng
    paint_ground(canvas)
    shape, condition = str(truth["shape"]), str(truth["condition"])
    iron = pick(asset_rng, _IRONS, 8)
    plate = _plate(shape, iron, asset_rng)
    if condition == "cracked":
        _crack(plate, iron, asset_rng)
    layer = Image.new("RGBA", (_SIDE, _SIDE))
    half_x, half_y = _extent(shape)
    hole = condition == "displaced"
    _outline(ImageDraw.Draw(layer), shape, (half_x + 13, half_y + 13), shade(iron, 1.25))
    _outline(ImageDraw.Draw(layer), shape, (half_x + 5, half_y + 5), (9, 9, 11) if hole else
             shade(iron, 0.45))  # fmt: skip
    shift = (0, 0)
    if hole:
        angle = float(asset_rng.uniform(0, 2 * math.pi))
        reach = float(asset_rng.uniform(0.34, 0.52)) * (half_x + half_y) / 2
        shift = (round(reach * math.cos(angle)), round(reach * math.sin(angle)))
        plate = plate.rotate(float(asset_rng.uniform(-24, 24)), Image.Resampling.BILINEAR)
    room = Image.new("RGBA", (_SIDE, _SIDE))
    room.paste(plate, shift)
    layer = Image.alpha_composite(layer, room)
    turn = 180.0 if shape == "round" else 34.0 if shape == "square" else 20.0
    layer = layer.rotate(float(asset_rng.uniform(-turn, turn)), Image.Resampling.BILINEAR)
    return _lay(layer, rng)


def _lay(layer: Image.Image, rng: Generator) -> Sprite:
    """Lay a cover seen from above down on the ground, as a camera sees it from one side."""
    scale = float(rng.uniform(0.95, 1.45))
    squash = float(rng.uniform(0.55, 0.88))
    width, height = round(_SIDE * scale / FINE), round(_SIDE * scale * squash / FINE)
    flat = layer.resize((width, height), Image.Resampling.BOX)
    x = round(float(rng.uniform(0.34, 0.66)) * FINE_WIDTH / FINE - width / 2)
    y = round(float(rng.uniform(0.5, 0.66)) * FINE_HEIGHT / FINE - height / 2)
    return Sprite(flat, (x, y))


def _extent(shape: str) -> tuple[float, float]:
    return {"round": (96.0, 96.0), "square": (86.0, 86.0), "rectangular": (112.0, 54.0)}[shape]


def _outline(pen: Pen, shape: str, half: tuple[float, float], colour: Colour) -> None:
    box = (_MID - half[0], _MID - half[1], _MID + half[0], _MID + half[1])
    if shape == "round":
        pen.ellipse(box, fill=colour)
    else:
        pen.rounded_rectangle(box, 6, fill=colour)


def _plate(shape: str, iron: Colour, rng: Generator) -> Image.Image:
    half = _extent(shape)
    mask = Image.new("L", (_SIDE, _SIDE))
    pen = ImageDraw.Draw(mask)
    box = (_MID - half[0], _MID - half[1], _MID + half[0], _MID + half[1])
    if shape == "round":
        pen.ellipse(box, fill=255)
    else:
        pen.rounded_rectangle(box, 5, fill=255)
    plate = Image.new("RGB", (_SIDE, _SIDE), iron)
    pen = ImageDraw.Draw(plate)
    style = int(rng.integers(4))
    (_studs, _waffle, _rings if shape == "round" else _waffle, _bars)[style](pen, iron, half)
    if rng.random() < 0.6:
        word = str(rng.choice(["WATER", "SEWER", "GAS", "TELECOM", "STORM"]))
        pen.rectangle((_MID - 62, _MID - 17, _MID + 62, _MID + 17), fill=shade(iron, 0.8))
        pen.text((_MID, _MID), word, shade(iron, 1.5), font(26), anchor="mm", stroke_width=1)
    if shape == "round":
        pen.ellipse(box, outline=shade(iron, 1.35), width=6)
    else:
        pen.rounded_rectangle(box, 5, outline=shade(iron, 1.35), width=6)
    for side in (-0.8, 0.8):
        x, y = _MID + half[0] * side, _MID
        pen.ellipse((x - 7, y - 5, x + 7, y + 5), fill=(20, 20, 22))
    plate = plate.convert("RGBA")
    plate.putalpha(mask)
    return plate


def _studs(pen: Pen, iron: Colour, half: tuple[float, float]) -> None:
    for row in range(-7, 8):
        for column in range(-8, 9):
            x, y = _MID + column * 15 + (row % 2) * 7, _MID + row * 15
            if abs(x - _MID) < half[0] and abs(y - _MID) < half[1]:
                pen.rectangle((x - 4, y - 4, x + 4, y + 4), fill=shade(iron, 1.3))
                pen.line((x - 4, y + 5, x + 5, y + 5), fill=shade(iron, 0.6), width=2)


def _waffle(pen: Pen, iron: Colour, half: tuple[float, float]) -> None:
    reach = max(half)
    for step in range(-7, 8):
        at = _MID + step * 17
        pen.line((at, _MID - reach, at, _MID + reach), fill=shade(iron, 1.28), width=5)
        pen.line((_MID - reach, at, _MID + reach, at), fill=shade(iron, 1.28), width=5)


def _rings(pen: Pen, iron: Colour, half: tuple[float, float]) -> None:
    for radius in range(16, int(half[0]), 20):
        box = (_MID - radius, _MID - radius, _MID + radius, _MID + radius)
        pen.ellipse(box, outline=shade(iron, 1.32), width=7)
    for spoke in range(8):
        angle = spoke * math.pi / 4
        pen.line(
            (_MID, _MID, _MID + half[0] * math.cos(angle), _MID + half[0] * math.sin(angle)),
            fill=shade(iron, 0.8), width=3,
        )  # fmt: skip


def _bars(pen: Pen, iron: Colour, half: tuple[float, float]) -> None:
    for row in range(-5, 6):
        y = _MID + row * 19
        pen.rounded_rectangle((_MID - half[0], y, _MID + half[0], y + 9), 4, shade(iron, 1.3))
        pen.line((_MID - half[0], y + 11, _MID + half[0], y + 11), shade(iron, 0.62), 2)


def _crack(plate: Image.Image, iron: Colour, rng: Generator) -> None:
    coverage = plate.getchannel("A")
    pen = ImageDraw.Draw(plate)
    origin = (_MID + float(rng.uniform(-26, 26)), _MID + float(rng.uniform(-18, 18)))
    first = float(rng.uniform(0, 2 * math.pi))
    for arm in range(int(rng.integers(3, 6))):
        heading = first + arm * 2 * math.pi / 4 + float(rng.uniform(-0.4, 0.4))
        line = [origin]
        for _ in range(8):
            heading += float(rng.uniform(-0.55, 0.55))
            x, y = line[-1]
            line.append((x + 19 * math.cos(heading), y + 19 * math.sin(heading)))
        pen.line([(x + 3, y + 3) for x, y in line], fill=shade(iron, 1.75), width=4)
        pen.line(line, fill=(8, 8, 9), width=int(rng.integers(7, 11)), joint="curve")
    x, y = origin
    pen.polygon([(x - 14, y - 8), (x + 10, y - 12), (x + 15, y + 9), (x - 6, y + 13)], (8, 8, 9))
    plate.putalpha(coverage)


def paint_ground(canvas: Canvas) -> None:
    """Paint ground seen from above: asphalt, slabs, cobbles or bricks."""
    rng = canvas.rng
    kind = int(rng.integers(4))
    tones: tuple[Colour, ...] = (
        (112, 112, 114),
        (168, 160, 148),
        (142, 134, 124),
        (164, 112, 92),
    )
    tone = jitter(rng, tones[kind], 12)
    if canvas.rain:
        tone = shade(tone, 0.84)
    canvas.fine.paste(tone, (0, 0, FINE_WIDTH, FINE_HEIGHT))
    if kind == 0:
        _asphalt(canvas, tone)
    else:
        _pavers(canvas, tone, (112.0, 46.0, 34.0)[kind - 1])
    if rng.random() < 0.45:
        _kerb(canvas)
    if rng.random() < 0.5:
        count = int(rng.integers(4, 16))
        leaves(canvas.pen, rng, (0, 60, FINE_WIDTH, FINE_HEIGHT), count, 8)


def _asphalt(canvas: Canvas, tone: Colour) -> None:
    rng, pen = canvas.rng, canvas.pen
    for _ in range(260):
        x, y = float(rng.uniform(0, FINE_WIDTH)), float(rng.uniform(0, FINE_HEIGHT))
        r = float(rng.uniform(1, 3))
        pen.ellipse((x, y, x + r * 1.4, y + r), fill=shade(tone, float(rng.uniform(0.72, 1.24))))
    if rng.random() < 0.5:
        x, slant = float(rng.uniform(-40, 680)), float(rng.uniform(-160, 160))
        pen.polygon([(x, 0), (x + 20, 0), (x + slant + 44, FINE_HEIGHT), (x + slant, FINE_HEIGHT)],
                    fill=(214, 208, 190))  # fmt: skip


def _pavers(canvas: Canvas, tone: Colour, size: float) -> None:
    rng, pen = canvas.rng, canvas.pen
    pen.rectangle((0, 0, FINE_WIDTH, FINE_HEIGHT), fill=shade(tone, 0.72))
    tones = rng.uniform(0.9, 1.1, 64)
    y, row = -float(rng.uniform(0, 20)), 0
    while y < FINE_HEIGHT:
        depth = 0.62 + 0.5 * max(0.0, y) / FINE_HEIGHT
        high, wide = size * depth * 0.62, size * depth
        x = -wide * (0.5 if row % 2 else 0.0) - (depth * 40) % wide
        column = 0
        while x < FINE_WIDTH:
            fill = shade(tone, float(tones[(row * 13 + column * 7) % 64]))
            pen.rectangle((x + 2, y + 2, x + wide - 2, y + high - 2), fill=fill)
            x, column = x + wide, column + 1
        y, row = y + high, row + 1


def _kerb(canvas: Canvas) -> None:
    rng, pen = canvas.rng, canvas.pen
    y, slope = float(rng.uniform(40, 92)), float(rng.uniform(-24, 24))
    grass = pick(rng, ((96, 124, 66), (112, 132, 78), (84, 110, 64)))
    pen.polygon([(0, 0), (FINE_WIDTH, 0), (FINE_WIDTH, y + slope), (0, y)], fill=grass)
    edge = [(0, y), (FINE_WIDTH, y + slope)]
    pen.line(edge, fill=(196, 192, 184), width=18)
    pen.line([(x, at + 11) for x, at in edge], fill=(86, 84, 82), width=5)
