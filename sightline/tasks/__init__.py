"""Task specs: a TOML file says what is asked; schema, validation and columns follow from it."""

from sightline.tasks.files import load_task, load_tasks, shipped_directory
from sightline.tasks.parse import parse_task
from sightline.tasks.spec import UNKNOWN, FieldSpec, FieldType, MediaResolution, TaskSpec

__all__ = [
    "UNKNOWN",
    "FieldSpec",
    "FieldType",
    "MediaResolution",
    "TaskSpec",
    "load_task",
    "load_tasks",
    "parse_task",
    "shipped_directory",
]
