"""Statements that count and check answers, in the SQL that both engines share.

An engine supplies its dialect, the query of the rows, and the condition that they must meet, which
occurs once in each statement.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from sightline.ports import AnswerQuality, Coverage, Dimension, FieldSummary, Group
from sightline.tasks import DISCRETE, UNKNOWN, FieldSpec, TaskSpec

Row = Sequence[Any]

COUNT = "SELECT COUNT(*) FROM ({rows}) AS answered WHERE {where}"

QUALITY = """
SELECT
  COUNT(*),
  COUNT(CASE WHEN latitude BETWEEN -90 AND 90 AND longitude BETWEEN -180 AND 180
    THEN NULL ELSE 1 END),
  COUNT(CASE WHEN capture_time IS NULL THEN 1 END)
FROM ({rows}) AS answered
WHERE {where}
"""

VERSIONS = """
WITH every_answer AS (
  SELECT subject_id, fingerprint FROM {classifications} AS classifications
  WHERE task = {task} AND {where}
)
SELECT
  (SELECT COUNT(*) FROM (
    SELECT subject_id FROM every_answer
    EXCEPT DISTINCT
    SELECT subject_id FROM ({rows}) AS answered) AS older),
  (SELECT COUNT(DISTINCT fingerprint) FROM every_answer)
"""
"""Subjects that have only older answers, and the number of versions with answers."""

COVERAGE = """
SELECT
  COALESCE(asset_type, '') AS type_of_asset,
  COUNT(*),
  COUNT(DISTINCT asset_id),
  COUNT(CASE WHEN observation_id IN (
    SELECT observation_id FROM {embeddings_rows} WHERE observation_id IS NOT NULL) THEN 1 END),
  COUNT(CASE WHEN {subject} IN ({answered}) THEN 1 END),
  COUNT(CASE WHEN {subject} IN ({dead}) AND {subject} NOT IN ({answered}) THEN 1 END)
FROM {observations_current} AS known
WHERE {where}
GROUP BY type_of_asset
ORDER BY type_of_asset
"""

DEAD = "SELECT subject_id FROM {dead_letters_current} WHERE subject_id IS NOT NULL"
DEAD_OF_TASK = DEAD + " AND STRPOS(body, {marker}) > 0"
NOBODY = "SELECT observation_id FROM {observations_current} WHERE false"


class SqlDialect(Protocol):
    """The differences between engines; ``name`` is a field of the column ``answer``."""

    month: str
    """The month of ``capture_time`` in UTC, as ``2026-05``."""

    def text(self, name: str) -> str:
        """Return the field as a text; NULL where it is null."""
        ...

    def number(self, name: str) -> str:
        """Return the field as a number; NULL if it is not one."""
        ...

    def length(self, name: str) -> str:
        """Return how many members a list has."""
        ...

    def holds(self, name: str, value: str) -> str:
        """Return whether a list has this member."""
        ...

    def members(self, name: str, alias: str) -> str:
        """Return a join that gives each member of a list once, or NULL where there is none."""
        ...

    def whole(self, number: str, step: float) -> str:
        """Return how many whole steps there are in a number, rounded down."""
        ...

    def literal(self, text: str) -> str:
        """Return a text as an SQL literal."""
        ...


def known(dialect: SqlDialect, field: FieldSpec) -> str:
    """Return the condition that a field is known."""
    match field.type:
        case "enum":
            return f"{dialect.text(field.name)} <> {dialect.literal(UNKNOWN)}"
        case "boolean":
            return f"{dialect.text(field.name)} IN ('true', 'false')"
        case "integer" | "number":
            return f"{dialect.number(field.name)} IS NOT NULL"
        case "list":
            return f"{dialect.length(field.name)} > 0"
        case _:
            return f"{dialect.text(field.name)} <> ''"


def _values(dialect: SqlDialect, field: FieldSpec) -> list[tuple[str, str]]:
    """Return each counted value, with the condition that a field has it."""
    if field.type == "list":
        return [(value, dialect.holds(field.name, value)) for value in field.values]
    values = ("true", "false") if field.type == "boolean" else field.values
    text = dialect.text(field.name)
    return [(value, f"{text} = {dialect.literal(value)}") for value in values]


def summary(dialect: SqlDialect, task: TaskSpec, *, rows: str, where: str) -> str:
    """Return the query of one row: all answers, then each field's columns for ``summaries``."""
    columns = ["COUNT(*)"]
    for field in task.fields:
        columns.append(_count(known(dialect, field)))
        columns += [_count(condition) for _, condition in _values(dialect, field)]
        if field.type in {"integer", "number"}:
            columns += [f"{name}({dialect.number(field.name)})" for name in ("MIN", "AVG", "MAX")]
    return f"SELECT {', '.join(columns)} FROM ({rows}) AS answered WHERE {where}"  # noqa: S608 - ours


