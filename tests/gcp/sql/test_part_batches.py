"""Batches on the emulator: asked about, judged, written once, and retried where that may help."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from sightline.errors import BusyError, Reason
from sightline.model import PartRequest
from sightline.ports import PartBatch
from sightline.tasks import TaskSpec
from sightline.wire import decode
from tests.contracts.warehouse_rig import NOW, answer_part, observation, task
from tests.gcp.servers import BigQueryEmulator
from tests.gcp.sql.rig import EMBEDDING, GEMINI, RETRY, Response, Warehouse, open_warehouse

pytestmark = [pytest.mark.needs("go")]

ANSWER = '{"kind":"stop","tilted":true,"count":2,"height":3.5,"note":"é","damage":["rust"]}'
SEEN = [observation(number) for number in range(6)]
SIGNS: TaskSpec = replace(task(), model=GEMINI)
SIGNS_PART = answer_part(SIGNS)
SIGNS_BATCH = PartBatch("run-1", SIGNS_PART)
VECTORS_BATCH = PartBatch("run-1", EMBEDDING)
KEYS = [SIGNS_PART.key(image.observation_id) for image in SEEN]


@pytest.fixture
async def warehouse(bigquery_with_ledgers: BigQueryEmulator) -> AsyncIterator[Warehouse]:
    """Yield a dataset with six observations."""
    async with open_warehouse(bigquery_with_ledgers, SEEN, [SIGNS]) as warehouse:
        yield warehouse


@pytest.mark.extended
async def test_answers_are_written_as_workers_write_them(warehouse: Warehouse) -> None:
    await warehouse.open_run(PartRequest(SIGNS_PART))
    assert list(await warehouse.batches.batches()) == [SIGNS_BATCH]
    await warehouse.batches.open(SIGNS_BATCH)
    assert await warehouse.batches.left(SIGNS_BATCH) == 6
    await warehouse.prepare_responses(1, {key: Response(answer=ANSWER) for key in KEYS})

    outcome = await warehouse.batches.ask(SIGNS_BATCH, 100)
    assert (outcome.answered, outcome.retryable, outcome.refused) == (6, 0, {})
    assert await warehouse.batches.left(SIGNS_BATCH) == 0, (
        "a stored response is not requested again"
    )
    await warehouse.batches.settle(SIGNS_BATCH)
    await warehouse.batches.settle(SIGNS_BATCH)

    rows = await warehouse.rows(
        "SELECT part_key, observation_id, gcs_uri, latitude, capture_time, task, model,"
        " TO_JSON_STRING(answer), finish_reason, input_tokens, output_tokens, cost_usd_micros,"
        " run_id, worker_id, attempt FROM {classifications} ORDER BY observation_id"
    )
    assert len(rows) == 6, "settled twice, written once"
    first = rows[0]
    assert first[:7] == (
        KEYS[0], SEEN[0].observation_id, SEEN[0].gcs_uri, SEEN[0].latitude, SEEN[0].capture_time,
        SIGNS.name, GEMINI,
    )  # fmt: skip
    assert json.loads(first[7]) == json.loads(ANSWER)
    assert first[8:12] == ("STOP", 1000, 50, outcome.cost_usd_micros // 6)
    assert first[12:] == ("run-1", "w1", 1)
    balance = await warehouse.runs.balance("run-1")
    assert (balance.written, balance.holds) == (6, True)
    await warehouse.batches.close(SIGNS_BATCH)


@pytest.mark.extended
async def test_vectors_are_written_at_unit_length(warehouse: Warehouse) -> None:
    await warehouse.open_run(PartRequest(EMBEDDING))
    await warehouse.batches.open(VECTORS_BATCH)
    keys = [EMBEDDING.key(image.observation_id) for image in SEEN]
    responses = {key: Response(vector=(0.0, 3.0, 4.0, 0.0)) for key in keys[:4]}
    responses[keys[4]] = Response(vector=(1.0, 2.0))
    responses[keys[5]] = Response(vector=(0.0, 0.0, 0.0, 0.0))
    await warehouse.prepare_responses(1, responses)
    outcome = await warehouse.batches.ask(VECTORS_BATCH, 100)
    assert outcome.answered == 4
    assert outcome.refused == {Reason.ANSWER_INVALID.value: 2}
    await warehouse.batches.settle(VECTORS_BATCH)
    table = warehouse.client.place.table("embeddings_gemini_embedding_2_4")
    rows = await warehouse.client.rows(f"SELECT embedding, dimension FROM {table}")
    assert rows == [([0.0, 0.6, 0.8, 0.0], 4)] * 4
    assert await warehouse.runs.dead_by_reason("run-1") == {Reason.ANSWER_INVALID.value: 2}


async def test_each_outcome_goes_where_it_belongs(warehouse: Warehouse) -> None:
    await warehouse.open_run(PartRequest(SIGNS_PART))
    await warehouse.batches.open(SIGNS_BATCH)
    responses = [
        Response(answer=ANSWER),
        Response(answer=ANSWER.replace("stop", "go")),
        Response(answer='{"kind":"stop"', ending="MAX_TOKENS"),
        Response(status="gs://bucket/x.jpg was not found"),
        Response(status=RETRY),
        Response(ending="SAFETY"),
    ]
    await warehouse.prepare_responses(1, dict(zip(KEYS, responses, strict=True)))
    outcome = await warehouse.batches.ask(SIGNS_BATCH, 100)
    assert (outcome.answered, outcome.retryable) == (1, 1)
    refused = {"answer_invalid": 1, "answer_truncated": 1, "blocked_by_safety": 1, "image_gone": 1}
    assert outcome.refused == refused
    await warehouse.batches.settle(SIGNS_BATCH)
    assert await warehouse.runs.dead_by_reason("run-1") == refused
    assert await warehouse.batches.left(SIGNS_BATCH) == 1

    rows = await warehouse.rows("SELECT body, part_key, detail FROM {dead_letters}")
    for body, part_key, _ in rows:
        message = decode(body.encode())
        assert message.part_keys() == (part_key,)
        assert message.observations[0] in SEEN
    assert any("not found" in detail for _, _, detail in rows)

    await warehouse.prepare_responses(2, {KEYS[4]: Response(answer=ANSWER)})
    again = await warehouse.batches.ask(SIGNS_BATCH, 100)
    assert (again.answered, again.retryable, again.refused) == (1, 0, {})
    await warehouse.batches.settle(SIGNS_BATCH)
    balance = await warehouse.runs.balance("run-1")
    assert (balance.written, balance.dead, balance.queued + balance.to_publish) == (2, 4, 0)


@pytest.mark.extended
async def test_a_replayed_dead_letter_is_asked_again(warehouse: Warehouse) -> None:
    await warehouse.open_run(PartRequest(SIGNS_PART))
    await warehouse.batches.open(SIGNS_BATCH)
    responses = {key: Response(answer=ANSWER) for key in KEYS[1:]}
    await warehouse.prepare_responses(1, {**responses, KEYS[0]: Response(ending="RECITATION")})
    await warehouse.batches.ask(SIGNS_BATCH, 100)
    await warehouse.batches.settle(SIGNS_BATCH)
    assert await warehouse.batches.left(SIGNS_BATCH) == 0
    dead = warehouse.client.place.table("dead_letters")
    await warehouse.client.execute(
        f"INSERT INTO {dead} (event_id, part_key, run_id, event, reason, `at`)"
        f" SELECT 'again', part_key, run_id, 'replayed', reason,"
        f" TIMESTAMP_ADD(letter.at, INTERVAL 1 HOUR) FROM {dead} AS letter"
    )
    assert await warehouse.batches.left(SIGNS_BATCH) == 1
    await warehouse.prepare_responses(2, {KEYS[0]: Response(answer=ANSWER)})
    assert (await warehouse.batches.ask(SIGNS_BATCH, 100)).answered == 1
    await warehouse.batches.settle(SIGNS_BATCH)
    assert (await warehouse.runs.balance("run-1")).written == 6


@pytest.mark.extended
async def test_a_pass_asks_about_no_more_parts_than_requested(warehouse: Warehouse) -> None:
    await warehouse.open_run(PartRequest(SIGNS_PART))
    await warehouse.batches.open(SIGNS_BATCH)
    for pass_ in (1, 2):
        await warehouse.prepare_responses(pass_, {key: Response(answer=ANSWER) for key in KEYS})
    assert (await warehouse.batches.ask(SIGNS_BATCH, 4)).answered == 4
    await warehouse.batches.settle(SIGNS_BATCH)
    assert (await warehouse.batches.ask(SIGNS_BATCH, 4)).answered == 2


async def test_responses_that_were_not_written_are_found_by_the_next_process(
    warehouse: Warehouse,
) -> None:
    await warehouse.open_run(PartRequest(SIGNS_PART))
    await warehouse.batches.open(SIGNS_BATCH)
    await warehouse.prepare_responses(1, {key: Response(answer=ANSWER) for key in KEYS})
    await warehouse.batches.ask(SIGNS_BATCH, 100)
    # killed here: another process opens the batch
    assert await warehouse.batches.unsettled(SIGNS_BATCH) == 6
    await warehouse.batches.open(SIGNS_BATCH)
    assert (await warehouse.batches.outcome(SIGNS_BATCH)).answered == 6
    await warehouse.batches.settle(SIGNS_BATCH)
    assert (await warehouse.runs.balance("run-1")).written == 6
    assert await warehouse.batches.unsettled(SIGNS_BATCH) == 0


@pytest.mark.extended
async def test_the_refusals_of_a_denied_pass_are_discarded(warehouse: Warehouse) -> None:
    await warehouse.open_run(PartRequest(SIGNS_PART))
    await warehouse.batches.open(SIGNS_BATCH)
    await warehouse.prepare_responses(
        1, {key: Response(status="PERMISSION_DENIED: connection") for key in KEYS}
    )
    outcome = await warehouse.batches.ask(SIGNS_BATCH, 100)
    assert outcome.refused == {Reason.PERMISSION_DENIED.value: 6}
    await warehouse.batches.discard(SIGNS_BATCH)
    await warehouse.batches.settle(SIGNS_BATCH)
    assert await warehouse.runs.dead_by_reason("run-1") == {}
    assert await warehouse.batches.left(SIGNS_BATCH) == 6


@pytest.mark.extended
async def test_an_image_in_no_bucket_costs_nothing(bigquery_with_ledgers: BigQueryEmulator) -> None:
    local = replace(SEEN[0], gcs_uri="file:///photos/a.jpg")
    async with open_warehouse(bigquery_with_ledgers, [local, SEEN[1]], [SIGNS]) as warehouse:
        await warehouse.open_run(PartRequest(SIGNS_PART))
        await warehouse.batches.open(SIGNS_BATCH)
        assert await warehouse.batches.left(SIGNS_BATCH) == 1
        await warehouse.batches.settle(SIGNS_BATCH)
        assert await warehouse.runs.dead_by_reason("run-1") == {Reason.BAD_URI.value: 1}


@pytest.mark.extended
async def test_an_image_in_a_bucket_that_is_not_allowed_costs_nothing(
    bigquery_emulator: BigQueryEmulator,
) -> None:
    images = [
        replace(SEEN[0], gcs_uri="gs://private/a.jpg"),
        replace(SEEN[1], gcs_uri="gs://bucket.private/a.jpg"),
        replace(SEEN[2], gcs_uri="gs://bucket"),
        SEEN[3],
    ]
    async with open_warehouse(bigquery_emulator, images, [SIGNS], buckets=("bucket",)) as warehouse:
        await warehouse.open_run(PartRequest(SIGNS_PART))
        await warehouse.batches.open(SIGNS_BATCH)
        left = await warehouse.batches.left(SIGNS_BATCH)
        await warehouse.batches.settle(SIGNS_BATCH)
        assert await warehouse.runs.dead_by_reason("run-1") == {Reason.BAD_URI.value: 4 - left}
        letters = await warehouse.rows("SELECT detail FROM {dead_letters}")
        assert any("images.buckets" in detail for (detail,) in letters)
        assert left <= 2, "SEEN[3], and a bucket without an object, which no model can read"


@pytest.mark.extended
async def test_an_image_in_no_bucket_is_a_dead_letter_again_when_it_is_replayed(
    bigquery_with_ledgers: BigQueryEmulator,
) -> None:
    local = replace(SEEN[0], gcs_uri="file:///photos/a.jpg")
    async with open_warehouse(bigquery_with_ledgers, [local], [SIGNS]) as warehouse:
        await warehouse.open_run(PartRequest(SIGNS_PART))
        await warehouse.batches.open(SIGNS_BATCH)
        await warehouse.batches.settle(SIGNS_BATCH)
        dead = warehouse.client.place.table("dead_letters")
        await warehouse.client.execute(
            f"INSERT INTO {dead} (event_id, part_key, run_id, event, reason, `at`)"
            f" SELECT 'again', part_key, run_id, 'replayed', reason,"
            f" TIMESTAMP_ADD(letter.at, INTERVAL 1 MICROSECOND) FROM {dead} AS letter"
        )
        await warehouse.batches.open(SIGNS_BATCH)
        assert await warehouse.batches.left(SIGNS_BATCH) == 0, "no model is asked about it"
        await warehouse.batches.settle(SIGNS_BATCH)
        assert await warehouse.batches.left(SIGNS_BATCH) == 0
        assert await warehouse.runs.dead_by_reason("run-1") == {Reason.BAD_URI.value: 1}


@pytest.mark.extended
async def test_no_part_is_left_of_a_run_that_is_cancelled_meanwhile(warehouse: Warehouse) -> None:
    await warehouse.open_run(PartRequest(SIGNS_PART))
    await warehouse.batches.open(SIGNS_BATCH)
    assert await warehouse.batches.left(SIGNS_BATCH) == 6
    await warehouse.runs.cancel("run-1", now=NOW)
    assert await warehouse.batches.left(SIGNS_BATCH) == 0


@pytest.mark.extended
async def test_a_table_that_was_dropped_does_not_stop_the_work(warehouse: Warehouse) -> None:
    await warehouse.open_run(PartRequest(SIGNS_PART))
    await warehouse.batches.open(SIGNS_BATCH)
    for pass_ in (1, 2):
        await warehouse.prepare_responses(pass_, {key: Response(answer=ANSWER) for key in KEYS})
    await warehouse.batches.ask(SIGNS_BATCH, 100)
    (asked_table,) = [
        table for table in await warehouse.client.tables() if table.startswith("asked_")
    ]
    await warehouse.client.execute(f"DROP TABLE {warehouse.client.place.table(asked_table)}")
    await warehouse.batches.open(SIGNS_BATCH)
    assert (await warehouse.batches.ask(SIGNS_BATCH, 100)).answered == 6, "under the next number"


async def test_a_batch_is_locked_by_one_process(warehouse: Warehouse) -> None:
    async with warehouse.batches.claim(SIGNS_BATCH):
        with pytest.raises(BusyError, match="run run-1 is held by w1"):
            async with warehouse.batches.claim(SIGNS_BATCH):
                pass
        async with warehouse.batches.claim(VECTORS_BATCH):
            pass


@pytest.mark.extended
async def test_an_asset_is_asked_about_once_with_all_its_images(
    bigquery_with_ledgers: BigQueryEmulator,
) -> None:
    whole = replace(task("assets", by_asset=True), model=GEMINI)
    part = answer_part(whole)
    batch = PartBatch("run-1", part, by_asset=True)
    async with open_warehouse(bigquery_with_ledgers, SEEN, [whole]) as warehouse:
        await warehouse.open_run(PartRequest(part, by_asset=True))
        assert list(await warehouse.batches.batches()) == [batch]
        await warehouse.batches.open(batch)
        assert await warehouse.batches.left(batch) == 3
        keys = [part.key(image.asset_id) for image in SEEN]
        await warehouse.prepare_responses(
            1, {key: Response(answer=ANSWER) for key in dict.fromkeys(keys)}
        )
        await warehouse.batches.ask(batch, 100)
        await warehouse.batches.settle(batch)
        rows = await warehouse.rows(
            "SELECT subject_id, observation_id FROM {classifications} ORDER BY subject_id"
        )
        assert rows == [(asset_id, None) for asset_id in sorted({image.asset_id for image in SEEN})]


@pytest.mark.extended
async def test_a_remote_model_is_created_once_and_replaced_when_it_changes(
    warehouse: Warehouse,
) -> None:
    for _ in range(2):
        await warehouse.batches.open(SIGNS_BATCH)
    assert len(warehouse.store.defined) == 1
    name, old = next(iter(warehouse.store.by_name.items()))
    warehouse.store.by_name[name] = replace(old, endpoint="https://elsewhere.example")
    await warehouse.batches.open(SIGNS_BATCH)
    assert len(warehouse.store.defined) == 2
