"""Rows to append, and pauses that are recorded instead of waited for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorProto

from sightline.gcp.bigquery.rows import RowFormat
from sightline.schema import Ledger

AT = datetime(2026, 5, 4, 12, 0, 0, 123_456, tzinfo=UTC)


def run_row(number: int = 0, **changes: object) -> dict[str, Any]:
    """Return a row of ``runs``."""
    row = {"run_id": f"r{number}", "request": "{}", "messages": 1, "parts": 2, "created_at": AT}
    return {**row, **changes}


def decoded(ledger: Ledger, encoded: bytes) -> Any:
    """Return a row as the service decodes it."""
    file = FileDescriptorProto(name="reader.proto", syntax="proto2")
    file.message_type.add().CopyFrom(RowFormat(ledger).descriptor)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("Row")).FromString(encoded)


class Pauses:
    """Records the pauses between attempts, without waiting."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
