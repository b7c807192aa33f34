"""Tasks: a TOML file defines the questions; schema, validation and columns follow from it."""

from sightline.tasks.field_types import COMPARABLE, DISCRETE, FieldType
from sightline.tasks.files import load_task, load_tasks, shipped_directory
from sightline.tasks.parse import complaint_of_name, parse_task
from sightline.tasks.scaffold import new_task_text
from sightline.tasks.spec import UNKNOWN, FieldSpec, MediaResolution, TaskSpec
from sightline.tasks.stored import stored_task
from sightline.tasks.text import answer_text, value_text
from sightline.tasks.views import VIEW_IDENTITY, VIEW_PROVENANCE, field_columns, view_name

__all__ = [
    "COMPARABLE",
    "DISCRETE",
    "UNKNOWN",
    "VIEW_IDENTITY",
    "VIEW_PROVENANCE",
    "FieldSpec",
    "FieldType",
    "MediaResolution",
    "TaskSpec",
    "answer_text",
    "complaint_of_name",
    "field_columns",
    "load_task",
    "load_tasks",
    "new_task_text",
    "parse_task",
    "shipped_directory",
    "stored_task",
    "value_text",
    "view_name",
]
