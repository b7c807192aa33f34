"""Queries and maintenance of the warehouse in BigQuery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.compaction import compact
from sightline.gcp.bigquery.queries import current_answers, query
from sightline.gcp.bigquery.task_views import put_task_view
from sightline.ports import Compacted, Repaired
from sightline.tasks import TaskSpec


class BigQueryUpkeep:
    """The client's dataset: queries in GoogleSQL, compaction, typed views."""

    def __init__(self, client: BigQueryClient) -> None:
        self._client = client

    async def query(self, select: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the columns and rows of one SELECT; other statements are refused.

        Raises:
            ConfigurationError: the text is not a single SELECT, or BigQuery refuses it.
            TransientError: see ``sightline.gcp.failures``.
        """
        return await query(self._client, select)

    async def current_answers(self) -> Mapping[tuple[str, str], Mapping[str, Any]]:
        """Return the current answers by (subject id, task)."""
        return await current_answers(self._client)

    async def compact(self, *, now: datetime, everything: bool) -> Sequence[Compacted]:
        """Delete the duplicate rows of closed days; see ``compaction``.

        Raises:
            ConfigurationError: ``everything`` includes today, and BigQuery refuses recent rows.
            TransientError: see ``sightline.gcp.failures``.
        """
        return await compact(self._client, now=now, everything=everything)

    async def repair(self, *, now: datetime) -> Sequence[Repaired]:  # noqa: ARG002 - the port's
        """Return nothing: BigQuery's tables need no repair."""
        return ()

    async def apply_task(self, task: TaskSpec) -> None:
        """Create or update the task's typed view."""
        await put_task_view(self._client, task)
