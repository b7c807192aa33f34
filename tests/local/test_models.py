"""The offline model: images shared, batched, read off the loop; answers valid, never invented."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sightline.errors import ConfigurationError, PermanentError, Reason, TransientError
from sightline.local.models import LocalClassifier, LocalEmbedder, LocalVision
from sightline.local.models.adapters import mean_direction
from sightline.local.noop import NoopClassifier, NoopEmbedder
from sightline.model import Observation, Usage
from sightline.settings import ImageSettings, ModelSettings
from sightline.tasks import TaskSpec, load_tasks, parse_task, shipped_directory
from sightline.vision.card import Card
from sightline.vision.protocol import Vectors

IMAGES = ImageSettings(max_bytes=100_000, max_pixels=100_000)
TASK = """
name = "everything"
description = "One field of each type."
prompt = "Look."
[fields.kind]
type = "enum"
values = ["a", "unknown"]
description = "x"
[fields.flag]
type = "boolean"
description = "x"
[fields.notes]
type = "string"
description = "x"
[fields.count]
type = "integer"
minimum = 0
description = "x"
[fields.size]
type = "number"
description = "x"
[fields.seen]
type = "list"
values = ["a", "b"]
description = "x"
"""


class FakeEncoder:
    """An encoder whose vector is the picture's mean colour; it can be held, and remembers calls."""

    name = "fake-1"
    dimension = 3
    preferred_size = (8, 8)
    card = Card("fake", "1", 3, 0, "", "", 0.0, (), {})

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.threads: set[int] = set()
        self.decoded = 0
        self.failure: Exception | None = None
        self.go = threading.Event()
        self.go.set()

    def preprocess(self, image: Image.Image) -> NDArray[Any]:
        self.threads.add(threading.get_ident())
        self.decoded += 1
        colour: NDArray[Any] = np.asarray(image, np.float32).mean(axis=(0, 1))
        return colour

    def encode_images(self, images: Sequence[NDArray[Any] | Image.Image]) -> Vectors:
        self.threads.add(threading.get_ident())
        self.go.wait()
        if self.failure is not None:
            raise self.failure
        self.batches.append(len(images))
        stacked = np.stack([np.asarray(image, np.float32) for image in images])
        unit: Vectors = stacked / np.linalg.norm(stacked, axis=1, keepdims=True)
        return unit

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        self.threads.add(threading.get_ident())
        return np.stack([np.eye(3, dtype=np.float32)[len(text) % 3] for text in texts])

    def unknown_words(self, text: str) -> list[str]:
        return []

    def says_nothing(self, text: str) -> bool:
        return not text


@pytest.fixture
def encoder() -> FakeEncoder:
    return FakeEncoder()


def vision_of(encoder: FakeEncoder, batch_size: int = 4) -> LocalVision:
    return LocalVision(encoder, images=IMAGES, batch_size=batch_size)


def photograph(folder: Path, name: str, colour: tuple[int, int, int] = (200, 0, 0)) -> Observation:
    path = folder / name
    Image.new("RGB", (20, 20), colour).save(path, "PNG")
    return observation(path)


def observation(path: Path) -> Observation:
    return Observation(path.name, path.name, "s", "ASSET_CLASS_ROAD_SIGN", path.as_uri())


async def until(condition: Any) -> None:
    """Let the loop and the threads go on until the condition holds."""
    while not condition():  # noqa: ASYNC110 - threads change it, no event of the loop does
        await asyncio.sleep(0)


async def test_an_image_is_read_and_encoded_once_for_all_who_ask(
    tmp_path: Path, encoder: FakeEncoder
) -> None:
    image = photograph(tmp_path, "a.png")
    async with vision_of(encoder) as vision:
        embedder, classifier = LocalEmbedder(vision), LocalClassifier(vision)
        answers = await asyncio.gather(
            embedder.embed_image(image, run_id="r"),
            classifier.classify(parse_task(TASK), [image], run_id="r"),
            embedder.embed_image(image, run_id="r"),
        )
        again = await embedder.embed_image(image, run_id="r")
    assert (encoder.batches, encoder.decoded) == ([1], 1)
    vector: object = answers[0].vector
    assert isinstance(vector, np.ndarray)
    assert answers[0].vector is answers[2].vector is again.vector
    assert answers[0].usage == answers[1].usage == Usage()


async def test_an_image_that_changed_is_read_again(tmp_path: Path, encoder: FakeEncoder) -> None:
    image = photograph(tmp_path, "a.png", (200, 0, 0))
    async with vision_of(encoder) as vision:
        before = await vision.image_vector(image.gcs_uri)
        photograph(tmp_path, "a.png", (0, 200, 0))
        os.utime(tmp_path / "a.png", ns=(0, 0))
        after = await vision.image_vector(image.gcs_uri)
        (tmp_path / "a.png").unlink()
        with pytest.raises(PermanentError, match="image_gone"):
            await vision.image_vector(image.gcs_uri)
    assert (before.tolist(), after.tolist()) == ([1, 0, 0], [0, 1, 0])


