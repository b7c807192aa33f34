"""Builds the events of the dead-letter ledger."""

from __future__ import annotations

import base64
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from sightline.errors import PermanentError, Reason
from sightline.model import Part, Usage
from sightline.ports import DeadLetterRow, ResultRow
from sightline.redaction import SECRETS, without_secrets
from sightline.wire import MAX_BODY_BYTES, Message, decode, encode
from worker.leaser import Lease
from worker.progress import Progress
from worker.results.settlement import Settle, Settlement

log = logging.getLogger(__name__)

MOST_DETAIL = 1000
"""The maximum length of a detail, in characters."""

MOST_BODY = 2 * MAX_BODY_BYTES
"""The number of characters of a message body that are kept, as text or in Base64."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A part without a row: dead for a reason, or (``reason`` is None) to be retried.

    ``unfunded`` if its call was not made because the run's budget is reached.
    """

    part: Part
    reason: Reason | None
    detail: str
    spent: Usage
    unfunded: bool = False

    @property
    def costly(self) -> bool:
        """Whether it has a cost, which must be recorded whatever happens to the part."""
        return bool(self.spent.cost_usd_micros or self.spent.input_tokens)


@dataclass(frozen=True, slots=True)
class Identity:
    """The worker's identity, clock and random source, for the rows it writes."""

    worker_id: str
    now: Callable[[], datetime]
    new_id: Callable[[], str]
    random: Callable[[], float]


class DeadLetterBuilder:
    """Builds the rows of dead letters, and counts their costs."""

    def __init__(self, progress: Progress, identity: Identity) -> None:
        self._progress = progress
        self._identity = identity

    def of_part(self, lease: Lease, message: Message, failed: Failed) -> DeadLetterRow:
        """Return a ``dead`` event, or a ``retried`` event that only records the cost."""
        self._progress.cost_usd_micros += failed.spent.cost_usd_micros
        detail = _storable(failed.detail)
        if failed.reason is not None:
            log.info("a part failed permanently: %s: %s", failed.reason.value, detail)
        return DeadLetterRow(
            event_id=self._identity.new_id(),
            part_key=failed.part.key(message.subject_id),
            message_id=lease.delivery.message_id,
            run_id=message.run_id,
            subject_id=message.subject_id,
            event="dead" if failed.reason is not None else "retried",
            reason=failed.reason or Reason.ATTEMPTS_EXHAUSTED,
            detail=detail,
            delivery_attempt=lease.delivery.attempt,
            usage=failed.spent,
            body=encode(replace(message, parts=(failed.part,))).decode(),
            worker_id=self._identity.worker_id,
            at=self._identity.now(),
        )

    def of_unwritable(self, lease: Lease, row: ResultRow, why: str) -> DeadLetterRow:
        """Return the dead letter of a part whose row the ledger refuses, in text that any ledger
        takes.

        For a row that is itself a dead letter, return the same event without the unstorable text.
        """
        if isinstance(row, DeadLetterRow):
            return replace(
                row,
                detail=_plain(f"{row.detail}; the rest cannot be stored: {why}"),
                usage=_storable_usage(row.usage),
                body=row.body if row.body.isascii() and len(row.body) <= MOST_BODY else "",
            )
        message = decode(lease.delivery.body)
        return DeadLetterRow(
            event_id=self._identity.new_id(),
            part_key=row.part_key,
            message_id=lease.delivery.message_id,
            run_id=message.run_id,
            subject_id=message.subject_id,
            event="dead",
            reason=Reason.ANSWER_INVALID,
            detail=_plain(f"the answer cannot be stored: {why}"),
            delivery_attempt=lease.delivery.attempt,
            usage=_storable_usage(row.provenance.usage),
            body=encode(replace(message, parts=(row.part,))).decode(),
            worker_id=self._identity.worker_id,
            at=self._identity.now(),
        )

    def of_unreadable(self, lease: Lease, error: PermanentError) -> Settlement:
        """Return the dead letter of a message that cannot be decoded, under its own key."""
        delivery = lease.delivery
        detail = _storable(error.detail)
        log.info("a message cannot be read: %s: %s", error.reason.value, detail)
        body = base64.b64encode(SECRETS.hide_in_bytes(delivery.body)).decode()
        key = hashlib.sha256(b"message\x1f" + delivery.body).hexdigest()
        row = DeadLetterRow(
            event_id=self._identity.new_id(),
            part_key=key,
            message_id=delivery.message_id,
            run_id=delivery.attributes.get("run_id", ""),
            subject_id="",
            event="dead",
            reason=error.reason,
            detail=detail,
            delivery_attempt=delivery.attempt,
            usage=Usage(),
            body=body,
            worker_id=self._identity.worker_id,
            at=self._identity.now(),
        )
        return Settlement(lease, Settle.ACK, (row,))


def _storable(text: str) -> str:
    """Return the text without secrets, as valid UTF-8, cut to its maximum length."""
    hidden = without_secrets(text)[
        :MOST_DETAIL
    ]  # redacted before it is cut, so that no half of a secret remains
    return hidden.encode(errors="backslashreplace").decode()[:MOST_DETAIL]


def _plain(text: str) -> str:
    return ascii(without_secrets(text))[1:-1][:MOST_DETAIL]


def _storable_usage(usage: Usage) -> Usage:
    return usage if usage.possible else Usage()
