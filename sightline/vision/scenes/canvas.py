"""The surface that scenes are drawn on, and the colour and noise arithmetic they share."""

from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 320, 240
#: Drawing happens on a surface this many times finer than the picture, for smooth edges.
FINE = 2
FINE_WIDTH, FINE_HEIGHT = WIDTH * FINE, HEIGHT * FINE

Colour = tuple[int, int, int]
Point = tuple[float, float]


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """Blend two colours; ``share`` is the weight of the second, 0 to 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def shade(colour: Colour, factor: float) -> Colour:
    """Scale the brightness of a colour, kept within 0 to 255."""
    red, green, blue = (min(255, max(0, round(c * factor))) for c in colour)
    return red, green, blue


def jitter(rng: Generator, colour: Colour, amount: int = 14) -> Colour:
    """Make a colour lighter or darker by up to ``amount``, and tint it by a third of that."""
    tint = amount // 3
    shifts = rng.integers(-amount, amount + 1) + rng.integers(-tint, tint + 1, 3)
    red, green, blue = (min(255, max(0, c + int(s))) for c, s in zip(colour, shifts, strict=True))
    return red, green, blue


def pick(rng: Generator, colours: tuple[Colour, ...], amount: int = 10) -> Colour:
    """Choose one of several colours and jitter it."""
    return jitter(rng, colours[int(rng.integers(len(colours)))], amount)


@cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's built-in typeface at a size in pixels."""
    return ImageFont.load_default(size)


@cache
def _noise_bank() -> NDArray[np.float32]:
    source = np.random.default_rng(20_240_501)
    return source.standard_normal((HEIGHT * 2, WIDTH * 2, 3), dtype=np.float32)


def noise(rng: Generator) -> NDArray[np.float32]:
    """A (240, 320, 3) window of unit normal noise, cut from a fixed bank (cheaper than drawing)."""
    top, left = int(rng.integers(HEIGHT)), int(rng.integers(WIDTH))
    return _noise_bank()[top : top + HEIGHT, left : left + WIDTH]


@cache
def _mottle_bank() -> NDArray[np.float32]:
    source = np.random.default_rng(20_240_502)
    total = np.zeros((HEIGHT * 2, WIDTH * 2), np.float32)
    for cells in (6, 14, 34):
        coarse = source.standard_normal((cells * 3, cells * 4)).astype(np.float32)
        layer = Image.fromarray(coarse).resize((WIDTH * 2, HEIGHT * 2), Image.Resampling.BICUBIC)
        total += np.asarray(layer, np.float32)
    normal: NDArray[np.float32] = total / np.float32(total.std())
    return normal


def mottle(rng: Generator, width: int = WIDTH, height: int = HEIGHT) -> NDArray[np.float32]:
    """A smooth (height, width) field of unit variance, for stains, wear and uneven ground."""
    top = int(rng.integers(HEIGHT * 2 - height + 1))
    left = int(rng.integers(WIDTH * 2 - width + 1))
    return _mottle_bank()[top : top + height, left : left + width]


@cache
def grid() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Pixel coordinates (x, y), each (240, 320)."""
    ys, xs = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    return xs, ys


def vertical_gradient(top: Colour, bottom: Colour, width: int, height: int) -> Image.Image:
    """An RGB picture that runs from one colour down to another."""
    column = np.linspace(top, bottom, 64).astype(np.uint8).reshape(64, 1, 3)
    return Image.fromarray(column).resize((width, height), Image.Resampling.BILINEAR)


@dataclass(slots=True)
class Canvas:
    """One scene while it is being drawn: its surface, its lights, and what holds for all of it.

    ``lights`` belong to the street and are hidden behind the asset; ``own_lamps`` are places, in
    fine coordinates, where the asset itself shines.
    """

    rng: Generator
    night: bool
    rain: bool
    fine: Image.Image = field(
        default_factory=lambda: Image.new("RGB", (FINE_WIDTH, FINE_HEIGHT), (128, 128, 128))
    )
    lights: Image.Image = field(default_factory=lambda: Image.new("RGB", (WIDTH, HEIGHT)))
    own_lamps: list[Point] = field(default_factory=list)

    @property
    def pen(self) -> ImageDraw.ImageDraw:
        """A pen over the fine surface (640 x 480)."""
        return ImageDraw.Draw(self.fine)

    def light(self, box: tuple[float, float, float, float], colour: Colour) -> None:
        """Add a lit rectangle, in fine coordinates, that stays bright after dark."""
        left, top, right, bottom = (edge / FINE for edge in box)
        if right > left and bottom > top:
            ImageDraw.Draw(self.lights).rectangle((left, top, right, bottom), fill=colour)

    def lamp(self, centre: Point, radius: float, colour: Colour) -> None:
        """Add a round light, in fine coordinates."""
        x, y, r = centre[0] / FINE, centre[1] / FINE, radius / FINE
        ImageDraw.Draw(self.lights).ellipse((x - r, y - r, x + r, y + r), fill=colour)
