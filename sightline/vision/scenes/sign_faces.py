"""The faces of ten road signs, and what weather and people do to them."""

import math
from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageChops, ImageDraw

from sightline.vision.scenes.canvas import Colour, font, jitter, mix, mottle, pick

#: Faces are drawn on a square of this many pixels, then scaled.
SIDE = 220
_MID = SIDE / 2
_RED: Colour = (200, 28, 36)
_BLUE: Colour = (24, 84, 172)
_WHITE: Colour = (246, 246, 242)
_BLACK: Colour = (24, 24, 26)
_PAINTS: tuple[Colour, ...] = (
    (232, 30, 140),
    (34, 200, 210),
    (140, 220, 40),
    (250, 140, 20),
    (30, 30, 34),
    (130, 50, 190),
    (240, 220, 40),
)

Pen = ImageDraw.ImageDraw


def _ring(radius: float, sides: int, turn: float) -> list[tuple[float, float]]:
    return [
        (
            _MID + radius * math.cos(turn + 2 * math.pi * corner / sides),
            _MID + radius * math.sin(turn + 2 * math.pi * corner / sides),
        )
        for corner in range(sides)
    ]


def _disc(pen: Pen, radius: float, colour: Colour) -> None:
    pen.ellipse((_MID - radius, _MID - radius, _MID + radius, _MID + radius), fill=colour)


def _stop(pen: Pen, _: Generator) -> None:
    pen.polygon(_ring(108, 8, math.pi / 8), fill=_WHITE)
    pen.polygon(_ring(99, 8, math.pi / 8), fill=_RED)
    pen.text(
        (_MID, _MID), "STOP", _WHITE, font(70), anchor="mm", stroke_width=3, stroke_fill=_WHITE
    )


def _yield(pen: Pen, _: Generator) -> None:
    pen.polygon([(4, 22), (216, 22), (110, 208)], fill=_RED)
    pen.polygon([(48, 48), (172, 48), (110, 156)], fill=_WHITE)


def _speed_limit(pen: Pen, rng: Generator) -> None:
    _disc(pen, 107, _RED)
    _disc(pen, 80, _WHITE)
    figure = str(int(rng.choice([20, 30, 40, 50, 60, 70, 80])))
    pen.text(
        (_MID, _MID), figure, _BLACK, font(94), anchor="mm", stroke_width=3, stroke_fill=_BLACK
    )


def _no_entry(pen: Pen, _: Generator) -> None:
    _disc(pen, 108, _WHITE)
    _disc(pen, 102, _RED)
    pen.rectangle((32, 90, 188, 130), fill=_WHITE)


def _no_parking(pen: Pen, _: Generator) -> None:
    _disc(pen, 107, _RED)
    _disc(pen, 82, _BLUE)
    pen.line((46, 46, 174, 174), fill=_RED, width=25)


def _parking(pen: Pen, _: Generator) -> None:
    pen.rounded_rectangle((8, 8, 212, 212), 20, fill=_WHITE)
    pen.rounded_rectangle((15, 15, 205, 205), 16, fill=_BLUE)
    pen.text((_MID, _MID), "P", _WHITE, font(160), anchor="mm", stroke_width=6, stroke_fill=_WHITE)


def _pedestrian_crossing(pen: Pen, _: Generator) -> None:
    pen.rounded_rectangle((8, 8, 212, 212), 20, fill=_WHITE)
    pen.rounded_rectangle((15, 15, 205, 205), 16, fill=_BLUE)
    pen.polygon([(110, 26), (198, 190), (22, 190)], fill=_WHITE)
    for stripe in range(4):
        left = 44 + stripe * 36
        pen.polygon([(left, 186), (left + 18, 186), (left + 20, 170), (left + 8, 170)], fill=_BLUE)
    pen.ellipse((102, 62, 122, 82), fill=_BLACK)
    pen.line((110, 82, 106, 124), fill=_BLACK, width=14)
    pen.line((106, 120, 86, 164), fill=_BLACK, width=10)
    pen.line((106, 120, 130, 162), fill=_BLACK, width=10)
    pen.line((108, 90, 84, 112), fill=_BLACK, width=8)
    pen.line((108, 90, 132, 114), fill=_BLACK, width=8)


def _warning_curve(pen: Pen, rng: Generator) -> None:
    inner = _WHITE if rng.random() < 0.6 else (250, 206, 40)
    pen.polygon([(110, 10), (218, 200), (2, 200)], fill=_RED)
    pen.polygon([(110, 54), (180, 178), (40, 178)], fill=inner)
    pen.line([(98, 176), (98, 140), (112, 118), (124, 106)], fill=_BLACK, width=15, joint="curve")
    pen.polygon([(108, 92), (138, 88), (138, 122)], fill=_BLACK)


