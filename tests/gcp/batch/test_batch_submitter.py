"""Batch jobs against the simulator: responses, retries, and recovery from kills."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any, cast

import orjson
import pytest

from sightline.errors import ConfigurationError, NotFoundError, TransientError
from sightline.gcp.batch.batch_submitter import MAX_FAILED_POLLS
from sightline.gcp.batch.jobs import VertexBatchJobs
from sightline.gcp.batch.requests import AnswerQuestion
from sightline.gcp.sql.jobs import MAX_ATTEMPTS
from sightline.model import EmbeddingPart, PartRequest
from sightline.sim.vertex import Behaviour, Fault, FaultMix
from sightline.sim.vertex.answers import MadeUpAnswers
from sightline.sim.vertex.requests import read_generate
from tests.contracts.warehouse_rig import answer_part, observation, task
from tests.gcp.batch.rig import (
    BATCHES,
    SEEN,
    SIGNS,
    SIGNS_PART,
    VECTORS_PART,
    Cloud,
    KilledError,
    open_cloud,
)
from tests.gcp.servers import BigQueryEmulator, GcsServer
from tests.gcp.sql.rig import GEMINI

pytestmark = [pytest.mark.needs("go")]

KEYS = sorted(SIGNS_PART.key(image.observation_id) for image in SEEN)


@pytest.fixture
async def cloud(bigquery_with_ledgers: BigQueryEmulator, gcs: GcsServer) -> AsyncIterator[Cloud]:
    """Yield the servers, with a run of six answers."""
    async with open_cloud(bigquery_with_ledgers, gcs) as cloud:
        yield cloud


async def balance(cloud: Cloud) -> tuple[int, int]:
    """Return the numbers of written and dead parts, of a run whose balance holds."""
    run_balance = await cloud.warehouse.runs.balance("run-1")
    assert run_balance.holds
    return run_balance.written, run_balance.dead


async def test_answers_and_vectors_are_written_and_the_folder_is_left_empty(
    bigquery_with_ledgers: BigQueryEmulator, gcs: GcsServer
) -> None:
    async with open_cloud(bigquery_with_ledgers, gcs, parts=(SIGNS_PART, VECTORS_PART)) as cloud:
        summary = await cloud.work()
        assert (summary.answers, summary.embeddings, summary.passes) == (6, 6, 2)
        keys = KEYS + [VECTORS_PART.key(image.observation_id) for image in SEEN]
        assert await cloud.written() == sorted(keys)
        assert await balance(cloud) == (12, 0)
        assert cloud.names() == []
        assert summary.cost_usd_micros > 0


@pytest.mark.extended
@pytest.mark.parametrize("keys", [True, False])
async def test_each_part_gets_its_own_answer(cloud: Cloud, keys: bool) -> None:
    cloud.pace(keys=keys, doubled=0.5)
    await cloud.work()
    rows = await cloud.warehouse.rows(
        "SELECT gcs_uri, TO_JSON_STRING(answer) FROM {classifications}"
    )
    answers = {uri: orjson.loads(answer) for uri, answer in rows}
    assert len(answers) == len(rows) == 6
    question, model = AnswerQuestion(SIGNS, model=GEMINI, run_id="run-1"), MadeUpAnswers()
    for image in SEEN:
        request = question.request(KEYS[0], [image.gcs_uri])
        assert answers[image.gcs_uri] == await model.generate(GEMINI, read_generate(request))


KILLS = {
    "after the requests are written": {"vertex": ("start", "before")},
    "after the job is created, before the response": {"vertex": ("start", "after")},
    "while the job runs": {"vertex": ("get", "before")},
    "after its output, before a row is loaded": {"stage": ("load", "before")},
    "after rows are loaded, before they are copied": {"stage": ("load", "after")},
    "after rows are copied, before they are settled": {"warehouse": ("run", "after")},
}


@pytest.mark.parametrize(
    "where",
    [pytest.param(it, marks=[pytest.mark.extended] if n else []) for n, it in enumerate(KILLS)],
)
async def test_a_killed_pass_is_finished_by_another_process(cloud: Cloud, where: str) -> None:
    cloud.pace(hold=where == "while the job runs")
    with pytest.raises(KilledError):
        await cloud.work(**KILLS[where])
    assert await cloud.written() == []
    cloud.jobs.pace.hold = False
    summary = await cloud.work("w2")
    assert summary.answers == 6
    assert await cloud.written() == KEYS, "each once"
    assert await balance(cloud) == (6, 0)
    assert len(cloud.jobs.jobs) == 1, "no part is paid for twice"
    assert cloud.names() == []


@pytest.mark.extended
async def test_two_jobs_of_one_name_are_both_used_and_no_third_is_started(cloud: Cloud) -> None:
    cloud.pace(ends=["JOB_STATE_EXPIRED"])
    with pytest.raises(KilledError):
        await cloud.work(vertex=("start", "after"))
    (job,) = cloud.jobs.jobs.values()
    await cloud.vertex.start(  # as a process does that does not know of the first
        job.request["displayName"],
        model=job.model,
        requests=job.request["inputConfig"]["gcsSource"]["uris"][0],
        output=job.request["outputConfig"]["gcsDestination"]["outputUriPrefix"],
        run_id="run-1",
    )
    summary = await cloud.work("w2")
    assert [job.answered for job in cloud.jobs.jobs.values()] == [3, 6], "no third"
    assert {resumed.resource for resumed in cloud.seen} == set(cloud.jobs.jobs), (
        "both were waited for"
    )
    assert summary.answers == 6
    assert await cloud.written() == KEYS
    assert await balance(cloud) == (6, 0)


@pytest.mark.extended
async def test_a_job_that_writes_elsewhere_is_not_paid_for_again(cloud: Cloud) -> None:
    with pytest.raises(KilledError):
        await cloud.work("w1", vertex=("start", "after"))
    was = cloud.folder
    cloud.folder = replace(was, root=replace(was.root, prefix="another"))
    with pytest.raises(ConfigurationError, match=r"restore the value of batch\.bucket"):
        await cloud.work("w2")
    cloud.folder = was
    assert (await cloud.work("w3")).answers == 6
    assert len(cloud.jobs.jobs) == 1


async def test_a_lost_response_to_create_starts_no_second_job(cloud: Cloud) -> None:
    cloud.pace(lose_answers=1)
    await cloud.work()
    assert len(cloud.jobs.jobs) == 1
    assert await cloud.written() == KEYS


@pytest.mark.extended
@pytest.mark.parametrize(
    "end", ["JOB_STATE_EXPIRED", "JOB_STATE_CANCELLED", "JOB_STATE_PARTIALLY_SUCCEEDED"]
)
async def test_the_output_of_an_unfinished_job_is_kept(cloud: Cloud, end: str) -> None:
    cloud.pace(ends=[end])
    summary = await cloud.work()
    assert (summary.answers, summary.passes) == (6, 2)
    first, second = cloud.jobs.jobs.values()
    assert (first.state, first.answered, second.answered) == (end, 3, 3)
    assert await cloud.written() == KEYS


@dataclass
class Outage:
    """Jobs whose next ``polls`` polls fail."""

    inner: Any
    polls: int

    def __getattr__(self, name: str) -> Any:
        """Return any other method of the jobs."""
        return getattr(self.inner, name)

    async def get(self, resource: str) -> Any:
        """Return the job, once the outage is over."""
        self.polls -= 1
        if self.polls >= 0:
            raise TransientError("out of reach; try again")
        return await self.inner.get(resource)


@pytest.mark.extended
async def test_a_job_is_waited_for_through_an_outage_but_not_for_ever(cloud: Cloud) -> None:
    cloud.vertex = cast(VertexBatchJobs, Outage(cloud.vertex, MAX_FAILED_POLLS))
    with pytest.raises(TransientError, match="out of reach"):
        await cloud.work()
    cloud.vertex = cast(VertexBatchJobs, Outage(cloud.vertex, MAX_FAILED_POLLS - 1))
    assert (await cloud.work("w2")).answers == 6
    assert len(cloud.jobs.jobs) == 1


@pytest.mark.extended
async def test_a_job_that_fails_transiently_is_started_again(cloud: Cloud) -> None:
    cloud.pace(ends=["JOB_STATE_FAILED"])
    summary = await cloud.work()
    assert summary.answers == 6
    assert [job.state for job in cloud.jobs.jobs.values()] == [
        "JOB_STATE_FAILED", "JOB_STATE_SUCCEEDED",
    ]  # fmt: skip
    assert len({job.request["displayName"] for job in cloud.jobs.jobs.values()}) == 2


@pytest.mark.extended
async def test_jobs_that_fail_repeatedly_end_the_work(cloud: Cloud) -> None:
    cloud.pace(ends=["JOB_STATE_FAILED"] * (MAX_ATTEMPTS + 1))
    with pytest.raises(TransientError, match=r"batchPredictionJobs/\d+ failed .*; run `sightline"):
        await cloud.work()
    assert len(cloud.jobs.jobs) == MAX_ATTEMPTS
    assert await balance(cloud) == (0, 0)
    cloud.pace()
    assert (await cloud.work("w2")).answers == 6, "earlier failures are skipped"


@pytest.mark.extended
async def test_a_job_that_is_not_permitted_says_what_to_grant(cloud: Cloud) -> None:
    cloud.pace(ends=["JOB_STATE_FAILED"], code=7)
    with pytest.raises(ConfigurationError, match="let Vertex AI's service agent read the images"):
        await cloud.work()
    assert len(cloud.jobs.jobs) == 1, "it is not tried again"
    assert await balance(cloud) == (0, 0)
    assert (await cloud.work("w2")).answers == 6, "once it is granted"


@pytest.mark.extended
@pytest.mark.parametrize(
    ("refuse", "error", "says"),
    [
        ("PERMISSION_DENIED", ConfigurationError, "grant roles/aiplatform.user"),
        ("UNAUTHENTICATED", ConfigurationError, "gcloud auth application-default login"),
        ("INVALID_ARGUMENT", ConfigurationError, "correct the model, vertex.location"),
        ("NOT_FOUND", NotFoundError, "correct the model, gcp.project or vertex.location"),
    ],
)
async def test_a_service_that_refuses_says_why_in_one_line(
    cloud: Cloud, refuse: str, error: type[Exception], says: str
) -> None:
    cloud.pace(refuse=refuse)
    with pytest.raises(error, match=says) as raised:
        await cloud.work()
    assert "\n" not in str(raised.value)
    assert cloud.jobs.jobs == {}


async def test_a_missing_bucket_is_named(cloud: Cloud) -> None:
    cloud.folder = type(cloud.folder)(
        cloud.folder.client,
        cloud.folder.place,
        type(cloud.folder.root)("no-such-bucket-at-all", "batch"),
    )
    with pytest.raises(NotFoundError, match=r"no-such-bucket-at-all.* set batch\.bucket"):
        await cloud.work()
    assert cloud.jobs.jobs == {}


@pytest.mark.extended
async def test_retryable_refusals_are_retried_and_permanent_ones_are_dead_letters(
    cloud: Cloud,
) -> None:
    shares = {Fault.THROTTLED: 0.3, Fault.IMAGE_GONE: 0.3, Fault.SAFETY: 0.2}
    cloud.simulator.behave(Behaviour(faults=FaultMix(shares)))
    summary = await cloud.work()
    while summary.stuck:  # two passes in a row may meet nothing but throttles
        summary = await cloud.work("w2")
    dead = await cloud.warehouse.runs.dead_by_reason("run-1")
    assert set(dead) <= {"image_gone", "blocked_by_safety"}
    written, lost = await balance(cloud)
    assert (written + lost, lost) == (6, sum(dead.values()))
    assert lost > 0
    answered = Counter(await cloud.written())
    assert set(answered.values()) <= {1}
    details = await cloud.warehouse.rows(
        "SELECT detail FROM {dead_letters} WHERE reason = 'image_gone'"
    )
    assert all("No such object: gs://" in detail for (detail,) in details)


@pytest.mark.extended
async def test_an_image_in_no_bucket_is_not_asked_about(
    bigquery_with_ledgers: BigQueryEmulator, gcs: GcsServer
) -> None:
    images = [*SEEN[:2], observation(7, gcs_uri="/home/me/a.jpg")]
    async with open_cloud(bigquery_with_ledgers, gcs, observations=images) as cloud:
        await cloud.work()
        assert await cloud.warehouse.runs.dead_by_reason("run-1") == {"bad_uri": 1}
        (job,) = cloud.jobs.jobs.values()
        assert job.answered == 2


@pytest.mark.extended
async def test_an_image_in_a_bucket_that_is_not_allowed_is_not_asked_about(
    new_bigquery_emulator: BigQueryEmulator, gcs: GcsServer
) -> None:
    images = [*SEEN[:2], observation(7, gcs_uri="gs://private/a.jpg")]
    async with open_cloud(
        new_bigquery_emulator, gcs, observations=images, allowed=("bucket",)
    ) as cloud:
        await cloud.work()
        assert await cloud.warehouse.runs.dead_by_reason("run-1") == {"bad_uri": 1}
        (job,) = cloud.jobs.jobs.values()
        assert job.answered == 2


@pytest.mark.extended
async def test_a_task_about_assets_sends_all_their_images(
    bigquery_with_ledgers: BigQueryEmulator, gcs: GcsServer
) -> None:
    whole = replace(task(by_asset=True), model=GEMINI)
    part = answer_part(whole)
    async with open_cloud(bigquery_with_ledgers, gcs, parts=(), tasks=[whole]) as cloud:
        await cloud.warehouse.open_run(PartRequest(part, by_asset=True))
        with pytest.raises(KilledError):
            await cloud.work(vertex=("start", "before"))
        (name,) = cloud.names()
        blob = cloud.folder.client.bucket(cloud.folder.root.bucket).blob(name)
        lines_sent = [orjson.loads(line) for line in blob.download_as_bytes().splitlines()]
        images = {
            line["key"]: tuple(image.uri for image in read_generate(line["request"]).images)
            for line in lines_sent
        }
        by_asset: dict[str, set[str]] = {}
        for shown_image in SEEN:
            by_asset.setdefault(part.key(shown_image.asset_id), set()).add(shown_image.gcs_uri)
        assert {key: set(uris) for key, uris in images.items()} == by_asset
        await cloud.work("w2")
        assert await cloud.written() == sorted(by_asset)


@pytest.mark.extended
async def test_lines_about_other_parts_are_ignored(
    cloud: Cloud, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(KilledError):
        await cloud.work(stage=("load", "before"))
    (name,) = [name for name in cloud.names() if name.endswith("predictions.jsonl")]
    blob = cloud.folder.client.bucket(cloud.folder.root.bucket).blob(name)
    stranger = b'{"key":"%s","status":"","response":{"candidates":[]}}' % (b"f" * 64)
    blob.upload_from_string(blob.download_as_bytes() + stranger + b'\n{"key":"12')
    await cloud.work("w2")
    assert await cloud.written() == KEYS
    assert "1 lines name no part, 0 name a part again, 1 parts were not asked about" in caplog.text


@pytest.mark.extended
async def test_an_output_of_unknown_form_is_not_paid_for_again(cloud: Cloud) -> None:
    with pytest.raises(KilledError):
        await cloud.work(stage=("load", "before"))
    (name,) = [name for name in cloud.names() if name.endswith("predictions.jsonl")]
    blob = cloud.folder.client.bucket(cloud.folder.root.bucket).blob(name)
    whole = blob.download_as_bytes()
    blob.upload_from_string(b'{"response": {}}\n' * 6)
    for worker_id in ("w2", "w3"):
        with pytest.raises(ConfigurationError, match=r"none of 6 lines below gs://.* cancel"):
            await cloud.work(worker_id)
    assert len(cloud.jobs.jobs) == 1
    blob.upload_from_string(whole)
    assert (await cloud.work("w4")).answers == 6


@pytest.mark.extended
async def test_a_cancelled_run_keeps_the_output_of_the_running_job(cloud: Cloud) -> None:
    with pytest.raises(KilledError):
        await cloud.work(vertex=("start", "after"))
    batches = cloud.warehouse.batches_by(cloud.submitter(), "w2")
    batch = BATCHES[SIGNS_PART]
    async with batches.claim(batch):
        await batches.open(batch)
        assert await batches.left(batch) == 0, "the job was waited for"


async def test_a_model_that_batch_jobs_do_not_support_is_refused(cloud: Cloud) -> None:
    with pytest.raises(ConfigurationError, match="--engine bigquery"):
        await cloud.submitter().prepare(EmbeddingPart("multimodalembedding@001", 512))
