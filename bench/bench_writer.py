"""How many rows a second of CPU the BigQuery writer sends, beside what one would pick instead.

A server in another process takes everything at once and drops it, so that only the client counts:
the CPU seconds of its process, all threads together. Batches of 500 rows, as a worker writes them.
Beside it: the streaming insert of google-cloud-bigquery (``insert_rows_json``), and Google's sample
for the Storage Write API (a protocol buffer filled field by field, sent by ``AppendRowsStream``).
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from bench.figures import Figure, report
from sightline.gcp.bigquery.append import LedgerAppender
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.bigquery.rows import RowFormat
from sightline.gcp.bigquery.writer import BigQueryWriter
from sightline.model import AnswerPart, EmbeddingPart, Observation, Usage
from sightline.ports import ClassificationRow, EmbeddingRow, Provenance, ResultRow
from sightline.records import columns_of
from sightline.schema import CLASSIFICATIONS, Ledger, embeddings_ledger

BATCH = 500
BATCHES = 80
OTHERS_BATCHES = 16
DIMENSION = 512
NOW = datetime(2026, 11, 20, 12, 0, 0, 123_456, tzinfo=UTC)
ANSWER = (
    '{"category":"warning","sign_text":"Road works ahead","legible":true,"condition":"good",'
    '"obstructed":false,"height_m":2.4,"damage":["faded","bent"],"notes":"A yellow diamond, '
    'slightly tilted to the left, beside a grey guard rail; a second sign stands behind it."}'
)
TASK = AnswerPart("road_signs", "f" * 64, "gemini-3.5-flash")
EMBEDDING = EmbeddingPart("multimodalembedding@001", DIMENSION)


def run() -> list[Figure]:
    """Measure, and return the figures."""
    with sink() as (place, http):
        ours = asyncio.run(measure_ours(place))
        inserted = measure(lambda ledger, rows: insert_json(http, ledger, rows))
        sampled = measure(lambda ledger, rows: append_as_google_s_sample(place, ledger, rows))
    goals = {"answers": 20_000.0, "embeddings": 5_000.0}
    names = {"answers": "classification rows", "embeddings": f"embedding rows ({DIMENSION})"}
    figures = []
    for kind, name in names.items():
        per_s = "rows/CPU-s"
        figures.append(Figure(f"writer: {name}", ours[kind], per_s, goals[kind]))
        for other, rate in (("insert_rows_json", inserted), ("Google's sample", sampled)):
            note = f"(ours is {ours[kind] / rate[kind]:.1f} times as fast)"
            figures.append(Figure(f"  {other}: {name}", rate[kind], per_s, note=note))
    return figures


async def measure_ours(place: BigQueryPlace) -> dict[str, float]:
    """Write answers and embeddings by the writer that workers use."""
    rates = {}
    async with (
        BigQueryClient.open(place) as client,
        LedgerAppender.open(place) as appender,
    ):
        writer = BigQueryWriter(appender, client)
        for kind, batch in batches().items():
            await writer.write(batch)  # connects
            start = time.process_time()
            for _ in range(BATCHES):
                await writer.write(batch)
            rates[kind] = BATCHES * BATCH / (time.process_time() - start)
    return rates


def measure(
    send: Callable[[Ledger, Sequence[ResultRow]], Iterator[None]],
) -> dict[str, float]:
    """Write the same rows in another way, which sends a batch for each step taken."""
    ledgers = {"answers": CLASSIFICATIONS, "embeddings": embeddings_ledger("m", DIMENSION)}
    rates = {}
    for kind, batch in batches().items():
        steps = send(ledgers[kind], batch)
        next(steps)  # connects
        start = time.process_time()
        for _ in range(OTHERS_BATCHES):
            next(steps)
        rates[kind] = OTHERS_BATCHES * BATCH / (time.process_time() - start)
        steps.close()  # type: ignore[attr-defined]  # a generator
    return rates


def insert_json(endpoint: str, ledger: Ledger, rows: Sequence[ResultRow]) -> Iterator[None]:
    """Stream rows as JSON, as google-cloud-bigquery does it."""
    from google.api_core.client_options import ClientOptions
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    client = bigquery.Client(
        "p",
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]  # untyped there
        client_options=ClientOptions(api_endpoint=endpoint),
    )
    while True:
        documents = [_jsonable(columns_of(row)) for row in rows]
        failed = client.insert_rows_json(f"p.d.{ledger.name}", documents)
        assert not failed
        yield


def append_as_google_s_sample(
    place: BigQueryPlace, ledger: Ledger, rows: Sequence[ResultRow]
) -> Iterator[None]:
    """Append rows as Google's sample does: one protocol buffer a row, one field at a time."""
    import grpc
    from google.cloud import bigquery_storage_v1 as storage
    from google.cloud.bigquery_storage_v1 import types, writer
    from google.cloud.bigquery_storage_v1.services.big_query_write import transports

    assert place.storage_endpoint is not None
    channel = grpc.insecure_channel(
        place.storage_endpoint, options=[("grpc.max_send_message_length", -1)]
    )
    transport = transports.BigQueryWriteGrpcTransport(channel=channel)
    client = storage.BigQueryWriteClient(transport=transport)  # type: ignore[no-untyped-call]  # untyped there
    row_format = RowFormat(ledger)
    message = row_format.message
    template = types.AppendRowsRequest(write_stream=place.table_path("t") + "/streams/_default")
    data = types.AppendRowsRequest.ProtoData()
    data.writer_schema = types.ProtoSchema(proto_descriptor=row_format.descriptor)
    template.proto_rows = data
    stream = writer.AppendRowsStream(client, template)
    try:
        while True:
            serialized = types.ProtoRows()
            for row in rows:
                serialized.serialized_rows.append(_filled(message(), row).SerializeToString())
            request = types.AppendRowsRequest()
            proto_data = types.AppendRowsRequest.ProtoData()
            proto_data.rows = serialized
            request.proto_rows = proto_data
            stream.send(request).result()  # type: ignore[no-untyped-call]  # untyped there
            yield
    finally:
        stream.close()
        channel.close()


