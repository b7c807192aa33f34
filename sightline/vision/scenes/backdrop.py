"""Streets to stand an asset in: sky, buildings, trees, pavement and road."""

import math

from numpy.random import Generator
from PIL import ImageDraw

from sightline.vision.scenes.canvas import (
    FINE_HEIGHT,
    FINE_WIDTH,
    Canvas,
    Colour,
    Point,
    jitter,
    mix,
    pick,
    shade,
    vertical_gradient,
)

_SKIES: tuple[tuple[Colour, Colour], ...] = (
    ((72, 138, 214), (196, 224, 242)),
    ((104, 168, 226), (232, 240, 240)),
    ((120, 150, 196), (248, 214, 170)),
    ((150, 178, 206), (226, 228, 226)),
)
_GREY_SKIES: tuple[tuple[Colour, Colour], ...] = (
    ((120, 132, 146), (186, 194, 200)),
    ((142, 150, 158), (206, 208, 210)),
)
#: Brighter than they look, since the whole street is darkened after it is drawn.
_NIGHT_SKIES: tuple[tuple[Colour, Colour], ...] = (
    ((52, 74, 150), (150, 150, 190)),
    ((38, 56, 128), (118, 140, 190)),
    ((74, 56, 136), (214, 146, 158)),
)
_WALLS: tuple[Colour, ...] = (
    (178, 98, 76),
    (206, 170, 130),
    (226, 214, 192),
    (148, 116, 98),
    (168, 178, 184),
    (212, 188, 96),
    (134, 156, 152),
    (202, 140, 120),
    (110, 88, 82),
)
_ROOFS: tuple[Colour, ...] = ((122, 62, 48), (84, 84, 92), (146, 84, 60), (66, 72, 78))
_GREENS: tuple[Colour, ...] = ((72, 118, 58), (92, 136, 66), (56, 98, 62), (118, 140, 62))
_AUTUMN: tuple[Colour, ...] = ((176, 116, 46), (158, 84, 42), (188, 150, 60))
_WINDOW_LIGHT: tuple[Colour, ...] = ((214, 162, 78), (228, 186, 110), (150, 150, 140))
_CARS: tuple[Colour, ...] = (
    (168, 42, 46),
    (44, 76, 128),
    (222, 222, 218),
    (48, 50, 54),
    (150, 156, 160),
    (58, 104, 84),
)


def paint_street(canvas: Canvas) -> Point:
    """Paint a whole street; returns the place beside the road, in fine pixels, for an asset."""
    rng = canvas.rng
    horizon = float(rng.uniform(258, 306))
    _sky(canvas, horizon)
    if rng.random() < 0.5:
        kerb = horizon + float(rng.uniform(62, 104))
        _row_of_houses(canvas, horizon, kerb)
        _front_road(canvas, kerb)
        return float(rng.uniform(190, 450)), kerb - float(rng.uniform(4, 26))
    return _avenue(canvas, horizon)


def _sky(canvas: Canvas, horizon: float) -> None:
    rng = canvas.rng
    skies = _NIGHT_SKIES if canvas.night else _GREY_SKIES if canvas.rain else _SKIES
    top, bottom = skies[int(rng.integers(len(skies)))]
    height = int(horizon) + 40
    canvas.fine.paste(
        vertical_gradient(jitter(rng, top), jitter(rng, bottom), FINE_WIDTH, height), (0, 0)
    )
    if canvas.night and not canvas.rain:
        _stars(canvas, horizon)
    elif not canvas.night:
        _clouds(canvas, horizon, bottom)
    pen = canvas.pen
    hill = mix(jitter(rng, (96, 122, 110)), bottom, 0.45)
    phase, rise = float(rng.uniform(0, 6)), float(rng.uniform(14, 44))
    ridge = [
        (x, horizon - rise * (0.7 + 0.3 * math.sin(phase + x / 90) + 0.2 * math.sin(x / 31)))
        for x in range(0, FINE_WIDTH + 20, 20)
    ]
    pen.polygon([(0, FINE_HEIGHT), *ridge, (FINE_WIDTH, FINE_HEIGHT)], fill=hill)


def _stars(canvas: Canvas, horizon: float) -> None:
    rng = canvas.rng
    pen = ImageDraw.Draw(canvas.lights)
    for _ in range(int(rng.integers(14, 40))):
        level = int(rng.integers(70, 200))
        pen.point((float(rng.uniform(0, 320)), float(rng.uniform(0, horizon / 3))), (level,) * 3)
    if rng.random() < 0.4:
        x, y = float(rng.uniform(60, 580)), float(rng.uniform(30, 110))
        canvas.lamp((x, y), float(rng.uniform(12, 18)), (214, 214, 196))


