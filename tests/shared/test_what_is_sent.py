"""What reaches a model, adapter by adapter: images of allowed folders, and nothing else.

The adapters are opened as a worker opens them, by the settings, against servers that note what
they are sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sightline.errors import ConfigurationError, PermanentError, Reason, SightlineError
from sightline.local.images import record_root
from sightline.model import Observation
from sightline.settings import (
    AdapterSettings,
    GcpSettings,
    GeminiSettings,
    ImageSettings,
    ModelSettings,
    OpenAiSettings,
    Settings,
    VertexSettings,
)
from sightline.tasks import load_tasks, shipped_directory
from sightline.wiring.ids import utc_now
from sightline.wiring.models import ModelSet, open_models, open_query_embedder
from sightline.wiring.paths import source_path
from tests.local.pictures import encoded, halves

PICTURE = encoded(halves(), "JPEG")
SECRET = b"API_KEY=a-key-that-must-not-leave"
GEMINI, EMBEDDER = "gemini-3.5-flash-lite", "gemini-embedding-2"
TASK = load_tasks((shipped_directory(),))["road_signs"]


class Service:
    """A model's server: it notes each request, and answers with an error that is no retry."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        return web.json_response({"error": {"code": 400, "message": "noted"}}, status=400)


@pytest.fixture
async def service() -> Service:
    return Service()


@pytest.fixture
async def url(service: Service) -> AsyncIterator[str]:
    application = web.Application()
    application.router.add_route("*", "/{rest:.*}", service.answer)
    async with TestServer(application) as running:
        yield str(running.make_url("/")).rstrip("/")


