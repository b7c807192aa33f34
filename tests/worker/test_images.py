"""Messages name images of allowed buckets only: those of the settings, or those enqueued."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from sightline.errors import ConfigurationError, PermanentError, Reason, TransientError
from sightline.model import Observation
from sightline.ports import Classification, Embedding
from sightline.settings import AdapterSettings, ImageSettings, Settings
from sightline.tasks import TaskSpec
from tests.worker.signs import TASK
from worker.messages.images import AllowedBuckets, bucket_of, checked_models


def seen(uri: str) -> Observation:
    return Observation("o1", "a1", "s1", "ASSET_CLASS_ROAD_SIGN", uri)


@dataclass
class RecordingModels:
    """Models that note what they were asked about, and ledgers that know some buckets."""

    buckets: set[str] = field(default_factory=lambda: {"own"})
    uris: list[str] = field(default_factory=list)
    reads: int = 0
    model: str = "m"
    dimension: int = 4
    failures: list[Exception] = field(default_factory=list)

    def classifier(self, model: str) -> RecordingModels:
        if model != self.model:
            raise ConfigurationError("no such model; set it")
        return self

    def embedder(self, model: str, dimension: int) -> RecordingModels:
        return self

    async def classify(
        self, task: TaskSpec, observations: Sequence[Observation], *, run_id: str
    ) -> Classification:
        self.uris += [observation.gcs_uri for observation in observations]
        return Classification({})

    async def embed_image(self, observation: Observation, *, run_id: str) -> Embedding:
        self.uris.append(observation.gcs_uri)
        return Embedding([1.0])

    async def embed_text(self, text: str) -> Embedding:
        return Embedding([1.0])

    async def image_buckets(self) -> frozenset[str]:
        self.reads += 1
        if self.failures:
            raise self.failures.pop()
        await asyncio.sleep(0)
        return frozenset(self.buckets)


async def ask(recording: RecordingModels, settings: Settings, *uris: str) -> None:
    models = checked_models(recording, recording, settings)  # type: ignore[arg-type]  # a part of the port
    observations = [seen(uri) for uri in uris]
    await models.classifier("m").classify(TASK, observations, run_id="r")
    for observation in observations:
        await models.embedder("m", 4).embed_image(observation, run_id="r")


VERTEX = Settings(engine="gcp")


async def test_a_bucket_that_was_enqueued_is_allowed() -> None:
    recording = RecordingModels()
    await ask(recording, VERTEX, "gs://own/a.jpg", "gs://own/b.jpg")
    assert sorted(recording.uris) == sorted(["gs://own/a.jpg", "gs://own/b.jpg"] * 2)
    assert recording.reads == 1


@pytest.mark.parametrize("uri", ["gs://private/a.jpg", "gs://own.private/a.jpg", "gs://o/wn/a.jpg"])
@pytest.mark.parametrize("named", [(), ("own",)])
async def test_another_bucket_is_a_bad_uri_and_no_model_is_asked(
    uri: str, named: tuple[str, ...]
) -> None:
    recording = RecordingModels()
    settings = replace(VERTEX, images=ImageSettings(buckets=named))
    with pytest.raises(PermanentError, match=r"images\.buckets") as caught:
        await ask(recording, settings, "gs://own/a.jpg", uri)
    assert caught.value.reason is Reason.BAD_URI
    assert caught.value.cost_usd_micros == 0
    assert recording.uris == []
    embedder = checked_models(recording, recording, settings).embedder("m", 4)  # type: ignore[arg-type]  # see above
    with pytest.raises(PermanentError, match=r"images\.buckets"):
        await embedder.embed_image(seen(uri), run_id="r")
    assert recording.uris == []


async def test_buckets_of_the_settings_are_the_only_ones_and_no_ledger_is_read() -> None:
    recording = RecordingModels(buckets={"own", "other"})
    settings = replace(VERTEX, images=ImageSettings(buckets=("named",)))
    await ask(recording, settings, "gs://named/a.jpg")
    with pytest.raises(PermanentError, match=r"images\.buckets does not name"):
        await ask(recording, settings, "gs://other/a.jpg")
    assert recording.reads == 0


async def test_a_bucket_enqueued_while_the_worker_runs_is_allowed() -> None:
    recording = RecordingModels()
    models = checked_models(recording, recording, VERTEX)  # type: ignore[arg-type]  # a part of the port
    await models.embedder("m", 4).embed_image(seen("gs://own/a.jpg"), run_id="r")
    recording.buckets.add("new")
    await models.embedder("m", 4).embed_image(seen("gs://new/a.jpg"), run_id="r")
    assert recording.uris == ["gs://own/a.jpg", "gs://new/a.jpg"]


async def test_messages_at_once_read_the_ledger_a_few_times_at_most() -> None:
    recording, times = RecordingModels(), iter(range(1000))
    buckets = AllowedBuckets((), recording.image_buckets, monotonic=lambda: float(next(times)))
    checks = (buckets.check([seen(f"gs://forged-{number}/a.jpg")]) for number in range(100))
    results = await asyncio.gather(*checks, return_exceptions=True)
    assert all(isinstance(result, PermanentError) for result in results)
    assert recording.reads <= 2


async def test_a_ledger_that_cannot_be_read_now_is_read_again() -> None:
    recording = RecordingModels(failures=[TransientError("out of reach; trying again")])
    buckets = AllowedBuckets((), recording.image_buckets, monotonic=lambda: 0.0)
    with pytest.raises(TransientError):
        await buckets.check([seen("gs://own/a.jpg")])
    await buckets.check([seen("gs://own/a.jpg")])


@pytest.mark.parametrize("adapter", ["local", "gemini", "openai"])
async def test_a_model_that_is_sent_bytes_refuses_buckets_itself(adapter: str) -> None:
    recording = RecordingModels()
    named = AdapterSettings(classify=adapter, embed="local")  # type: ignore[arg-type]  # one of them
    await ask(recording, Settings(adapters=named), "gs://anything/a.jpg")
    assert recording.reads == 0


def test_the_bucket_of_a_uri_is_what_stands_before_the_first_slash() -> None:
    assert bucket_of("gs://a.b-c/d/e.jpg") == "a.b-c"
    assert bucket_of("gs://a") == "a"
    assert bucket_of("file:///gs://a/b") == ""


async def test_a_model_that_is_not_configured_is_still_refused() -> None:
    recording = RecordingModels()
    with pytest.raises(ConfigurationError):
        checked_models(recording, recording, VERTEX).classifier("other")  # type: ignore[arg-type]  # see above
