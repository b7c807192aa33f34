"""Creates, reads, renews and removes the tables that serve as locks, with BigQuery's REST API."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sightline.gcp.bigquery.client import BigQueryClient

RETRY_S = 10.0
"""How long a call about a lock is retried: much less than a lock's lifetime."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The holder of a lock; ``token`` is new each time that the lock is taken."""

    owner: str
    token: str
    since: str


class LockTables:
    """Stores locks as tables with a description and an expiration time."""

    def __init__(self, client: BigQueryClient) -> None:
        self._client = client
        self._dataset = f"{client.place.project}.{client.place.dataset}"

    def _retry(self) -> Any:
        retry = self._client.request_options()["retry"]
        return retry and retry.with_timeout(RETRY_S)

    async def make(self, name: str, holder: Holder, expires: datetime) -> bool:
        """Create a lock's table; return whether this call created it."""
        from google.api_core.exceptions import Conflict
        from google.cloud import bigquery

        schema = [bigquery.SchemaField("holder", "STRING")]  # emulators need one to remove it
        table = bigquery.Table(f"{self._dataset}.{name}", schema=schema)
        table.description = json.dumps(asdict(holder))
        table.expires = expires
        table.labels = {"sightline": "lock"}

        def make(library: bigquery.Client) -> bool:
            try:
                library.create_table(table, retry=self._retry())
            except Conflict:
                return False
            return True

        return await self._client.use(make)

    async def names(self) -> frozenset[str]:
        """Return the names of all existing tables, including locks."""
        return frozenset(await self._client.tables())

    async def read(self, name: str) -> tuple[Holder, datetime] | None:
        """Return the holder and the expiry of a lock, or None if it is free."""
        from google.api_core.exceptions import NotFound
        from google.cloud import bigquery

        def read(library: bigquery.Client) -> tuple[Holder, datetime] | None:
            try:
                table = library.get_table(f"{self._dataset}.{name}", retry=self._retry())
            except NotFound:
                return None
            never = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)
            return _holder_of(table.description), table.expires or never

        return await self._client.use(read)

    async def renew(self, name: str, holder: Holder, expires: datetime) -> bool:
        """Extend a lock; return whether it still belonged to this holder."""
        from google.api_core.exceptions import NotFound, PreconditionFailed
        from google.cloud import bigquery

        def renew(library: bigquery.Client) -> bool:
            try:
                table = library.get_table(f"{self._dataset}.{name}", retry=self._retry())
                if _holder_of(table.description) != holder:
                    return False
                table.expires = expires
                # BigQuery refuses this if the table has changed since it was read.
                library.update_table(table, ["expires"], retry=self._retry())
            except (NotFound, PreconditionFailed):
                return False
            return True

        return await self._client.use(renew)

    async def remove(self, name: str) -> None:
        """Remove a lock's table, if it exists."""
        table = f"{self._dataset}.{name}"
        await self._client.use(
            lambda library: library.delete_table(table, retry=self._retry(), not_found_ok=True)
        )


def _holder_of(description: str | None) -> Holder:
    try:
        return Holder(**json.loads(description or ""))
    except (ValueError, TypeError):
        return Holder("an unknown process", "", "an unknown time")
