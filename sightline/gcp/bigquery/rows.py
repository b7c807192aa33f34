"""Encodes rows of a ledger as protocol buffers for the Storage Write API.

Types: https://cloud.google.com/bigquery/docs/supported-data-types
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from sightline.http_client.redaction import one_line
from sightline.schema import Ledger

Row = Mapping[str, Any]

MAX_REQUEST_BYTES = 8_000_000
"""The rows of one request; its documented limit is 20 MB now, and was 10 MB earlier."""

MAX_REQUEST_ROWS = 2_000
"""Rows are encoded on the event loop; this many take about ten milliseconds."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_REALS = frozenset({"FLOAT64", "FLOAT32"})
_LENGTH_DELIMITED = 2


@dataclass(slots=True)
class Chunk:
    """The encoded rows of one request, and the reasons why others cannot be sent, by position."""

    rows: dict[int, bytes] = field(default_factory=dict)
    unwritable: dict[int, str] = field(default_factory=dict)

    def refuse(self, errors: Mapping[int, str]) -> None:
        """Remove the rows that the service refuses, given by their numbers in the request."""
        places = list(self.rows)
        for number, why in errors.items():
            del self.rows[places[number]]
            self.unwritable[places[number]] = why


class RowFormat:
    """Encodes rows of one ledger as ``message``, which ``descriptor`` describes."""

    def __init__(self, ledger: Ledger) -> None:
        self.descriptor = _descriptor(ledger)
        self.message = _message_class(self.descriptor)
        self._times = [column.name for column in ledger.columns if column.type == "TIMESTAMP"]
        self._vectors = [
            (column.name, _varint(number << 3 | _LENGTH_DELIMITED))
            for number, column in enumerate(ledger.columns, 1)
            if column.repeated and column.type in _REALS
        ]

    def encode(self, row: Row) -> bytes:
        """Return an encoded row. ``None`` and absent columns are null; times have a time zone.

        Arrays of reals may be NumPy arrays; they are copied as one block.

        Raises:
            ValueError, TypeError: the row does not fit the ledger.
        """
        values = dict(row)
        for name in self._times:
            at = values.get(name)
            if at is not None:
                values[name] = (at - _EPOCH) // _MICROSECOND
        packed = b""
        for name, tag in self._vectors:
            vector = values.pop(name, None)
            if vector is not None and len(vector):
                block = np.asarray(vector, dtype="<f8").tobytes()
                packed += tag + _varint(len(block)) + block
        encoded: bytes = self.message(**values).SerializeToString()
        return encoded + packed

    def requests(self, rows: Sequence[Row]) -> Iterator[Chunk]:
        """Yield the rows in chunks that fit into one request; encodes each chunk when it is needed.

        A row that cannot be encoded, or is too long for any request, is left out; its chunk holds
        the reason.
        """
        chunk, size = Chunk(), 0
        for place, row in enumerate(rows):
            try:
                encoded = self._sendable(row)
            except Exception as error:  # noqa: BLE001 - any error concerns this row alone
                chunk.unwritable[place] = f"{type(error).__name__}: {one_line(str(error))}"
                continue
            if chunk.rows and (
                size + len(encoded) > MAX_REQUEST_BYTES or len(chunk.rows) == MAX_REQUEST_ROWS
            ):
                yield chunk
                chunk, size = Chunk(), 0
            chunk.rows[place] = encoded
            size += len(encoded)
        if chunk.rows or chunk.unwritable:
            yield chunk

    def _sendable(self, row: Row) -> bytes:
        for name, _ in self._vectors:
            vector = row.get(name)
            if vector is not None and not np.isfinite(np.asarray(vector, dtype="<f8")).all():
                raise ValueError(f"{name} has numbers that are not finite")
        encoded = self.encode(row)
        if len(encoded) > MAX_REQUEST_BYTES:
            raise ValueError(f"{len(encoded)} bytes, more than {MAX_REQUEST_BYTES}")
        return encoded


def _descriptor(ledger: Ledger) -> Any:
    """Return a self-contained proto2 message type, with a field for each column."""
    from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto

    kinds = {
        "STRING": FieldDescriptorProto.TYPE_STRING,
        "JSON": FieldDescriptorProto.TYPE_STRING,
        "INT64": FieldDescriptorProto.TYPE_INT64,
        "TIMESTAMP": FieldDescriptorProto.TYPE_INT64,  # microseconds
        "FLOAT64": FieldDescriptorProto.TYPE_DOUBLE,
        "FLOAT32": FieldDescriptorProto.TYPE_DOUBLE,
        "BOOL": FieldDescriptorProto.TYPE_BOOL,
    }
    descriptor = DescriptorProto(name="Row")
    for number, column in enumerate(ledger.columns, 1):
        added = descriptor.field.add(name=column.name, number=number, type=kinds[column.type])
        added.label = (
            FieldDescriptorProto.LABEL_REPEATED
            if column.repeated
            else FieldDescriptorProto.LABEL_OPTIONAL
        )
        if column.repeated and column.type in _REALS:
            added.options.packed = True
    return descriptor


def _message_class(descriptor: Any) -> Any:
    from google.protobuf import descriptor_pool, message_factory
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    file = FileDescriptorProto(name="row.proto", syntax="proto2")
    file.message_type.add().CopyFrom(descriptor)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(descriptor.name))


def _varint(number: int) -> bytes:
    """Return a number in protocol buffers' encoding: seven bits a byte, the lowest first."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
