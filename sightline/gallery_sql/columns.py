"""The image table: one wide row per image, with a column for each facet.

Columns of tasks are numbered, so that no name of a task or field can be an SQL keyword or the name
of another column.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from sightline.errors import NotFoundError
from sightline.ports.gallery import Facet, FacetKind
from sightline.suggestions import did_you_mean
from sightline.tasks import FieldSpec, FieldType, TaskSpec

ColumnForm = Literal["text", "boolean", "number", "list"]

FORMS: Mapping[FieldType, ColumnForm] = {
    "string": "text", "enum": "text", "boolean": "boolean", "integer": "number",
    "number": "number", "list": "list",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ImageColumn:
    """The column behind a facet.

    Absent values are NULL; in a list also an empty list. A list has no member twice.
    """

    name: str
    form: ColumnForm
    facet: Facet


@dataclass(frozen=True, slots=True)
class Version:
    """A task at its active version, and the columns that it has in the table."""

    task: TaskSpec
    number: int

    @property
    def answer(self) -> str:
        """The column of the whole current answer, as JSON."""
        return f"answer{self.number}"

    @property
    def version(self) -> str:
        """The column of the model and version of the newest answer, current or not."""
        return f"version{self.number}"

    def fields(self) -> Iterator[tuple[FieldSpec, str]]:
        """Yield each field with its column."""
        for number, spec in enumerate(self.task.fields):
            yield spec, f"field{self.number}_{number}"


@dataclass(frozen=True)
class ImageTable:
    """An image table: its name in SQL, its tasks, and the range of each column of numbers.

    A column without any number has no range.
    """

    name: str
    versions: tuple[Version, ...]
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @cached_property
    def columns(self) -> Mapping[str, ImageColumn]:
        """The columns by facet, in the order in which facets are shown."""
        return {column.facet.name: column for column in _columns(self.versions)}

    def column(self, facet: str) -> ImageColumn:
        """Return the column of a facet.

        Raises:
            NotFoundError: there is no such facet.
        """
        column = self.columns.get(facet)
        if column is None:
            raise NotFoundError(
                f"there is no facet {facet!r}{did_you_mean(facet, self.columns)}; give one of"
                f" {', '.join(self.columns)}"
            )
        return column


def versions_of(tasks: Sequence[TaskSpec]) -> tuple[Version, ...]:
    """Return the columns of these tasks, numbered in this order."""
    return tuple(Version(task, number) for number, task in enumerate(tasks))


def _columns(versions: Sequence[Version]) -> Iterator[ImageColumn]:
    yield _own("asset_type", "asset_type")
    yield _own("month", "month", kind="month")
    yield _own("snapshot", "snapshot_id")
    yield _own("answered", "answered", "list")
    yield _own("dead", "dead", "list")
    for version in versions:
        task = version.task.name
        for spec, column in version.fields():
            form = FORMS[spec.type]
            kind: FacetKind = "number" if form == "number" else "text"
            yield ImageColumn(column, form, Facet(f"{task}.{spec.name}", kind, task, spec))
    for version in versions:
        task = version.task.name
        yield ImageColumn(version.version, "text", Facet(f"model:{task}", "text", task))


def _own(
    name: str, column: str, form: ColumnForm = "text", *, kind: FacetKind = "text"
) -> ImageColumn:
    return ImageColumn(column, form, Facet(name, kind))
