"""Portraits: simple faces with features that last, in light and poses that do not."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw

from sightline.vision.scenes.canvas import Colour, jitter, mix, pick, shade, vertical_gradient

WIDTH, HEIGHT = 240, 300
#: Drawing happens this many times finer, for smooth edges.
_FINE = 2

_SKIN: tuple[Colour, ...] = (
    (250, 221, 200), (236, 196, 165), (214, 165, 126), (176, 122, 84), (128, 82, 54), (84, 54, 38)
)  # fmt: skip
_HAIR: tuple[Colour, ...] = (
    (24, 20, 18), (70, 44, 26), (128, 78, 36), (214, 174, 96), (176, 68, 28), (190, 188, 186)
)  # fmt: skip
_EYES: tuple[Colour, ...] = ((74, 48, 28), (60, 108, 150), (78, 120, 70))
_CLOTHES: tuple[Colour, ...] = (
    (176, 38, 44), (34, 68, 140), (36, 112, 70), (232, 190, 50), (40, 40, 46), (236, 234, 228),
    (120, 64, 140), (226, 116, 40),
)  # fmt: skip
_WALLS: tuple[Colour, ...] = (
    (196, 188, 172), (150, 168, 182), (170, 150, 140), (112, 126, 116), (206, 202, 200),
    (92, 88, 98),
)  # fmt: skip
_STYLES = ("short", "long", "curly", "bald", "bun")


@dataclass(frozen=True, slots=True)
class Person:
    """The features of a person; ``broad`` is the width of the face, 1 on average."""

    skin: Colour
    hair: Colour
    eyes: Colour
    clothes: Colour
    style: str
    broad: float
    glasses: bool
    beard: bool
    hat: Colour | None

    @classmethod
    def draw(cls, rng: Generator) -> "Person":
        """Return the features of a random person."""
        return cls(
            skin=pick(rng, _SKIN),
            hair=pick(rng, _HAIR),
            eyes=pick(rng, _EYES),
            clothes=pick(rng, _CLOTHES, 20),
            style=str(rng.choice(_STYLES)),
            broad=float(rng.uniform(0.86, 1.12)),
            glasses=bool(rng.random() < 0.35),
            beard=bool(rng.random() < 0.3),
            hat=pick(rng, _CLOTHES, 20) if rng.random() < 0.25 else None,
        )


def render_portrait(person: Person, rng: Generator) -> Image.Image:
    """Render a picture of a person (RGB, 240 x 300).

    The wall, the light and the pose are others each time, and the clothes of another shade.
    """
    person = replace(person, clothes=jitter(rng, person.clothes, 16))
    wall = pick(rng, _WALLS)
    size = (WIDTH * _FINE, HEIGHT * _FINE)
    picture = vertical_gradient(shade(wall, 1.1), shade(wall, 0.85), *size)
    sitter = Image.new("RGBA", size)
    _Sitter(person, ImageDraw.Draw(sitter)).paint(rng)
    sitter = sitter.rotate(float(rng.uniform(-5, 5)), Image.Resampling.BICUBIC)
    picture.paste(sitter, (0, 0), sitter)
    picture = picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    lit = np.asarray(picture, np.float32) * np.float32(rng.uniform(0.85, 1.12))
    lit += rng.normal(0, 3, lit.shape).astype(np.float32)
    return Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))


class _Sitter:
    """A person being drawn: a centre, a size, and a pen."""

    def __init__(self, person: Person, pen: ImageDraw.ImageDraw) -> None:
        self._person, self._pen = person, pen
        self._x, self._y, self._unit = WIDTH * _FINE / 2, HEIGHT * _FINE * 0.45, 1.0

    def paint(self, rng: Generator) -> None:
        self._x += float(rng.uniform(-24, 24))
        self._y += float(rng.uniform(-16, 16))
        self._unit = 100 * float(rng.uniform(0.92, 1.08))
        self._hair_behind()
        self._shoulders()
        self._face(smile=float(rng.uniform(0.1, 0.4)))
        self._hair_before()

    def _oval(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """Draw an oval, in units around the middle of the face."""
        unit = self._unit
        left, top = self._x + (x - width / 2) * unit, self._y + (y - height / 2) * unit
        self._pen.ellipse((left, top, left + width * unit, top + height * unit), fill=colour)

    def _shoulders(self) -> None:
        person = self._person
        self._oval(0, 1.25, 0.7, 1.2, shade(person.skin, 0.9))
        self._oval(0, 2.6, 3.3, 2.4, person.clothes)
        self._oval(0, 1.5, 0.9, 0.5, shade(person.skin, 0.93))

    def _hair_behind(self) -> None:
        person = self._person
        match person.style:
            case "long":
                self._oval(0, 0.35, 2.0 * person.broad, 2.9, shade(person.hair, 0.8))
            case "curly":
                for angle in np.linspace(np.pi * 0.9, np.pi * 2.1, 11):
                    x, y = 0.85 * person.broad * np.cos(angle), 0.95 * np.sin(angle) - 0.05
                    self._oval(float(x), float(y), 0.7, 0.7, shade(person.hair, 0.9))
            case "bun":
                self._oval(0, -1.3, 0.8, 0.7, shade(person.hair, 0.9))

    def _face(self, smile: float) -> None:
        person, dark = self._person, shade(self._person.skin, 0.72)
        self._oval(0, 0, 1.5 * person.broad, 2.0, person.skin)
        if person.beard:
            self._oval(0, 0.62, 1.25 * person.broad, 0.85, mix(person.hair, person.skin, 0.15))
            self._oval(0, 0.3, 1.2 * person.broad, 0.7, person.skin)
        for side in (-1, 1):
            x = side * 0.33 * person.broad
            self._oval(x, -0.1, 0.3, 0.18, (246, 246, 244))
            self._oval(x, -0.1, 0.15, 0.17, person.eyes)
            self._oval(x, -0.32, 0.36, 0.07, shade(person.hair, 0.8))
            if person.glasses:
                self._ring(x, -0.1, 0.48)
        self._oval(0, 0.18, 0.2, 0.34, mix(person.skin, dark, 0.35))
        self._oval(0, 0.56, 0.55, 0.1 + 0.2 * smile, (158, 62, 62))

    def _ring(self, x: float, y: float, across: float) -> None:
        unit = self._unit
        box = (
            self._x + (x - across / 2) * unit, self._y + (y - across / 2) * unit,
            self._x + (x + across / 2) * unit, self._y + (y + across / 2) * unit,
        )  # fmt: skip
        self._pen.ellipse(box, outline=(20, 20, 24), width=5)

    def _hair_before(self) -> None:
        person = self._person
        if person.style != "bald":
            unit, broad = self._unit, 0.79 * person.broad
            box = (
                self._x - broad * unit, self._y - 1.12 * unit,
                self._x + broad * unit, self._y + 0.5 * unit,
            )  # fmt: skip
            self._pen.chord(box, 195, 345, fill=person.hair)
        if person.hat is not None:
            self._oval(0, -0.85, 1.5 * person.broad, 1.0, person.hat)
            self._oval(0, -0.55, 2.3 * person.broad, 0.3, shade(person.hat, 0.8))