def _count(condition: str) -> str:
    return f"COUNT(CASE WHEN {condition} THEN 1 END)"


def disagreement(dialect: SqlDialect, task: TaskSpec, *, rows: str, where: str) -> str:
    """Return the query of one row: for each compared field, the assets compared and disagreeing."""
    fields = _compared(task)
    values = ", ".join(
        f"CASE WHEN {known(dialect, field)} THEN {dialect.text(field.name)} END AS v{n}"
        for n, field in enumerate(fields)
    )
    by_asset = ", ".join(
        f"COUNT(v{n}) AS known{n}, COUNT(DISTINCT v{n}) AS kinds{n}" for n in range(len(fields))
    )
    counts = ", ".join(
        f"COUNT(CASE WHEN known{n} > 1 THEN 1 END), COUNT(CASE WHEN kinds{n} > 1 THEN 1 END)"
        for n in range(len(fields))
    )
    return f"""
SELECT {counts} FROM (
  SELECT asset_id, {by_asset} FROM (
    SELECT asset_id, {values} FROM ({rows}) AS answered WHERE asset_id <> '' AND {where}
  ) AS known GROUP BY asset_id
) AS assets
"""  # noqa: S608 - ours


def _compared(task: TaskSpec) -> list[FieldSpec]:
    return (
        [] if task.multi_observation else [field for field in task.fields if field.type in DISCRETE]
    )


def compares(task: TaskSpec) -> bool:
    """Return whether ``disagreement`` has any field to query."""
    return bool(_compared(task))


def summaries(
    dialect: SqlDialect, task: TaskSpec, counted: Row, compared: Row
) -> list[FieldSummary]:
    """Return the field summaries in the rows of ``summary`` and ``disagreement``."""
    fields = []
    left: Iterator[Any] = iter(counted)
    pairs = iter(compared)
    total = int(next(left))
    for field in task.fields:
        known_answers = int(next(left))
        values = tuple((value, int(next(left))) for value, _ in _values(dialect, field))
        unknown = dict(values).get(UNKNOWN, 0) if field.type == "enum" else 0
        numeric = field.type in {"integer", "number"}
        numbers = [None if (n := next(left)) is None else float(n) for _ in range(3 * numeric)]
        low, mean, high = numbers or (None, None, None)
        has_pair = field.type in DISCRETE and not task.multi_observation
        assets, disagreeing = (int(next(pairs)), int(next(pairs))) if has_pair else (None, None)
        fields.append(
            FieldSummary(
                field,
                known=known_answers,
                unknown=unknown,
                missing=total - known_answers - unknown,
                values=values,
                minimum=low,
                mean=mean,
                maximum=high,
                assets=assets,
                disagreeing=disagreeing,
            )
        )
    return fields


def counts(
    dialect: SqlDialect, by: Sequence[Dimension], *, rows: str, where: str, most: int
) -> str:
    """Return the query of groups: one or two columns per dimension, then the number of answers."""
    columns: list[str] = []
    joins = []
    for number, dimension in enumerate(by):
        if dimension.kind == "field" and dimension.field and dimension.field.type == "list":
            joins.append(dialect.members(dimension.field.name, f"member{number}"))
        columns += _keys(dialect, dimension, number)
    names = [f"d{n}" for n in range(len(columns))]
    keyed = ", ".join(f"{sql} AS {name}" for sql, name in zip(columns, names, strict=True))
    listed = ", ".join(names)
    order = ", ".join(f"{name} NULLS LAST" for name in names)
    return f"""
SELECT {listed}, COUNT(*) AS answers FROM (
  SELECT {keyed} FROM ({rows}) AS answered {" ".join(joins)} WHERE {where}
) AS keyed GROUP BY {listed} ORDER BY answers DESC, {order} LIMIT {int(most)}
"""  # noqa: S608 - ours