@pytest.fixture
def settings(tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("GEMINI_API_KEY", "a-key")
    photos, private = tmp_path / "photos", tmp_path / "private"
    for folder in (photos, private):
        folder.mkdir()
        (folder / "a.jpg").write_bytes(PICTURE)
    (photos / "secret.jpg").write_bytes(SECRET)
    (photos / "link.jpg").symlink_to(private / "a.jpg")
    (private / "secret.txt").write_bytes(SECRET)
    (photos / "link-secret.jpg").symlink_to(private / "secret.txt")
    own = Settings(
        home=tmp_path / "home",
        gcp=GcpSettings(project="p"),
        vertex=VertexSettings(endpoint=url),
        gemini=GeminiSettings(endpoint=url),
        openai=OpenAiSettings(endpoint=f"{url}/v1"),
    )
    record_root(source_path(own), photos, now=utc_now())
    return own


REMOTE = ModelSettings(classify=GEMINI, embed=EMBEDDER, embed_dimension=256)
ADAPTERS: dict[str, Callable[[Settings], Settings]] = {
    "local": lambda own: own,
    "gemini": lambda own: replace(
        own, models=REMOTE, adapters=AdapterSettings(classify="gemini", embed="gemini")
    ),
    "vertex": lambda own: replace(
        own, models=REMOTE, adapters=AdapterSettings(classify="vertex", embed="vertex")
    ),
    "openai": lambda own: replace(
        own,
        models=replace(own.models, classify="a-model"),
        adapters=AdapterSettings(classify="openai"),
    ),
}


def seen(uri: str) -> Observation:
    return Observation("o1", "a1", "s1", "ASSET_CLASS_ROAD_SIGN", uri)


@asynccontextmanager
async def opened(settings: Settings, adapter: str) -> AsyncIterator[ModelSet]:
    async with open_models(ADAPTERS[adapter](settings)) as models:
        yield models


async def errors_of(models: ModelSet, uri: str) -> list[SightlineError]:
    """Return what both ports say to an image."""
    errors: list[SightlineError] = []
    task = TASK.resolve(models.classify.model)
    for call in (
        lambda: models.classify.classify(task, [seen(uri)], run_id="r"),
        lambda: models.embed.embed_image(seen(uri), run_id="r"),
    ):
        try:
            await call()
        except SightlineError as error:
            errors.append(error)
    return errors


HOSTILE = (
    "file:///proc/self/environ",
    "file:///etc/hostname",
    "file://{tmp}/photos/../private/secret.txt",
    "file://{tmp}/photos/../private/a.jpg",
    "file://{tmp}/private/a.jpg",
    "file://{tmp}/photos/link.jpg",
    "file://{tmp}/photos/link-secret.jpg",
    "file://{tmp}/photos/secret.jpg",
    "file://{tmp}/home/source/.roots",
    "/proc/self/environ",
    "../../etc/passwd",
)


@pytest.mark.parametrize("adapter", ADAPTERS)
@pytest.mark.parametrize("uri", HOSTILE)
async def test_nothing_else_is_sent_or_paid(
    adapter: str, uri: str, settings: Settings, service: Service, tmp_path: Path
) -> None:
    async with opened(settings, adapter) as models:
        errors = await errors_of(models, uri.format(tmp=tmp_path))
    assert len(errors) == 2
    for error in errors:
        assert isinstance(error, PermanentError)
        assert error.reason in {Reason.BAD_URI, Reason.IMAGE_UNREADABLE}
        assert error.cost_usd_micros == 0
        assert SECRET.decode() not in str(error)
    assert service.bodies == [], "the server was not called at all"


@pytest.mark.parametrize("adapter", ["gemini", "openai", "local"])
async def test_an_image_of_an_imported_folder_is_sent(
    adapter: str, settings: Settings, service: Service, tmp_path: Path
) -> None:
    async with opened(settings, adapter) as models:
        await errors_of(models, (tmp_path / "photos" / "a.jpg").as_uri())
    assert len(service.bodies) == {"gemini": 2, "openai": 1, "local": 0}[adapter]


@pytest.mark.parametrize("adapter", ["gemini", "openai", "local"])
async def test_a_folder_of_the_settings_is_read_from_too(
    adapter: str, settings: Settings, service: Service, tmp_path: Path
) -> None:
    allowed = replace(settings, images=ImageSettings(roots=(tmp_path / "private",)))
    async with opened(allowed, adapter) as models:
        await errors_of(models, (tmp_path / "photos" / "link.jpg").as_uri())
    assert len(service.bodies) == {"gemini": 2, "openai": 1, "local": 0}[adapter]


@pytest.mark.parametrize("adapter", ADAPTERS)
async def test_a_message_of_pubsub_names_no_file(
    adapter: str, settings: Settings, service: Service, tmp_path: Path
) -> None:
    chosen = ADAPTERS[adapter](settings)
    by_messages = replace(chosen, adapters=replace(chosen.adapters, queue="pubsub"))
    async with open_models(by_messages) as models:
        errors = await errors_of(models, (tmp_path / "photos" / "a.jpg").as_uri())
    assert [getattr(error, "reason", None) for error in errors] == [Reason.BAD_URI] * 2
    if adapter != "vertex":  # which takes no files from anywhere
        assert all("images.files_from_pubsub" in str(error) for error in errors[:1])
    assert service.bodies == []


async def test_a_message_of_pubsub_names_a_file_where_the_setting_allows_it(
    settings: Settings, service: Service, tmp_path: Path
) -> None:
    chosen = ADAPTERS["gemini"](settings)
    by_messages = replace(
        chosen,
        adapters=replace(chosen.adapters, queue="pubsub"),
        images=ImageSettings(files_from_pubsub=True),
    )
    async with open_models(by_messages) as models:
        await errors_of(models, (tmp_path / "photos" / "a.jpg").as_uri())
        assert len(service.bodies) == 2
        errors = await errors_of(models, (tmp_path / "private" / "a.jpg").as_uri())
    assert len(service.bodies) == 2, "the folders hold all the same"
    assert all("images.roots" in str(error) for error in errors)


@pytest.mark.parametrize("adapter", ["gemini", "openai", "local"])
async def test_a_project_that_recorded_no_folder_says_what_to_run(
    adapter: str, settings: Settings, service: Service, tmp_path: Path
) -> None:
    (record,) = source_path(settings).rglob("*.json")
    record.unlink()
    async with opened(settings, adapter) as models:
        errors = await errors_of(models, (tmp_path / "photos" / "a.jpg").as_uri())
    assert isinstance(errors[0], ConfigurationError)
    assert "sightline import DIR" in str(errors[0])
    assert service.bodies == []


@pytest.mark.parametrize("adapter", ["vertex", "gemini", "local"])
async def test_a_person_searches_by_any_image_but_not_by_another_file(
    adapter: str, settings: Settings, service: Service, tmp_path: Path
) -> None:
    private = tmp_path / "private"
    async with open_query_embedder(ADAPTERS[adapter](settings)) as embedder:
        with pytest.raises(PermanentError) as caught:
            await embedder.embed_image(seen((private / "secret.txt").as_uri()), run_id="search")
        assert caught.value.reason is Reason.IMAGE_UNREADABLE
        assert service.bodies == []
        with suppress(PermanentError):  # the server refuses everything
            await embedder.embed_image(seen((private / "a.jpg").as_uri()), run_id="search")
        assert len(service.bodies) == (0 if adapter == "local" else 1)
