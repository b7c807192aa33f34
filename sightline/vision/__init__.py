"""The offline model: rendered street scenes, a dual encoder, and zero-shot answers.

Nothing heavy is imported here: take ``DualEncoder`` from ``sightline.vision.encoder``, ``ZeroShot``
from ``sightline.vision.zero_shot``, and scenes from ``sightline.vision.scenes``.
"""

from sightline.vision.protocol import VisionEncoder

__all__ = ["VisionEncoder"]
