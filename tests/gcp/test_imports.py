"""The adapters import Google's clients only when they are used, and some of them never."""

from __future__ import annotations

from tests.packaging.test_imports import modules_after

ADAPTERS = "import sightline.gcp.embedding, sightline.gcp.gemini, sightline.prices"
NEVER = {"vertexai", "google.cloud.aiplatform", "google.cloud.aiplatform_v1"}


def test_the_adapters_are_imported_without_google_s_clients() -> None:
    loaded = modules_after(ADAPTERS)
    assert "sightline.gcp.gemini" in loaded
    assert not {"google.genai", "google.auth", "aiohttp", *NEVER} & loaded


def test_an_open_classifier_has_imported_no_google_client() -> None:
    loaded = modules_after(
        "import asyncio, datetime\n"
        "from sightline.gcp.credentials import GoogleTokens\n"
        "from sightline.gcp.gemini import GeminiClassifier\n"
        "from sightline.gcp.vertex_location import VertexLocation\n"
        "from sightline.prices import load_prices\n"
        "async def main():\n"
        "    async with GeminiClassifier.open(\n"
        "        model='gemini-3.5-flash', place=VertexLocation('p', 'us'), prices=load_prices(),\n"
        "        tokens=GoogleTokens.fixed('t'), timeout_s=1.0,\n"
        "        today=lambda: datetime.date(2026, 11, 20)):\n"
        "        pass\n"
        "asyncio.run(main())"
    )
    assert {"aiohttp", "google.auth"} <= loaded
    assert not {"google.genai", *NEVER} & loaded


def test_the_quota_is_imported_without_a_server() -> None:
    loaded = modules_after("from sightline.sim.vertex import Quota, Service")
    assert not {"aiohttp", "asyncio", "numpy"} & loaded


def test_the_simulator_imports_no_adapter_and_no_client() -> None:
    loaded = modules_after("import sightline.sim.vertex.server")
    assert not {"google.genai", "google.auth", "sightline.gcp", "sightline.local"} & loaded
