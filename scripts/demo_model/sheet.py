"""A contact sheet of rendered scenes: ``python -m scripts.demo_model.sheet FILE``."""

import argparse
from pathlib import Path

from PIL import Image

from sightline.vision.scenes import ASSET_TYPES, render


def contact_sheet(*, columns: int, rows: int, seed: int, width: int = 160) -> Image.Image:
    """Scenes of every asset type in a grid, one type after another along each row."""
    height, gap = width * 3 // 4, 4
    sheet = Image.new(
        "RGB", (columns * (width + gap) + gap, rows * (height + gap) + gap), (245, 245, 242)
    )
    for place in range(columns * rows):
        scene = render(ASSET_TYPES[place % len(ASSET_TYPES)], seed + place)
        tile = scene.image.resize((width, height), Image.Resampling.LANCZOS)
        row, column = divmod(place, columns)
        sheet.paste(tile, (gap + column * (width + gap), gap + row * (height + gap)))
    return sheet


def main() -> None:
    """Write a contact sheet to the file that is named on the command line."""
    parser = argparse.ArgumentParser(description="Write a contact sheet of rendered scenes.")
    parser.add_argument("file", type=Path, help="for example docs/images/scenes.jpg")
    parser.add_argument("--columns", type=int, default=6)
    parser.add_argument("--rows", type=int, default=4)
    parser.add_argument("--seed", type=int, default=2_000_000)
    parser.add_argument("--width", type=int, default=160, help="of one scene, in pixels")
    options = parser.parse_args()
    sheet = contact_sheet(
        columns=options.columns, rows=options.rows, seed=options.seed, width=options.width
    )
    options.file.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(options.file, quality=82)


if __name__ == "__main__":
    main()
