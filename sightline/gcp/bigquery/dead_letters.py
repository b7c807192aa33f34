"""Lists dead letters for the people who manage them, and appends their events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.ledgers import ALL_WRITTEN, ledger_names
from sightline.ports import DeadLetterFilter, DeadLetterRow, ResultWriter
from sightline.records import LETTER_COLUMNS, dead_letter

PAGE_ROWS = 1000

# A part that was written later (its message was delivered twice) is not a dead letter.
CURRENT_DEAD_LETTERS = f"""
SELECT letters.* FROM {{dead_letters_current}} AS letters
WHERE letters.part_key IS NULL
  OR letters.part_key NOT IN (SELECT part_key FROM ({ALL_WRITTEN}))
"""  # noqa: S608 - a constant

LETTERS_OLDEST_FIRST = f"""
SELECT {LETTER_COLUMNS}, letters.at
FROM ({CURRENT_DEAD_LETTERS}) AS letters
WHERE true{{conditions}}
ORDER BY letters.at, event_id{{limit}}
"""  # noqa: S608 - a constant


class BigQueryDeadLetters:
    """The dead letters of a dataset; ``results`` appends their events."""

    def __init__(self, client: BigQueryClient, results: ResultWriter) -> None:
        self._client = client
        self._results = results

    async def list(self, which: DeadLetterFilter) -> AsyncIterator[DeadLetterRow]:
        """Yield the ``dead`` events that were neither replayed nor purged, oldest first.

        The result is that of the moment when iteration starts. Rows are fetched page by page, in
        constant memory.

        Raises:
            TransientError, ConfigurationError: see ``sightline.gcp.failures``.
        """
        values = {
            name: value
            for name, value in (
                ("reason", which.reason.value if which.reason else None),
                ("run_id", which.run_id),
                ("part_key", which.part_key),
            )
            if value is not None
        }
        statement = LETTERS_OLDEST_FIRST.format(
            **ledger_names(self._client.place),
            conditions="".join(f" AND letters.{name} = @{name}" for name in values),
            limit="" if which.limit is None else f"\nLIMIT {which.limit:d}",
        )
        async for page in self._client.pages(statement, page_rows=PAGE_ROWS, **values):
            for row in page:
                yield dead_letter(row, row[-1])

    async def record(self, events: Sequence[DeadLetterRow]) -> None:
        """Append events; they are durable when the call returns.

        Raises:
            TransientError, ConfigurationError: see the writer.
        """
        await self._results.write(events)
