"""The text of a new task file: every kind of field once, with comments, to be changed."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib.resources import files

from sightline.model import asset_class


def new_task_text(name: str, asset_types: Sequence[str] = ()) -> str:
    """Return a task file of this name, about these asset types; it is a task as it stands."""
    kinds = [asset_class(kind) for kind in asset_types]
    things = [kind.removeprefix("ASSET_CLASS_").replace("_", " ").lower() for kind in kinds]
    values = {
        "NAME": name,
        "ASSET_TYPES": ", ".join(json.dumps(kind) for kind in kinds),
        "SUBJECT": " or ".join(f"a {thing}" for thing in things) or "one object",
    }
    text = files("sightline.tasks").joinpath("new_task.toml").read_text(encoding="utf-8")
    return re.sub("|".join(values), lambda match: values[match[0]], text)
