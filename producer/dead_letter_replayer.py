"""Replays or purges dead letters."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sightline.errors import PermanentError
from sightline.model import Usage
from sightline.ports import DeadLetterFilter, DeadLetterRow, DeadLetters, Outgoing, Publisher
from sightline.wire import REPLAY, Message, attributes, decode, encode

BATCH = 500


class DeadLetterReplayer:
    """Replays and purges dead letters in batches, in constant memory.

    A replayed message is published first and recorded afterwards: if killed in between, it is both
    dead and queued, and a second replay is harmless. The other order could lose it. For runs
    ``by_statements`` no message is sent: recording the replay is enough. Dead letters of runs
    ``passed_by`` are not replayed, but counted in ``passed``. ``locations`` returns the URIs of
    images that have moved since, by observation; messages are sent with these.
    """

    def __init__(
        self,
        dead_letters: DeadLetters,
        publisher: Publisher,
        *,
        now: Callable[[], datetime],
        new_id: Callable[[], str],
        locations: Callable[[Sequence[str]], Awaitable[Mapping[str, str]]] | None = None,
        by_statements: frozenset[str] = frozenset(),
        passed_by: frozenset[str] = frozenset(),
    ) -> None:
        self._dead_letters = dead_letters
        self._publisher = publisher
        self._now = now
        self._new_id = new_id
        self._locations = locations
        self._by_statements = by_statements
        self._passed_by = passed_by
        self.passed = 0

    async def replay(self, which: DeadLetterFilter) -> int:
        """Publish the dead letters again, each with its failed part alone; return how many."""
        return await self._each(which, "replayed", publish=True)

    async def purge(self, which: DeadLetterFilter) -> int:
        """Remove the dead letters from the list; their parts remain dead."""
        return await self._each(which, "purged", publish=False)

    async def _each(self, which: DeadLetterFilter, event: str, *, publish: bool) -> int:
        count = 0
        batch: list[DeadLetterRow] = []
        async for row in self._dead_letters.list(which):
            if publish and row.run_id in self._passed_by:
                self.passed += 1
                continue
            batch.append(row)
            if len(batch) == BATCH:
                count += await self._settle(batch, event, publish=publish)
                batch = []
        return count + await self._settle(batch, event, publish=publish)

    async def _settle(self, batch: Sequence[DeadLetterRow], event: str, *, publish: bool) -> int:
        # Read before publishing: a part that fails again immediately is dead after its replay.
        now = self._now()
        sent = [row for row in batch if row.run_id not in self._by_statements]
        if sent and publish:
            messages = await self._messages(sent)
            await self._publisher.publish(messages, batch_key=f"replay/{self._new_id()}")
        if batch:
            await self._dead_letters.record([self._event(row, event, now) for row in batch])
        return len(batch)

    async def _messages(self, rows: Sequence[DeadLetterRow]) -> Sequence[Outgoing]:
        decoded = [_decoded(row.body.encode()) for row in rows]
        images = [image for message in decoded if message for image in message.observations]
        ids = sorted({image.observation_id for image in images})
        moved = await self._locations(ids) if self._locations and ids else {}
        return [_outgoing(row, message, moved) for row, message in zip(rows, decoded, strict=True)]

    def _event(self, row: DeadLetterRow, event: str, at: datetime) -> DeadLetterRow:
        return replace(row, event_id=self._new_id(), event=event, usage=Usage(), body="", at=at)


def _decoded(body: bytes) -> Message | None:
    try:
        return decode(body)
    except PermanentError:
        return None


def _outgoing(row: DeadLetterRow, message: Message | None, moved: Mapping[str, str]) -> Outgoing:
    body = row.body.encode()
    if message is None:
        return Outgoing(_raw(body), {"run_id": row.run_id, REPLAY: "1"})
    images = tuple(
        replace(image, gcs_uri=moved.get(image.observation_id, image.gcs_uri))
        for image in message.observations
    )
    if images != message.observations:  # others are sent byte for byte as they were
        message = replace(message, observations=images)
        body = encode(message)
    return Outgoing(body, {**attributes(message), REPLAY: "1"})


def _raw(body: bytes) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        return body