async def test_images_that_wait_go_through_the_model_together(
    tmp_path: Path, encoder: FakeEncoder
) -> None:
    photographs = [photograph(tmp_path, f"{n}.png", (n, 255 - n, 0)) for n in range(10)]
    async with vision_of(encoder, batch_size=4) as vision:
        encoder.go.clear()
        waiting = [
            asyncio.create_task(vision.image_vector(picture.gcs_uri)) for picture in photographs
        ]
        await until(lambda: encoder.decoded == 10)
        encoder.go.set()
        vectors = await asyncio.gather(*waiting)
    assert sum(encoder.batches) == 10
    assert max(encoder.batches) == 4
    for n, vector in enumerate(vectors):
        assert vector.dtype == np.float32
        assert vector[0] / vector[1] == pytest.approx(n / (255 - n))


async def test_images_in_memory_are_bounded(tmp_path: Path, encoder: FakeEncoder) -> None:
    photographs = [photograph(tmp_path, f"{n}.png", (n + 1, 0, 0)) for n in range(20)]
    async with vision_of(encoder, batch_size=2) as vision:
        encoder.go.clear()
        waiting = [
            asyncio.create_task(vision.image_vector(picture.gcs_uri)) for picture in photographs
        ]
        await until(lambda: encoder.decoded == 8)
        assert encoder.decoded == 4 * 2
        encoder.go.set()
        await asyncio.gather(*waiting)
    assert encoder.decoded == 20


async def test_a_bad_image_fails_alone(tmp_path: Path, encoder: FakeEncoder) -> None:
    good = [photograph(tmp_path, f"{n}.png", (n + 1, 0, 0)) for n in range(3)]
    (tmp_path / "text.jpg").write_text("no image")
    bad = [observation(tmp_path / "gone.jpg"), observation(tmp_path / "text.jpg")]
    async with vision_of(encoder) as vision:
        embedder = LocalEmbedder(vision)
        outcomes = await asyncio.gather(
            *(embedder.embed_image(image, run_id="r") for image in [*good, *bad]),
            return_exceptions=True,
        )
    reasons = [
        outcome.reason if isinstance(outcome, PermanentError) else None for outcome in outcomes
    ]
    assert reasons == [None, None, None, Reason.IMAGE_GONE, Reason.IMAGE_UNREADABLE]


async def test_a_model_that_fails_tells_all_who_wait_and_goes_on(
    tmp_path: Path, encoder: FakeEncoder
) -> None:
    first, second = photograph(tmp_path, "a.png"), photograph(tmp_path, "b.png")
    async with vision_of(encoder) as vision:
        encoder.failure = TransientError("the model stumbled; it is tried again")
        outcomes = await asyncio.gather(
            vision.image_vector(first.gcs_uri),
            vision.image_vector(second.gcs_uri),
            return_exceptions=True,
        )
        assert [type(error) for error in outcomes] == [TransientError] * 2
        encoder.failure = None
        assert (await vision.image_vector(first.gcs_uri)).tolist() == [1, 0, 0]


async def test_a_cancelled_caller_leaves_the_work_to_the_others(
    tmp_path: Path, encoder: FakeEncoder
) -> None:
    image = photograph(tmp_path, "a.png")
    async with vision_of(encoder) as vision:
        encoder.go.clear()
        leaving, staying = (
            asyncio.create_task(vision.image_vector(image.gcs_uri)) for _ in range(2)
        )
        await until(lambda: encoder.decoded == 1)
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        encoder.go.set()
        assert (await staying).tolist() == [1, 0, 0]


async def test_work_that_everyone_left_is_finished_for_the_next(
    tmp_path: Path, encoder: FakeEncoder
) -> None:
    image = photograph(tmp_path, "a.png")
    gone = observation(tmp_path / "gone.png")
    async with vision_of(encoder) as vision:
        encoder.go.clear()
        callers = [asyncio.create_task(vision.image_vector(at.gcs_uri)) for at in (image, gone)]
        await until(lambda: encoder.decoded == 1)
        for caller in callers:
            caller.cancel()
        await asyncio.gather(*callers, return_exceptions=True)
        encoder.go.set()
        await vision.image_vector(image.gcs_uri)
    assert encoder.batches == [1]


