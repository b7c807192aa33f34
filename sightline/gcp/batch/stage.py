"""Replaces the rows of a BigQuery table, in one load job."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

from sightline.gcp.batch.output_rows import OutputRow
from sightline.gcp.bigquery.client import BigQueryClient

_COLUMNS = (
    ("part_key", "STRING", "REQUIRED"),
    ("status", "STRING", "NULLABLE"),
    ("answer", "STRING", "NULLABLE"),
    ("response", "STRING", "NULLABLE"),
    ("vector", "STRING", "REPEATED"),
)


class LoadingStage:
    """Implements ``Stage`` with load jobs, which are free and replace a table atomically."""

    def __init__(self, client: BigQueryClient) -> None:
        self._client = client

    async def load(self, table: str, rows: Sequence[OutputRow]) -> None:
        """See ``Stage``."""
        from google.cloud import bigquery

        config = bigquery.LoadJobConfig(
            schema=[bigquery.SchemaField(*column) for column in _COLUMNS],
            source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
            write_disposition=bigquery.WriteDisposition.WRITE_TRUNCATE,
        )

        def load(library: bigquery.Client) -> None:
            with tempfile.TemporaryFile() as file:
                for row in rows:
                    file.write(row.as_json())
                job = library.load_table_from_file(
                    file,
                    table.strip("`"),
                    rewind=True,
                    job_config=config,
                    location=self._client.location,
                )
                job.result(**self._client.request_options())

        await self._client.use(load)