def _one_way(pen: Pen, rng: Generator) -> None:
    pen.rounded_rectangle((2, 62, 218, 158), 10, fill=_WHITE)
    pen.rounded_rectangle((8, 68, 212, 152), 8, fill=_BLUE)
    arrow = [(24, 98), (142, 98), (142, 78), (198, 110), (142, 142), (142, 122), (24, 122)]
    if rng.random() < 0.5:
        arrow = [(SIDE - x, y) for x, y in arrow]
    pen.polygon(arrow, fill=_WHITE)


def _roundabout(pen: Pen, _: Generator) -> None:
    _disc(pen, 108, _WHITE)
    _disc(pen, 102, _BLUE)
    box = (_MID - 60, _MID - 60, _MID + 60, _MID + 60)
    for start in (20, 140, 260):
        pen.arc(box, start, start + 78, fill=_WHITE, width=21)
        tip, along = math.radians(start + 78), math.radians(start + 116)
        pen.polygon(
            [
                (_MID + 32 * math.cos(tip), _MID + 32 * math.sin(tip)),
                (_MID + 76 * math.cos(tip), _MID + 76 * math.sin(tip)),
                (_MID + 53 * math.cos(along), _MID + 53 * math.sin(along)),
            ],
            fill=_WHITE,
        )


FACES: MappingProxyType[str, Callable[[Pen, Generator], None]] = MappingProxyType(
    {
        "stop": _stop,
        "yield": _yield,
        "speed_limit": _speed_limit,
        "no_entry": _no_entry,
        "no_parking": _no_parking,
        "parking": _parking,
        "pedestrian_crossing": _pedestrian_crossing,
        "warning_curve": _warning_curve,
        "one_way": _one_way,
        "roundabout": _roundabout,
    }
)


def draw_face(sign_type: str, condition: str, rng: Generator) -> Image.Image:
    """A sign's face on a transparent square of ``SIDE`` pixels, in the given condition."""
    face = Image.new("RGBA", (SIDE, SIDE))
    FACES[sign_type](ImageDraw.Draw(face), rng)
    if condition == "faded":
        return _fade(face, rng)
    if condition == "graffiti":
        return _spray(face, rng)
    return face


def _fade(face: Image.Image, rng: Generator) -> Image.Image:
    pixels = np.asarray(face, np.float32)
    colour, alpha = pixels[..., :3], pixels[..., 3:]
    grey = colour.mean(axis=2, keepdims=True)
    bleach = np.array(jitter(rng, (222, 212, 192), 10), np.float32)
    wear = 0.50 + 0.11 * mottle(rng, SIDE, SIDE)[..., None] + float(rng.uniform(-0.04, 0.08))
    wear = np.clip(wear, 0.34, 0.72)
    dull = colour * 0.62 + grey * 0.38
    worn = dull + (bleach - dull) * wear
    rust = np.clip(mottle(rng, SIDE, SIDE)[..., None] - 1.25, 0, 0.7)
    worn += (np.array((132, 82, 46), np.float32) - worn) * rust
    return Image.fromarray(np.concatenate([worn, alpha], axis=2).astype(np.uint8))


def _spray(face: Image.Image, rng: Generator) -> Image.Image:
    paint = Image.new("RGBA", (SIDE, SIDE))
    pen = ImageDraw.Draw(paint)
    colours = rng.permutation(len(_PAINTS))
    for stroke in range(int(rng.integers(3, 6))):
        colour = jitter(rng, _PAINTS[int(colours[stroke])], 12)
        _scribble(pen, rng, colour, int(rng.integers(9, 17)))
    if rng.random() < 0.6:
        tag = "".join(rng.choice(list("AEKMNORSTXZ379"), 4))
        colour = pick(rng, _PAINTS)
        pen.text(
            (_MID + float(rng.uniform(-20, 20)), _MID + float(rng.uniform(-30, 40))), tag, colour,
            font(78), anchor="mm", stroke_width=6, stroke_fill=mix(colour, _WHITE, 0.8),
        )  # fmt: skip
    paint = paint.rotate(float(rng.uniform(-25, 25)), Image.Resampling.BILINEAR)
    spill = face.getchannel("A")
    paint.putalpha(ImageChops.multiply(paint.getchannel("A"), spill))
    return Image.alpha_composite(face, paint)


def _scribble(pen: Pen, rng: Generator, colour: Colour, width: int) -> None:
    x, y = float(rng.uniform(30, 70)), float(rng.uniform(60, 160))
    step, swing = float(rng.uniform(9, 17)), float(rng.uniform(26, 60))
    phase, pace = float(rng.uniform(0, 6)), float(rng.uniform(0.6, 1.5))
    drift = float(rng.uniform(-3, 3))
    line = [(x + k * step, y + drift * k + swing * math.sin(phase + pace * k)) for k in range(10)]
    pen.line(line, fill=colour, width=width, joint="curve")
    for end in (line[0], line[-1]):
        pen.ellipse(
            (end[0] - width / 2, end[1] - width / 2, end[0] + width / 2, end[1] + width / 2),
            fill=colour,
        )
