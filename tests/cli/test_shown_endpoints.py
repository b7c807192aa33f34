"""An endpoint that is rejected, or fails, is shown without its user, its values, its fragment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sightline.cli import main
from sightline.errors import ConfigurationError
from sightline.http_client.session import open_session
from sightline.openai import ChatClassifier
from sightline.settings import load_settings
from tests.shared.known_secrets import forgetting_secrets

PASSWORD = "geheim"
"""Short and a plain word: nothing hides it but the form of what it stands in."""


@pytest.fixture(autouse=True)
def _forgetful() -> Iterator[None]:
    with forgetting_secrets():
        yield


REJECTED = [
    (setting, value)
    for setting in (
        "vertex.endpoint",
        "gemini.endpoint",
        "gcs.endpoint",
        "bigquery.endpoint",
        "bigquery.hub_endpoint",
    )
    for value in (
        f"ftp://me:{PASSWORD}@host/v1",
        f"http://me:{PASSWORD}@host:port/v1",
        f"http://me:{PASSWORD}[@host",
        f"http:/me:{PASSWORD}@host",
        f"me:{PASSWORD}@host:8080",
        f"http://me:a b@{PASSWORD}@host",
        f"htp://host?key={PASSWORD}#{PASSWORD}",
    )
] + [
    ("pubsub.endpoint", f"me:{PASSWORD}@127.0.0.1:8085"),
    ("bigquery.storage_endpoint", f"me:{PASSWORD}@127.0.0.1:9060"),
    ("vertex.endpoint", f"https://me:{PASSWORD}@host"),
    ("telemetry.otlp_endpoint", f"http://me:{PASSWORD}@host:4318"),
    ("telemetry.log_format", f"http://me:{PASSWORD}@host:4318"),
    ("worker.lease_s", f"http://me:{PASSWORD}@host?key={PASSWORD}"),
    ("gcp", f"http://me:{PASSWORD}@host"),
]


@pytest.mark.parametrize(("setting", "value"), REJECTED)
def test_a_rejected_setting_is_named_and_its_password_is_not(setting: str, value: str) -> None:
    *section, key = setting.split(".")
    overrides = {section[0]: {key: value}} if section else {key: value}
    with pytest.raises(ConfigurationError, match=f"{setting}.* (accepted|must be)") as caught:
        load_settings(environment={}, overrides=overrides)
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(
    ("endpoint", "key"),
    [
        (f"ftp://me:{PASSWORD}@host/v1", ""),
        (f"http://me:{PASSWORD}@host:port/v1", ""),
        (f"http://me:{PASSWORD}@host/v1", "two words"),
        (f"http://me:{PASSWORD}@host/v1", "a-valid-key"),
        (f"http://host/v1?key={PASSWORD}", ""),
    ],
)
async def test_a_chat_service_s_endpoint_is_rejected_without_its_password(
    endpoint: str, key: str
) -> None:
    async def read_image(_: object) -> bytes:
        return b""

    with pytest.raises(ConfigurationError) as caught:
        async with ChatClassifier.open(
            model="m", base_url=endpoint, read_image=read_image, timeout_s=1.0, api_key=key
        ):
            pass
    assert PASSWORD not in str(caught.value)
    assert "host" in str(caught.value)


@pytest.mark.parametrize("proxy", [f"http://me:{PASSWORD}@h:port", f"me:{PASSWORD}@h:3128"])
async def test_a_proxy_that_cannot_be_used_is_named_without_its_password(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    with pytest.raises(ConfigurationError, match="set http_proxy to") as caught:
        async with open_session("http://example.com/v1", timeout_s=1.0):
            pass
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("as_json", [(), ("--json",)])
@pytest.mark.parametrize("command", [("doctor",), ("status",), ("work", "--drain")])
def test_no_command_shows_the_password_of_an_endpoint(
    command: tuple[str, ...],
    as_json: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIGHTLINE_WORKER__DRAIN_IDLE_S", "0.1")
    monkeypatch.setenv("SIGHTLINE_ADAPTERS__CLASSIFY", "openai")
    monkeypatch.setenv("SIGHTLINE_MODELS__CLASSIFY", "qwen")
    endpoint = f"http://me:{PASSWORD}@127.0.0.1:1/v1"
    monkeypatch.setenv("SIGHTLINE_OPENAI__ENDPOINT", endpoint)
    main([*command, *as_json])
    output = capfd.readouterr()
    assert PASSWORD not in output.out
    assert PASSWORD not in output.err
    if as_json and output.out:
        json.loads(output.out)


def test_a_worker_whose_requests_fail_does_not_say_as_whom_it_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8)).save(tmp_path / "one.jpg")
    for name, value in {
        "WORKER__DRAIN_IDLE_S": "0.1", "WORKER__MAX_ATTEMPTS": "1", "WORKER__TRIES_PER_LEASE": "1",
        "WORKER__SYSTEMIC_HOLD_S": "0", "ADAPTERS__CLASSIFY": "openai", "MODELS__CLASSIFY": "qwen",
        "OPENAI__ENDPOINT": f"http://me:{PASSWORD}@127.0.0.1:1/v1",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"SIGHTLINE_{name}", value)
    (tmp_path / "t.csv").write_text(
        "observation_id,asset_id,asset_type,gcs_uri\no1,a1,ASSET_CLASS_UTILITY_POLE,one.jpg\n"
    )
    assert main(["import", "t.csv"]) == 0
    assert main(["enqueue", "--task", "describe", "--no-embed"]) == 0
    assert main(["work", "--drain"]) == 0
    assert main(["dead-letters", "list", "--json"]) == 0
    output = capfd.readouterr()
    assert "attempts_exhausted" in output.out
    assert PASSWORD not in output.out
    assert PASSWORD not in output.err
