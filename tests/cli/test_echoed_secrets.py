"""A service that gives the key back: it is in nothing that is printed, logged or stored."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq
import pytest
from PIL import Image

from sightline.cli import main
from sightline.gcp.credentials import GoogleTokens
from tests.cli.echoing import echoing
from tests.shared.known_secrets import forgetting_secrets

KEY = "quince.orchard~gate+wall/9"
"""Looks like no key that is known."""
PARTS = (
    "quince.orch",
    "wall/9",
    quote(KEY, safe="")[-12:],
    base64.b64encode(KEY.encode()).decode(),
)
SERVICES = ("openai", "gemini", "vertex")
LOGS = {"openai": "text", "gemini": "json", "vertex": "text"}
WHERE = ("error", "answer", "invalid_answer", "header", "half")


class Credentials:
    """Google credentials with one token."""

    valid = True
    token = KEY

    def refresh(self, _: object) -> None:
        """Change nothing."""


@pytest.fixture(autouse=True)
def _forgetful() -> Iterator[None]:
    with forgetting_secrets():
        yield


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a table of one file and one object."""
    monkeypatch.chdir(tmp_path)
    photo = io.BytesIO()
    Image.new("RGB", (8, 8)).save(photo, "JPEG")
    (tmp_path / "one.jpg").write_bytes(photo.getvalue())
    for name, uri in (("files", "one.jpg"), ("objects", "gs://bucket/one.jpg")):
        (tmp_path / f"{name}.csv").write_text(
            f"observation_id,asset_id,asset_type,gcs_uri\no1,a1,ASSET_CLASS_UTILITY_POLE,{uri}\n"
        )
    for key, value in {
        "DRAIN_IDLE_S": "0.2", "FLUSH_S": "0.1", "SYSTEMIC_HOLD_S": "0", "MAX_ATTEMPTS": "1",
        "TRIES_PER_LEASE": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"SIGHTLINE_WORKER__{key}", value)
    return tmp_path


def configure(monkeypatch: pytest.MonkeyPatch, service: str, url: str) -> str:
    """Ask this service with the key; return the table that it can read."""
    monkeypatch.setenv("SIGHTLINE_ADAPTERS__CLASSIFY", service)
    model = "qwen" if service == "openai" else "gemini-3.5-flash"
    monkeypatch.setenv("SIGHTLINE_MODELS__CLASSIFY", model)
    if service == "vertex":
        monkeypatch.setenv("SIGHTLINE_VERTEX__ENDPOINT", url)
        monkeypatch.setenv("SIGHTLINE_GCP__PROJECT", "a-project")
        monkeypatch.setattr(
            "sightline.wiring.remote_models.google_tokens", lambda *_: GoogleTokens(Credentials())
        )
        return "objects.csv"
    monkeypatch.setenv(
        f"SIGHTLINE_{service.upper()}__ENDPOINT", url + "/v1" * (service == "openai")
    )
    monkeypatch.setenv(f"{service.upper()}_API_KEY", KEY)
    return "files.csv"


def everything_stored(home: Path) -> str:
    """Return all that is in the files of a home, those of Parquet read."""
    texts = []
    for file in sorted(home.rglob("*")):
        if file.suffix == ".parquet":
            texts.append(json.dumps(pq.read_table(file).to_pylist(), default=str))
            texts.append(
                json.dumps(pq.read_table(file).to_pylist(), default=str, ensure_ascii=False)
            )
        elif file.is_file():
            texts.append(file.read_bytes().decode("latin-1"))
    assert texts
    return "\n".join(texts)


@pytest.mark.parametrize(
    "where",
    [
        pytest.param(where, marks=[] if where in ("answer", "error") else [pytest.mark.extended])
        for where in WHERE
    ],
)
@pytest.mark.parametrize("service", SERVICES)
def test_a_key_that_a_service_gives_back_is_nowhere(
    service: str,
    where: str,
    job: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    with echoing(where) as url:  # type: ignore[arg-type]  # one of WHERE
        table = configure(monkeypatch, service, url)
        assert main(["import", table]) == 0
        assert main(["enqueue", "--task", "describe", "--no-embed"]) == 0
        assert main(["--debug", "work", "--drain", "--log-format", LOGS[service]]) == 0
        assert main(["status", "--json"]) == 0
        assert main(["dead-letters", "list", "--json"]) == 0
        assert main(["dead-letters", "list"]) == 0
        assert main(["sql", "select answer from classifications_all", "--json"]) == 0
    output = capfd.readouterr()
    row_count = output.out.count('"written": 1')
    assert row_count == (where == "answer"), output.out
    stored = everything_stored(job / ".sightline")
    if where in {"error", "answer", "invalid_answer"}:
        assert "[hidden]" in stored
    for part in PARTS:
        assert part not in stored
        assert part not in output.out
        assert part not in output.err