def _clouds(canvas: Canvas, horizon: float, haze: Colour) -> None:
    rng, pen = canvas.rng, canvas.pen
    colour = mix((252, 252, 252), haze, 0.75 if canvas.rain else 0.35)
    for _ in range(int(rng.integers(1, 5))):
        x, y = float(rng.uniform(-40, FINE_WIDTH)), float(rng.uniform(20, horizon * 0.6))
        size = float(rng.uniform(14, 30))
        for puff in range(4):
            left, r = x + puff * size, size * float(rng.uniform(0.7, 1.1))
            pen.ellipse((left - r, y - r * 0.6, left + r, y + r * 0.5), fill=colour)


def _row_of_houses(canvas: Canvas, horizon: float, kerb: float) -> None:
    rng, pen = canvas.rng, canvas.pen
    base = horizon + 24
    x = -float(rng.uniform(0, 90))
    while x < FINE_WIDTH:
        width = float(rng.uniform(84, 170))
        if rng.random() < 0.18:
            pen.rectangle((x, base - 18, x + width, base), fill=pick(rng, _GREENS))
            tree(canvas, x + width / 2, base, float(rng.uniform(90, 150)))
        else:
            _house(canvas, x, base, width, float(rng.uniform(100, 215)))
        x += width
    for _ in range(int(rng.integers(0, 3))):
        tree(canvas, float(rng.uniform(0, FINE_WIDTH)), base + 10, float(rng.uniform(70, 150)))
    pavement = pick(rng, ((176, 172, 164), (158, 156, 152), (190, 178, 160)))
    pen.rectangle((0, base, FINE_WIDTH, kerb), fill=pavement)
    for joint in range(int(rng.integers(0, 50)), FINE_WIDTH, 54):
        pen.line((joint, base, joint - 12, kerb), fill=shade(pavement, 0.9), width=2)


