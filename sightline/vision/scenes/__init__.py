"""Street scenes rendered from a seed, with the truth about what is in them."""

from sightline.vision.scenes.collection import COLUMNS, Collection, is_rendered, render_collection
from sightline.vision.scenes.scene import Scene, compose, render
from sightline.vision.scenes.truth import (
    ASSET_TYPES,
    ATTRIBUTES,
    MAINTENANCE_COVER,
    ROAD_SIGN,
    TASK_OF,
    UTILITY_POLE,
    Truth,
    Value,
)

__all__ = [
    "ASSET_TYPES",
    "ATTRIBUTES",
    "COLUMNS",
    "MAINTENANCE_COVER",
    "ROAD_SIGN",
    "TASK_OF",
    "UTILITY_POLE",
    "Collection",
    "Scene",
    "Truth",
    "Value",
    "compose",
    "is_rendered",
    "render",
    "render_collection",
]
