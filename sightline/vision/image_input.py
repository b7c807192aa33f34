"""How a picture is brought to the size and layout that the demo model reads."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

#: Width and height of the model's input, in pixels.
INPUT_SIZE = (160, 120)


def to_input(image: Image.Image) -> NDArray[np.uint8]:
    """A picture as RGB bytes of shape (120, 160, 3), stretched to fit."""
    picture = image if image.mode == "RGB" else image.convert("RGB")
    if picture.size != INPUT_SIZE:
        picture = picture.resize(INPUT_SIZE, Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(picture, np.uint8)
