"""Light, rain and the camera: what turns a drawn scene into a photograph of it."""

from io import BytesIO
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from sightline.vision.scenes.canvas import FINE, HEIGHT, WIDTH, Canvas, grid, mottle, noise
from sightline.vision.scenes.signs import Sprite

_Pixels = NDArray[np.float32]


def photograph(canvas: Canvas, asset: Sprite) -> Image.Image:
    """Light a street, put the asset in it, let it rain, and take the picture (320 x 240, RGB)."""
    rng = canvas.rng
    light = _light_map(canvas, asset)
    scene = np.asarray(canvas.fine.reduce(FINE), np.float32)
    scene = scene * (1 + 0.035 * mottle(rng)[..., None]) * light
    picture = _develop(scene)
    picture.paste(_lit(asset, canvas), asset.corner, asset.image.getchannel("A"))
    if canvas.night:
        canvas.lights.paste(0, asset.corner, asset.image.getchannel("A"))
        for place in canvas.own_lamps:
            canvas.lamp(place, 9, (255, 226, 160))
        picture = _add_lights(picture, canvas.lights)
    if canvas.rain:
        picture = _rain(picture, rng, canvas.night)
    return _camera(picture, rng)


def encode_jpeg(picture: Image.Image, quality: int) -> bytes:
    """A picture as the bytes of a baseline JPEG file."""
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def _develop(pixels: NDArray[np.floating[Any]]) -> Image.Image:
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _light_map(canvas: Canvas, asset: Sprite) -> _Pixels:
    """How bright each pixel of the street is, with the tint of the hour: (240, 320, 3)."""
    rng = canvas.rng
    if not canvas.night:
        tint = np.array([1.0, 1.0, 1.0], np.float32)
        tint += np.array(rng.uniform(-0.05, 0.05, 3), np.float32)
        if canvas.rain:
            tint *= np.array([0.80, 0.83, 0.87], np.float32)
        return np.broadcast_to(tint * np.float32(rng.uniform(0.88, 1.08)), (HEIGHT, WIDTH, 3))
    xs, ys = grid()
    cx = asset.corner[0] + asset.image.width / 2 + float(rng.uniform(-20, 20))
    cy = float(rng.uniform(150, 200))
    distance = ((xs - cx) / 120) ** 2 + ((ys - cy) / 84) ** 2
    pool = np.exp(-distance)[..., None] * np.float32(rng.uniform(0.24, 0.48))
    ambient = np.float32(rng.uniform(0.28, 0.42))
    cold = np.array([0.80, 0.90, 1.22], np.float32)
    warm = np.array([1.12, 0.98, 0.72], np.float32)
    lit: _Pixels = ambient * cold + pool * warm
    return lit


def _lit(asset: Sprite, canvas: Canvas) -> Image.Image:
    colour = asset.image.convert("RGB")
    rng = canvas.rng
    if canvas.night:
        level = float(rng.uniform(0.52, 0.74))
        tint = (level * 1.02, level * 0.97, level * 0.95)
    elif canvas.rain:
        level = float(rng.uniform(0.78, 0.92))
        tint = (level * 0.97, level, level * 1.03)
    else:
        level = float(rng.uniform(0.9, 1.06))
        tint = (level, level, level * 0.98)
    table = [min(255, round(step * factor)) for factor in tint for step in range(256)]
    return colour.point(table)


def _add_lights(picture: Image.Image, lights: Image.Image) -> Image.Image:
    glow = lights.reduce(4).filter(ImageFilter.GaussianBlur(3)).resize((WIDTH, HEIGHT))
    total = np.asarray(picture, np.float32) + np.asarray(glow, np.float32) * 1.5
    return _develop(np.maximum(total, np.asarray(lights, np.float32)))


def _rain(picture: Image.Image, rng: Generator, night: bool) -> Image.Image:
    streaks = Image.new("L", (WIDTH, HEIGHT))
    pen = ImageDraw.Draw(streaks)
    slant = float(rng.uniform(-0.35, 0.35))
    count = int(rng.integers(110, 230))
    places = rng.random((count, 4))
    for x, y, long, bright in places.tolist():
        length = 9 + 20 * long
        left, top = x * (WIDTH + 60) - 30, y * (HEIGHT + 30) - 20
        level = int(70 + 110 * bright)
        width = 2 if long > 0.72 else 1
        pen.line((left, top, left + slant * length, top + length), fill=level, width=width)
    drop = (188, 196, 214) if night else (232, 238, 244)
    haze = (52, 58, 74) if night else (170, 178, 186)
    misty = Image.blend(
        picture, Image.new("RGB", picture.size, haze), float(rng.uniform(0.08, 0.2))
    )
    misty.paste(drop, (0, 0, WIDTH, HEIGHT), streaks)
    return misty


def _camera(picture: Image.Image, rng: Generator) -> Image.Image:
    xs, ys = grid()
    edge = ((xs - WIDTH / 2) / WIDTH) ** 2 + ((ys - HEIGHT / 2) / HEIGHT) ** 2
    vignette = 1 - np.float32(rng.uniform(0.1, 0.45)) * edge
    pixels = np.asarray(picture, np.float32) * vignette[..., None]
    pixels += noise(rng) * np.float32(rng.uniform(1.5, 6.0))
    contrast, lift = float(rng.uniform(0.9, 1.1)), float(rng.uniform(-6, 8))
    pixels = (pixels - np.float32(118)) * np.float32(contrast) + np.float32(118 + lift)
    picture = _develop(pixels)
    if rng.random() < 0.2:
        picture = picture.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.4, 0.8))))
    return picture