def _house(canvas: Canvas, x: float, base: float, width: float, height: float) -> None:
    rng, pen = canvas.rng, canvas.pen
    wall = pick(rng, _WALLS)
    top = base - height
    pen.rectangle((x, top, x + width, base), fill=wall)
    if rng.random() < 0.5:
        peak = top - float(rng.uniform(20, 46))
        pen.polygon([(x, top), (x + width / 2, peak), (x + width, top)], fill=pick(rng, _ROOFS))
    else:
        pen.rectangle((x, top, x + width, top + 8), fill=shade(wall, 0.72))
    pen.line((x + width - 2, top, x + width - 2, base), fill=shade(wall, 0.8), width=4)
    columns = max(2, int(width // 40))
    pane, gap = width / (columns * 2 + 1), 46.0
    glass = jitter(rng, (92, 112, 132))
    level = top + 20
    while level + 26 < base - 30:
        for column in range(columns):
            left = x + pane * (2 * column + 1)
            box = (left, level, left + pane, level + 28)
            pen.rectangle((left - 2, level - 2, left + pane + 2, level + 31), fill=shade(wall, 1.2))
            pen.rectangle(box, fill=glass)
            if canvas.night and rng.random() < 0.35:
                canvas.light(box, pick(rng, _WINDOW_LIGHT))
        level += gap
    door = x + pane * (2 * int(rng.integers(columns)) + 1)
    pen.rectangle((door, base - 36, door + pane, base), fill=pick(rng, _ROOFS))


def _front_road(canvas: Canvas, kerb: float) -> None:
    rng, pen = canvas.rng, canvas.pen
    road = pick(rng, ((96, 98, 102), (82, 84, 90), (112, 110, 106)))
    if canvas.rain:
        road = shade(road, 0.82)
    pen.rectangle((0, kerb, FINE_WIDTH, FINE_HEIGHT), fill=road)
    pen.rectangle((0, kerb, FINE_WIDTH, kerb + 7), fill=(192, 190, 184))
    pen.rectangle((0, kerb + 7, FINE_WIDTH, kerb + 11), fill=shade(road, 0.7))
    stripe = kerb + float(rng.uniform(46, 70))
    for x in range(int(rng.integers(-90, 0)), FINE_WIDTH, 110):
        pen.polygon(
            [(x, stripe), (x + 60, stripe), (x + 56, stripe + 9), (x - 6, stripe + 9)],
            fill=(220, 218, 208),
        )
    if rng.random() < 0.4:
        _car(canvas, float(rng.uniform(-40, 520)), kerb + 14, float(rng.uniform(0.9, 1.2)))


def _avenue(canvas: Canvas, horizon: float) -> Point:
    rng, pen = canvas.rng, canvas.pen
    vanish = float(rng.uniform(220, 420))
    grass = pick(rng, ((112, 132, 78), (150, 146, 120), (94, 118, 72), (166, 162, 154)))
    pen.rectangle((0, horizon, FINE_WIDTH, FINE_HEIGHT), fill=grass)
    for side in (-1, 1):
        reach = 420.0
        while reach > 46:
            nearer, width = reach, reach * 0.26
            left = vanish + side * nearer - (width if side < 0 else 0) + side * 30
            if rng.random() < 0.7:
                height = nearer * float(rng.uniform(0.36, 0.62))
                _house(canvas, left, horizon + nearer * 0.07, width, max(34.0, height))
            else:
                tree(canvas, left + width / 2, horizon + nearer * 0.08, nearer * 0.42)
            reach -= width * 0.96
    road = pick(rng, ((98, 100, 104), (84, 86, 92), (116, 112, 108)))
    if canvas.rain:
        road = shade(road, 0.82)
    spread = float(rng.uniform(230, 380))
    left, right = vanish - spread, vanish + spread
    edge = mix(road, (214, 210, 200), 0.65)
    bottom = FINE_HEIGHT
    pen.polygon([(vanish, horizon), (left - 34, bottom), (right + 34, bottom)], fill=edge)
    pen.polygon([(vanish, horizon + 2), (left, bottom), (right, bottom)], fill=road)
    for near, far in ((1.0, 0.72), (0.55, 0.4), (0.3, 0.22), (0.16, 0.12)):
        y0, y1 = horizon + (bottom - horizon) * near, horizon + (bottom - horizon) * far
        pen.polygon(
            [(vanish - 9 * near, y0), (vanish + 9 * near, y0), (vanish + 9 * far, y1),
             (vanish - 9 * far, y1)],
            fill=(222, 220, 208),
        )  # fmt: skip
    side = -1 if vanish > FINE_WIDTH / 2 else 1
    depth = float(rng.uniform(0.3, 0.8))
    aside = vanish + side * (depth * (spread + 34) + float(rng.uniform(16, 60)))
    return min(520.0, max(120.0, aside)), horizon + (bottom - horizon) * depth


def tree(canvas: Canvas, x: float, base: float, height: float) -> None:
    """Draw a tree that stands at (x, base), all in fine pixels."""
    rng, pen = canvas.rng, canvas.pen
    trunk = height * 0.035 + 2
    pen.rectangle((x - trunk, base - height * 0.5, x + trunk, base), fill=(84, 66, 52))
    leaf = pick(rng, _AUTUMN if rng.random() < 0.15 else _GREENS)
    for step in range(9):
        angle, r = step * 0.7 + float(rng.uniform(0, 0.5)), height * float(rng.uniform(0.14, 0.22))
        cx = x + math.cos(angle) * height * 0.17
        cy = base - height * 0.68 + math.sin(angle) * height * 0.15
        tone = shade(leaf, 0.82 + 0.3 * (step / 9))
        pen.ellipse((cx - r, cy - r, cx + r, cy + r), fill=tone)


def _car(canvas: Canvas, x: float, base: float, scale: float) -> None:
    rng, pen = canvas.rng, canvas.pen
    body = pick(rng, _CARS)
    w, h = 150 * scale, 30 * scale
    pen.polygon(
        [(x + w * 0.18, base - h), (x + w * 0.32, base - h * 1.9), (x + w * 0.68, base - h * 1.9),
         (x + w * 0.86, base - h)],
        fill=(70, 84, 98),
    )  # fmt: skip
    pen.rounded_rectangle((x, base - h * 1.05, x + w, base), radius=9 * scale, fill=body)
    for wheel in (0.22, 0.78):
        cx, r = x + w * wheel, 13 * scale
        pen.ellipse((cx - r, base - r, cx + r, base + r), fill=(30, 30, 32))
        pen.ellipse((cx - r / 2, base - r / 2, cx + r / 2, base + r / 2), fill=(150, 150, 152))
    if canvas.night:
        canvas.light((x + w - 8, base - h * 0.8, x + w, base - h * 0.45), (230, 214, 150))
        canvas.light((x, base - h * 0.8, x + 6, base - h * 0.5), (190, 30, 24))


def leaves(pen: ImageDraw.ImageDraw, rng: Generator, box: tuple[float, float, float, float],
           count: int, size: float) -> None:  # fmt: skip
    """Scatter leaves over a box of the pen's own coordinates."""
    green = pick(rng, _GREENS)
    left, top, right, bottom = box
    for _ in range(count):
        x, y = float(rng.uniform(left, right)), float(rng.uniform(top, bottom))
        angle = float(rng.uniform(0, math.pi))
        dx, dy = math.cos(angle) * size, math.sin(angle) * size
        tone = shade(green, float(rng.uniform(0.72, 1.3)))
        pen.polygon(
            [(x - dx, y - dy), (x - dy * 0.5, y + dx * 0.5), (x + dx, y + dy),
             (x + dy * 0.5, y - dx * 0.5)],
            fill=tone,
        )  # fmt: skip
