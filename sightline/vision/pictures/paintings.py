"""Paintings: simple scenes by day and by night, in several hands."""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw

from sightline.vision.pictures.portraits import Person, render_portrait
from sightline.vision.scenes.canvas import Colour, jitter, pick, shade, vertical_gradient

WIDTH, HEIGHT = 320, 240

_BRIGHT: tuple[Colour, ...] = (
    (196, 44, 40), (232, 180, 40), (40, 90, 170), (60, 140, 80), (240, 236, 220), (110, 60, 130),
    (230, 120, 40),
)  # fmt: skip
_FRUIT: tuple[Colour, ...] = ((200, 40, 36), (230, 150, 30), (220, 200, 60), (110, 160, 50))
_DARK: Colour = (18, 22, 44)


def render_painting(rng: Generator) -> tuple[Image.Image, dict[str, object]]:
    """Render a painting (RGB, 320 x 240), and say what it shows in the task's own fields."""
    subject, paint = list(_SUBJECTS.items())[int(rng.integers(len(_SUBJECTS)))]
    night = bool(rng.random() < 0.5)
    picture, shows = paint(rng, night)
    hand = list(_HANDS)[int(rng.integers(len(_HANDS)))]
    kind, _, _ = subject.partition(": ")
    truth: dict[str, object] = {"subject": kind, "shows": shows, "damaged": False}
    return _HANDS[hand](picture, rng), truth


def _sky(night: bool, rng: Generator) -> Image.Image:
    top, bottom = (
        ((10, 14, 38), (34, 44, 84)) if night else ((96, 150, 214), (214, 226, 232))
    )  # fmt: skip
    picture = vertical_gradient(jitter(rng, top), jitter(rng, bottom), WIDTH, HEIGHT)
    x, y = int(rng.integers(40, 280)), int(rng.integers(20, 70))
    light = (236, 234, 206) if night else (252, 226, 120)
    ImageDraw.Draw(picture).ellipse((x - 14, y - 14, x + 14, y + 14), fill=light)
    return picture


def _hour(night: bool) -> str:
    return "at night" if night else "by day"


def _under(night: bool, colour: Colour) -> Colour:
    return shade(colour, 0.35) if night else colour