def _filled(message: Any, row: ResultRow) -> Any:
    for name, value in columns_of(row).items():
        if isinstance(value, datetime):
            setattr(message, name, int(value.timestamp() * 1_000_000))
        elif isinstance(value, np.ndarray):
            getattr(message, name).extend(value.tolist())
        elif value is not None:
            setattr(message, name, value)
    return message


def _jsonable(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat()
        if isinstance(value, datetime)
        else value.tolist()
        if isinstance(value, np.ndarray)
        else value
        for name, value in columns.items()
    }


def batches() -> dict[str, list[ResultRow]]:
    """Return a batch of answers, and one of embeddings."""
    seen = [_observation(number) for number in range(BATCH)]
    how = Provenance(Usage(1_240, 96, 612), 2_350, 1, "0198c0de-run", "worker-7f3a", NOW)
    random = np.random.default_rng(1)
    vectors = random.normal(size=(BATCH, DIMENSION)).astype(np.float32)
    return {
        "answers": [
            ClassificationRow(
                TASK.key(observation.observation_id), observation.observation_id, False,
                observation, TASK, ANSWER, "STOP", how,
            )
            for observation in seen
        ],
        "embeddings": [
            EmbeddingRow(
                EMBEDDING.key(observation.observation_id), observation.observation_id, observation,
                EMBEDDING, vector, how,
            )
            for observation, vector in zip(seen, vectors, strict=True)
        ],
    }  # fmt: skip


def _observation(number: int) -> Observation:
    name = f"{number:08x}-5b1c-4f0e-9d5e-2f6a5f1f0c11"
    return Observation(
        observation_id=name,
        asset_id=f"asset-{number:012d}",
        snapshot_id="2026-11-01",
        asset_type="ASSET_CLASS_ROAD_SIGN",
        gcs_uri=f"gs://imagery-insights/2026-11-01/v0/{name}.jpg",
        latitude=52.0 + number / 1e5,
        longitude=5.0 + number / 1e5,
        capture_time=NOW - timedelta(days=number),
    )


@contextmanager
def sink() -> Iterator[tuple[BigQueryPlace, str]]:
    """Run a server that takes everything; yield a dataset there, and its URL for HTTP."""
    command = [sys.executable, "-m", "bench.append_sink"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        grpc_port, http_port = process.stdout.readline().split()
        http = f"http://127.0.0.1:{http_port}"
        yield (
            BigQueryPlace("p", "d", endpoint=http, storage_endpoint=f"127.0.0.1:{grpc_port}"),
            http,
        )
        process.stdin.close()


if __name__ == "__main__":
    report("writer", run())
