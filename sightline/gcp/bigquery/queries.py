"""Runs users' queries in GoogleSQL, and reads the current answers by subject and task."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sightline.errors import ConfigurationError
from sightline.gcp.bigquery.client import BigQueryClient

if TYPE_CHECKING:
    from google.cloud import bigquery

log = logging.getLogger(__name__)

MOST_ROWS = 100_000
"""The largest number of rows that a query may return; they are held in memory."""

_GB = 1 << 30
_NO_SELECT = "this is not a single SELECT; pass one, since nothing else can be run here"
_COMMENT_OR_LITERAL = re.compile(
    r"""(?P<comment>--[^\n]*|\#[^\n]*|/\*.*?\*/)
    |\"{3}(?:\\.|[^\\])*?\"{3}|'{3}(?:\\.|[^\\])*?'{3}
    |"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\\n])*`""",
    re.DOTALL | re.VERBOSE,
)
_FIRST_WORDS = re.compile(r"[\s(]*(SELECT|WITH|FROM)\b", re.IGNORECASE)

CURRENT_ANSWERS = "SELECT subject_id, task, TO_JSON_STRING(answer) FROM {classifications_current}"


async def query(client: BigQueryClient, select: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the columns and rows of one SELECT over the ledgers and their views.

    The query may use the dataset's tables and views by their short names. A dry run, which is free,
    first returns the bytes that it would read; a query above the limit is refused.

    Raises:
        ConfigurationError: the text is not a single SELECT, BigQuery refuses it, or it reads too
            much or returns more than ``MOST_ROWS`` rows.
        TransientError: see ``sightline.gcp.failures``.
    """
    if not is_one_select(select):
        raise ConfigurationError(_NO_SELECT)
    await client.use(lambda library: _check(client, library, select))
    columns, rows = await client.use(lambda library: _run(client, library, select))
    if len(rows) > MOST_ROWS:
        raise ConfigurationError(
            f"the result has more than {MOST_ROWS:,} rows; aggregate, or add a LIMIT"
        )
    return columns, rows


async def current_answers(client: BigQueryClient) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """Return the current answers by (subject id, task).

    Raises:
        TransientError, ConfigurationError: see ``sightline.gcp.failures``.
    """
    rows = await client.rows(CURRENT_ANSWERS.format_map(client.place.names()))
    return {(subject, task): json.loads(answer) for subject, task, answer in rows}


def is_one_select(text: str) -> bool:
    """Return whether a text is one query expression, judging by its first word and semicolons.

    Checked before the dry run, since an emulator would run the statement.
    """
    bare = _COMMENT_OR_LITERAL.sub(lambda match: " " if match["comment"] else "''", text)
    return _FIRST_WORDS.match(bare) is not None and ";" not in bare.rstrip().removesuffix(";")


def _check(client: BigQueryClient, library: bigquery.Client, select: str) -> None:
    """Check the statement and the bytes that it would read, with a dry run."""
    from google.cloud.bigquery import QueryJobConfig

    config = QueryJobConfig(dry_run=True, use_query_cache=False, default_dataset=_dataset(client))
    job = library.query(
        select,
        job_config=config,
        location=_location(client),
        job_retry=None,
        **client.request_options(),
    )
    if job.statement_type != "SELECT":
        raise ConfigurationError(_NO_SELECT)
    read, allowed = job.total_bytes_processed or 0, client.place.max_bytes_billed
    log.info("the query reads %.3f GB", read / _GB)
    if read > allowed:
        raise ConfigurationError(
            f"the query would read {read / _GB:.3g} GB, and {allowed / _GB:.3g} GB are allowed;"
            " select fewer columns, restrict it to some days, or raise bigquery.max_gb_billed"
        )


def _run(
    client: BigQueryClient, library: bigquery.Client, select: str
) -> tuple[list[str], list[tuple[Any, ...]]]:
    from google.cloud.bigquery import QueryJobConfig

    config = QueryJobConfig(
        maximum_bytes_billed=client.place.max_bytes_billed, default_dataset=_dataset(client)
    )
    result = library.query_and_wait(
        select,
        job_config=config,
        location=_location(client),
        job_retry=None,  # type: ignore[arg-type]  # None is accepted, as its docstring says
        max_results=MOST_ROWS + 1,
        **client.request_options(),
    )
    rows = [tuple(row.values()) for row in result]
    return [field.name for field in result.schema], rows


def _dataset(client: BigQueryClient) -> str:
    return f"{client.place.project}.{client.place.dataset}"


def _location(client: BigQueryClient) -> str | None:
    return client.place.location if client.place.endpoint is None else None