def _sea(rng: Generator, night: bool) -> tuple[Image.Image, str]:
    picture, stormy = _sky(night, rng), bool(rng.random() < 0.5)
    pen, horizon = ImageDraw.Draw(picture), int(rng.integers(100, 140))
    water = _under(night, jitter(rng, (40, 96, 130)))
    pen.rectangle((0, horizon, WIDTH, HEIGHT), fill=water)
    for _ in range(90 if stormy else 25):
        x, y = int(rng.integers(-20, WIDTH)), int(rng.integers(horizon, HEIGHT))
        wide = int(rng.integers(20, 60))
        high = int(rng.integers(8, 22)) if stormy else 3
        pen.arc((x, y, x + wide, y + high), 180, 360, shade(water, 1.6), 3)
    x, y, size = int(rng.integers(70, 250)), horizon + 14, int(rng.integers(18, 34))
    pen.polygon([(x - size, y), (x + size, y), (x + size // 2, y + 12), (x - size // 2, y + 12)],
                fill=_under(night, (112, 62, 34)))  # fmt: skip
    pen.polygon([(x, y - 2), (x, y - 2 * size), (x + size, y - 6)],
                fill=_under(night, (240, 236, 224)))  # fmt: skip
    return picture, f"a {'stormy' if stormy else 'calm'} sea with a small boat {_hour(night)}"


def _mountains(rng: Generator, night: bool) -> tuple[Image.Image, str]:
    picture = _sky(night, rng)
    pen = ImageDraw.Draw(picture)
    for row in range(3):
        colour = _under(night, shade(jitter(rng, (120, 128, 146)), 1 - 0.18 * row))
        for _ in range(3):
            x, top = int(rng.integers(0, WIDTH)), int(rng.integers(50, 110)) + 30 * row
            pen.polygon([(x - 110, HEIGHT), (x, top), (x + 110, HEIGHT)], fill=colour)
            pen.polygon([(x - 14, top + 30), (x, top), (x + 14, top + 30)],
                        fill=_under(night, (244, 246, 250)))  # fmt: skip
    pen.rectangle((0, 196, WIDTH, HEIGHT), fill=_under(night, jitter(rng, (84, 132, 66))))
    return picture, f"snowy mountains above a meadow {_hour(night)}"


def _fruit(rng: Generator, night: bool) -> tuple[Image.Image, str]:
    wall = jitter(rng, (74, 54, 44) if night else (182, 162, 130), 30)
    picture = vertical_gradient(shade(wall, 0.8), wall, WIDTH, HEIGHT)
    pen, count = ImageDraw.Draw(picture), int(rng.integers(3, 8))
    pen.rectangle((0, 160, WIDTH, HEIGHT), fill=_under(night, jitter(rng, (140, 88, 52))))
    for _ in range(count):
        x, y, r = int(rng.integers(80, 240)), int(rng.integers(130, 190)), int(rng.integers(16, 28))
        colour = _under(night, pick(rng, _FRUIT))
        pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)
        pen.ellipse((x - r // 2, y - r // 2, x, y), fill=shade(colour, 1.3))
    return picture, f"{count} pieces of fruit on a table {_hour(night)}"


def _sitter(rng: Generator, night: bool) -> tuple[Image.Image, str]:  # noqa: ARG001 - as all
    person = Person.draw(rng)
    upright = render_portrait(person, rng)
    return upright.crop((0, 30, 240, 210)).resize((WIDTH, HEIGHT)), "the head of one person"


def _shapes(rng: Generator, night: bool) -> tuple[Image.Image, str]:
    ground: Colour = _DARK if night else (238, 232, 216)
    picture = Image.new("RGB", (WIDTH, HEIGHT), jitter(rng, ground))
    pen = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(6, 16))):
        x, y = int(rng.integers(0, WIDTH)), int(rng.integers(0, HEIGHT))
        wide, high = int(rng.integers(20, 90)), int(rng.integers(20, 90))
        draw = pen.ellipse if rng.random() < 0.5 else pen.rectangle
        draw((x, y, x + wide, y + high), fill=pick(rng, _BRIGHT))
    return picture, f"coloured shapes on a {'dark' if night else 'light'} ground"


_SUBJECTS: dict[str, Callable[[Generator, bool], tuple[Image.Image, str]]] = {
    "landscape: sea": _sea,
    "landscape: mountains": _mountains,
    "still_life": _fruit,
    "portrait": _sitter,
    "abstract": _shapes,
}


def _smooth(picture: Image.Image, rng: Generator) -> Image.Image:  # noqa: ARG001 - as all
    return picture


def _strokes(picture: Image.Image, rng: Generator) -> Image.Image:
    return _dabbed(picture, rng, count=2600, long=13, thick=4)


def _dots(picture: Image.Image, rng: Generator) -> Image.Image:
    return _dabbed(picture, rng, count=5200, long=2, thick=5)


def _dabbed(
    picture: Image.Image, rng: Generator, *, count: int, long: int, thick: int
) -> Image.Image:
    pixels = np.asarray(picture)
    painted = Image.fromarray(pixels)
    pen = ImageDraw.Draw(painted)
    xs, ys = rng.integers(0, WIDTH, count), rng.integers(0, HEIGHT, count)
    tilts = rng.uniform(-0.6, 0.6, count)
    for x, y, tilt in zip(xs.tolist(), ys.tolist(), tilts.tolist(), strict=True):
        red, green, blue = pixels[y, x].tolist()
        across, down = long * float(np.cos(tilt)), long * float(np.sin(tilt))
        ends = (x - across / 2, y - down / 2, x + across / 2, y + down / 2)
        pen.line(ends, jitter(rng, (red, green, blue), 18), thick)
    return painted


_HANDS: dict[str, Callable[[Image.Image, Generator], Image.Image]] = {
    "smooth": _smooth,
    "strokes": _strokes,
    "dots": _dots,
}
