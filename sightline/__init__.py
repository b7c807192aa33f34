"""Sightline: classify, embed and search street-level imagery at the scale of a city.

    import sightline as sl

    with sl.open("my-project") as workspace:
        workspace.import_images("photos/", asset_type="road_sign")

What is not named here is not part of the public interface. Nothing heavy is imported until a name
is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sightline import errors
    from sightline.model import Filter
    from sightline.tasks import TaskSpec
    from sightline.workspace import AsyncWorkspace, Hit, Workspace, open_async
    from sightline.workspace import open_workspace as open  # noqa: A004  # `sl.open` is its name

__version__ = "0.1.0"

__all__ = [
    "AsyncWorkspace",
    "Filter",
    "Hit",
    "TaskSpec",
    "Workspace",
    "__version__",
    "errors",
    "open",
    "open_async",
]

_PUBLIC = {
    "AsyncWorkspace": ("sightline.workspace", "AsyncWorkspace"),
    "Filter": ("sightline.model", "Filter"),
    "Hit": ("sightline.workspace", "Hit"),
    "TaskSpec": ("sightline.tasks", "TaskSpec"),
    "Workspace": ("sightline.workspace", "Workspace"),
    "open": ("sightline.workspace", "open_workspace"),
    "open_async": ("sightline.workspace", "open_async"),
}


def __getattr__(name: str) -> object:
    if name == "errors":
        return importlib.import_module("sightline.errors")
    if name not in _PUBLIC:
        raise AttributeError(f"module 'sightline' has no attribute {name!r}")
    module, attribute = _PUBLIC[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
