"""An encoder that serves many callers at once, off the event loop."""

from sightline.vision.serving.line import EncodingLine, Vector, mean_direction
from sightline.vision.serving.sharing import SharedWork

__all__ = ["EncodingLine", "SharedWork", "Vector", "mean_direction"]