async def test_closing_tells_those_who_wait_and_leaves_no_task(
    tmp_path: Path, encoder: FakeEncoder
) -> None:
    image = photograph(tmp_path, "a.png")
    before = asyncio.all_tasks()
    async with vision_of(encoder) as vision:
        encoder.go.clear()
        waiting = asyncio.create_task(vision.image_vector(image.gcs_uri))
        await until(lambda: encoder.decoded == 1)
        asyncio.get_running_loop().call_soon(encoder.go.set)
    with pytest.raises(TransientError, match="the model is closed"):
        await waiting
    with pytest.raises(TransientError, match="the model is closed"):
        await vision.image_vector(image.gcs_uri)
    assert asyncio.all_tasks() == before
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("sightline")]


async def test_nothing_heavy_runs_in_the_loops_thread(tmp_path: Path, encoder: FakeEncoder) -> None:
    image = photograph(tmp_path, "a.png")
    async with vision_of(encoder) as vision:
        await LocalClassifier(vision).classify(parse_task(TASK), [image], run_id="r")
        await LocalEmbedder(vision).embed_text("pole")
    assert encoder.threads
    assert threading.get_ident() not in encoder.threads


async def test_what_the_model_cannot_answer_is_not_known(
    tmp_path: Path, encoder: FakeEncoder
) -> None:
    task = parse_task(TASK)
    async with vision_of(encoder) as vision:
        classifier = LocalClassifier(vision)
        assert classifier.model == "fake-1"
        classification = await classifier.classify(
            task, [photograph(tmp_path, "a.png")], run_id="r"
        )
    assert classification.answer == {"kind": "unknown", "flag": None, "notes": None, "count": None,
                            "size": None, "seen": []}  # fmt: skip
    assert classification.finish_reason == "STOP"
    task.validate_answer(classification.answer)


async def test_several_images_of_an_asset_are_one_question(
    tmp_path: Path, encoder: FakeEncoder
) -> None:
    images = [photograph(tmp_path, "a.png", (9, 0, 0)), photograph(tmp_path, "b.png", (0, 9, 0))]
    task = parse_task(TASK)
    async with vision_of(encoder) as vision:
        classifier = LocalClassifier(vision)
        task.validate_answer((await classifier.classify(task, images, run_id="r")).answer)
        with pytest.raises(PermanentError, match="image_gone"):
            await classifier.classify(task, [*images, observation(tmp_path / "c")], run_id="r")


def test_the_mean_direction_is_of_unit_length() -> None:
    east, north, west = (np.array(direction, np.float32) for direction in ((1, 0), (0, 1), (-1, 0)))
    assert mean_direction([east, north]) == pytest.approx([0.5**0.5, 0.5**0.5])
    assert mean_direction([east]) is east
    assert mean_direction([east, west]) is east


@pytest.fixture(scope="module")
def tasks() -> list[TaskSpec]:
    return list(load_tasks((shipped_directory(),)).values())


async def test_the_offline_model_answers_every_shipped_task_validly(
    tmp_path: Path, tasks: list[TaskSpec]
) -> None:
    image = photograph(tmp_path, "a.png", (120, 130, 140))
    async with LocalVision.open(ModelSettings(), ImageSettings()) as vision:
        classifier, embedder = LocalClassifier(vision), LocalEmbedder(vision)
        assert (classifier.model, embedder.model) == (ModelSettings().classify,) * 2
        assert embedder.dimension == ModelSettings().embed_dimension
        for task in tasks:
            task.validate_answer((await classifier.classify(task, [image], run_id="r")).answer)
        for embedding in (
            await embedder.embed_image(image, run_id="r"),
            await embedder.embed_text("a"),
        ):
            assert np.linalg.norm(embedding.vector) == pytest.approx(1, abs=1e-4)
            assert len(embedding.vector) == embedder.dimension


@pytest.mark.parametrize(
    "models",
    [ModelSettings(classify="gemini"), ModelSettings(embed="other"),
     ModelSettings(embed_dimension=512)],
)  # fmt: skip
def test_a_model_that_is_not_the_offline_one_is_an_error(models: ModelSettings) -> None:
    with pytest.raises(ConfigurationError, match=r"accepted: "):
        LocalVision.open(models, ImageSettings())


async def test_the_noop_models_answer_any_task_and_embed_anything(tasks: list[TaskSpec]) -> None:
    nothing = Observation("o", "a", "s", "T", "gs://bucket/nothing.jpg")
    classifier, embedder = NoopClassifier(), NoopEmbedder(dimension=64)
    for task in [*tasks, parse_task(TASK)]:
        task.validate_answer((await classifier.classify(task, [nothing], run_id="r")).answer)
    image, text = await embedder.embed_image(nothing, run_id="r"), await embedder.embed_text("x")
    assert image.vector is text.vector
    assert np.linalg.norm(image.vector) == pytest.approx(1)
    assert (classifier.model, embedder.model, embedder.dimension) == ("noop", "noop", 64)
