"""SQL queries, and the current answers by subject and task."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from sightline.errors import ConfigurationError
from sightline.local.warehouse.views import connect


def query(
    root: Path, select: str, *, source: Path | None = None
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the columns and rows of one SELECT over the ledgers and their views.

    With ``source``, the folder of the imported rows, ``source_latest`` is there, too.

    It cannot read any other file, variable or setting of this process.

    Raises:
        ConfigurationError: it is not a single SELECT, or DuckDB refuses it; with DuckDB's message.
    """
    connection = connect(root, source=source)
    try:
        statements = connection.extract_statements(select)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise ConfigurationError(
                "this is not a single SELECT; pass one, since nothing else can be run here"
            )
        table = connection.sql(select).to_arrow_table()
    except duckdb.ParserException as error:
        first = " ".join(str(error).split("\n\n")[0].split())
        raise ConfigurationError(
            f'{first}; give one SELECT, such as `sightline sql "select * from runs_current"`'  # noqa: S608 - a message
        ) from error
    except duckdb.Error as error:
        first = " ".join(str(error).split("\n\n")[0].split())
        raise ConfigurationError(
            f'{first}; `sightline sql "show tables"` lists what there is'
        ) from error
    finally:
        connection.close()
    columns = list(table.column_names)
    return columns, [tuple(row.values()) for row in table.to_pylist()]


def current_answers(root: Path) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """Return the current answers by (subject id, task)."""
    _, rows = query(root, "SELECT subject_id, task, answer FROM classifications_current")
    return {(subject, task): json.loads(answer) for subject, task, answer in rows}