def _keys(dialect: SqlDialect, dimension: Dimension, number: int) -> list[str]:
    if dimension.kind == "asset_type":
        return ["NULLIF(asset_type, '')"]
    if dimension.kind == "month":
        return [dialect.month]
    if dimension.kind == "cell":
        return _cell(dialect, dimension.step or 1.0)
    assert dimension.field is not None
    if dimension.field.type == "list":
        return [f"member{number}"]
    if dimension.field.type in {"integer", "number"}:
        value = dialect.number(dimension.field.name)
        return [dialect.whole(value, dimension.step) if dimension.step else value]
    return [f"NULLIF({dialect.text(dimension.field.name)}, '')"]


def _cell(dialect: SqlDialect, step: float) -> list[str]:
    """Return the row and the column of a cell; 180 degrees is -180, and a pole has one cell.

    The northernmost row takes in its upper edge, since no row is beyond it.
    """
    top = math.ceil(90 / Decimal(repr(step))) - 1
    east = (
        "(CASE WHEN ABS(latitude) = 90 THEN 0.0 WHEN longitude = 180 THEN -180.0"
        " ELSE longitude END)"
    )
    return [
        f"CASE WHEN latitude = 90 THEN {top} ELSE {dialect.whole('latitude', step)} END",
        dialect.whole(east, step),
    ]


def groups(by: Sequence[Dimension], rows: Sequence[Row]) -> list[Group]:
    """Return the groups in the rows of ``counts``."""
    return [Group(tuple(_read_keys(by, iter(row))), int(row[-1])) for row in rows]


def _read_keys(by: Sequence[Dimension], row: Iterator[Any]) -> Iterator[Any]:
    for dimension in by:
        if dimension.kind == "cell":
            north, east = next(row), next(row)
            yield None if north is None or east is None else (int(north), int(east))
        else:
            yield next(row)


def _marker(task: TaskSpec) -> str:
    """Return a text that occurs in the body of a dead letter of this task, and in no other."""
    return f'"task":"{task.name}"'


def versions(
    dialect: SqlDialect, names: Mapping[str, str], task: TaskSpec, *, rows: str, where: str
) -> str:
    """Return the query of one row that ``quality`` reads in addition to ``QUALITY``."""
    return VERSIONS.format(
        classifications=names["classifications"],
        task=dialect.literal(task.name),
        rows=rows,
        where=where,
    )


def covered(
    dialect: SqlDialect, names: Mapping[str, str], task: TaskSpec | None, *, rows: str, where: str
) -> str:
    """Return the query that ``coverage`` reads; without a task, none counts as answered."""
    if task is None:
        answered, dead = NOBODY.format_map(names), DEAD.format_map(names)
    else:
        answered = f"SELECT subject_id FROM ({rows}) AS answered"  # noqa: S608 - ours
        dead = DEAD_OF_TASK.format_map({**names, "marker": dialect.literal(_marker(task))})
    by_asset = task is not None and task.multi_observation
    return COVERAGE.format_map(
        {
            **names,
            "subject": "asset_id" if by_asset else "observation_id",
            "answered": answered,
            "dead": dead,
            "where": where,
        }
    )


def quality(places: Row, versions: Row) -> AnswerQuality:
    """Return the quality in the rows of ``QUALITY`` and ``VERSIONS``."""
    answers, without_position, without_time = map(int, places)
    stale, different = map(int, versions)
    return AnswerQuality(answers, without_position, without_time, stale, different)


def coverage(rows: Sequence[Row]) -> list[Coverage]:
    """Return the coverage in the rows of ``COVERAGE``."""
    return [Coverage(str(row[0]), *map(int, row[1:])) for row in rows]
