"""Pictures that show no asset at all, so that a model can learn, and be asked, to say so."""

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw

from sightline.vision.scenes.backdrop import paint_street
from sightline.vision.scenes.canvas import HEIGHT, WIDTH, Canvas, font, mottle, noise, pick
from sightline.vision.scenes.covers import paint_ground
from sightline.vision.scenes.signs import Sprite
from sightline.vision.scenes.weather import photograph

_ANY = ((200, 60, 60), (60, 120, 200), (80, 170, 90), (220, 200, 80), (120, 90, 160), (90, 90, 90))


def _empty(rng: Generator, paint: Callable[[Canvas], object]) -> Image.Image:
    canvas = Canvas(rng, night=rng.random() < 0.5, rain=rng.random() < 0.5)
    paint(canvas)
    return photograph(canvas, Sprite(Image.new("RGBA", (8, 8)), (WIDTH // 2, HEIGHT // 2)))


def _street(rng: Generator) -> Image.Image:
    return _empty(rng, paint_street)


def _bare_ground(rng: Generator) -> Image.Image:
    return _empty(rng, paint_ground)


def _clouds(rng: Generator) -> Image.Image:
    base = np.array(pick(rng, _ANY, 40), np.float32)
    layers = np.stack([mottle(rng) for _ in range(3)], axis=2)
    return _picture(base + layers * np.float32(rng.uniform(5, 50)))


def _colour_noise(rng: Generator) -> Image.Image:
    return _picture(float(rng.uniform(60, 200)) + noise(rng) * np.float32(rng.uniform(10, 70)))


def _shapes(rng: Generator) -> Image.Image:
    picture = Image.new("RGB", (WIDTH, HEIGHT), pick(rng, _ANY, 40))
    pen = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(3, 30))):
        x, y = float(rng.uniform(-40, WIDTH)), float(rng.uniform(-40, HEIGHT))
        box = (x, y, x + float(rng.uniform(8, 160)), y + float(rng.uniform(8, 160)))
        draw = pen.ellipse if rng.random() < 0.5 else pen.rectangle
        draw(box, fill=pick(rng, _ANY, 40))
    return picture


def _page(rng: Generator) -> Image.Image:
    level = int(rng.integers(190, 255))
    picture = Image.new("RGB", (WIDTH, HEIGHT), (level, level, level - 8))
    pen = ImageDraw.Draw(picture)
    for line in range(8, HEIGHT, int(rng.integers(14, 28))):
        words = " ".join(str(word) for word in rng.integers(0, 99_999, 9))
        pen.text((8, line), words, (40, 40, 44), font(12))
    return picture


def _grey_noise(rng: Generator) -> Image.Image:
    grey = noise(rng)[..., :1].repeat(3, axis=2)
    return _picture(float(rng.uniform(70, 180)) + grey * np.float32(rng.uniform(15, 60)))


def _stripes(rng: Generator) -> Image.Image:
    wave = np.sin(np.arange(WIDTH, dtype=np.float32) / float(rng.uniform(3, 20)))[None, :, None]
    field = np.broadcast_to(wave, (HEIGHT, WIDTH, 1))
    tint = np.array(pick(rng, _ANY, 40), np.float32)
    return _picture(128 + field * (tint - 100))


def _picture(pixels: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Image.Image:
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


#: Shown to the model while it is trained.
FAMILIAR = MappingProxyType(
    {
        "street": _street,
        "ground": _bare_ground,
        "clouds": _clouds,
        "colour_noise": _colour_noise,
        "shapes": _shapes,
        "page": _page,
    }
)
#: Never shown in training: they measure what the model does with something it has not met.
UNFAMILIAR = MappingProxyType({"grey_noise": _grey_noise, "stripes": _stripes})


def render_stranger(kind: str, seed: int) -> Image.Image:
    """Render a picture (RGB, 320 x 240) without an asset.

    Raises ``KeyError`` for a kind that is neither in ``FAMILIAR`` nor in ``UNFAMILIAR``.
    """
    known = {**FAMILIAR, **UNFAMILIAR}
    return known[kind](np.random.default_rng((99, list(known).index(kind), seed)))
