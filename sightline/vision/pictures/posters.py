"""Film posters: a title and a year in print, over a simple picture. The films do not exist."""

from itertools import pairwise

from numpy.random import Generator
from PIL import Image, ImageDraw

from sightline.vision.scenes.canvas import Colour, font, pick, shade, vertical_gradient

WIDTH, HEIGHT = 300, 420
_MARGIN = 18

_FIRST = ("The Last", "A Quiet", "Midnight", "Return to", "The Glass", "Seven", "Beyond", "Paper")
_SECOND = ("Harbour", "Signal", "Orchard", "Winter", "Machine", "River", "Lantern", "Letters")
_GROUNDS: tuple[Colour, ...] = (
    (24, 30, 60), (120, 24, 30), (230, 196, 96), (32, 84, 80), (226, 222, 210), (90, 50, 110),
)  # fmt: skip
_ON_HILLS: Colour = (250, 244, 226)
_INKS: tuple[Colour, ...] = ((250, 244, 226), (252, 214, 60), (20, 18, 22))


def render_poster(rng: Generator) -> tuple[Image.Image, dict[str, object]]:
    """Render a poster (RGB, 300 x 420), and say what it has in print, in the task's own fields."""
    title = f"{rng.choice(_FIRST)} {rng.choice(_SECOND)}"
    title = title.upper() if rng.random() < 0.3 else title
    year = int(rng.integers(1925, 2026)) if rng.random() < 0.8 else None
    ground = pick(rng, _GROUNDS)
    picture = vertical_gradient(ground, shade(ground, 0.6), WIDTH, HEIGHT)
    pen = ImageDraw.Draw(picture)
    _figure(pen, rng)
    above = bool(rng.random() < 0.5)
    ink = max(_INKS, key=lambda ink: abs(sum(ink) - sum(ground))) if above else _ON_HILLS
    top = _MARGIN if above else HEIGHT - 150
    _printed(pen, title, top, ink)
    if year is not None:
        pen.text((_MARGIN, HEIGHT - 34), str(year), _ON_HILLS, font(22))
    truth: dict[str, object] = {"title": title, "year": year, "script": "latin"}
    return picture, truth


def _figure(pen: ImageDraw.ImageDraw, rng: Generator) -> None:
    """Draw what catches the eye: a moon, hills, and a tower."""
    colour = pick(rng, _GROUNDS, 30)
    x, y, r = int(rng.integers(60, 240)), int(rng.integers(190, 230)), int(rng.integers(30, 55))
    pen.ellipse((x - r, y - r, x + r, y + r), fill=shade(colour, 1.3))
    heights = [int(rng.integers(200, 262)) for _ in range(6)]
    for place, (left, right) in enumerate(pairwise(heights)):
        start = place * WIDTH // 5
        corners = [(start, left), (start + WIDTH // 5, right), (start + WIDTH // 5, HEIGHT),
                   (start, HEIGHT)]  # fmt: skip
        pen.polygon(corners, fill=shade(colour, 0.4))
    tower = int(rng.integers(40, 260))
    pen.rectangle((tower - 9, 180, tower + 9, 300), fill=shade(colour, 0.25))


def _printed(pen: ImageDraw.ImageDraw, title: str, top: int, ink: Colour) -> None:
    """Print a title word under word, each as large as fits."""
    lines = title.split(" ", 1) if len(title) > 10 else [title]
    for line in lines:
        size = 48
        while pen.textlength(line, font=font(size)) > WIDTH - 2 * _MARGIN:
            size -= 2
        pen.text((_MARGIN, top), line, ink, font(size))
        top += round(size * 1.15)
