"""Splits sequences by the limits of a Pub/Sub request (cloud.google.com/pubsub/quotas)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from sightline.ports import Outgoing

Item = TypeVar("Item")

MOST_MESSAGES = 1_000
"""Messages in a publish request, or in the response to a pull."""
MOST_PUBLISHED_BYTES = 9_000_000
"""A publish request may have 10 MB; the rest is reserved for framing."""
MOST_ACK_IDS = 1_000
MOST_ACK_BYTES = 512 * 1024 - 4096
"""An acknowledge request may have 512 KiB; the rest is reserved for the subscription's name."""

_FRAME_BYTES = 16


def chunks(
    items: Iterable[Item], size: Callable[[Item], int], *, most_items: int, most_bytes: int
) -> Iterator[list[Item]]:
    """Yield the items in order, in lists within both limits; an oversized item is alone."""
    chunk: list[Item] = []
    total = 0
    for item in items:
        item_bytes = size(item)
        if chunk and (len(chunk) >= most_items or total + item_bytes > most_bytes):
            yield chunk
            chunk, total = [], 0
        chunk.append(item)
        total += item_bytes
    if chunk:
        yield chunk


def batches(messages: Iterable[Outgoing]) -> Iterator[list[Outgoing]]:
    """Yield messages in batches that fit into publish requests."""
    return chunks(
        messages, message_bytes, most_items=MOST_MESSAGES, most_bytes=MOST_PUBLISHED_BYTES
    )


def ack_chunks(ack_ids: Iterable[str]) -> Iterator[list[str]]:
    """Yield ack ids in chunks that fit into acknowledge and modify-deadline requests."""
    return chunks(
        ack_ids,
        lambda ack_id: len(ack_id.encode()) + _FRAME_BYTES,
        most_items=MOST_ACK_IDS,
        most_bytes=MOST_ACK_BYTES,
    )


def message_bytes(message: Outgoing) -> int:
    """Return an upper estimate of the bytes that a message takes in a request."""
    attributes = sum(
        len(key.encode()) + len(value.encode()) + _FRAME_BYTES
        for key, value in message.attributes.items()
    )
    return len(message.body) + attributes + _FRAME_BYTES
