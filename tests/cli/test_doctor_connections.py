"""``doctor`` opens a connection to where models are asked, and names the host, never a secret."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Shown

SETTINGS = """
[adapters]
classify = "openai"

[models]
classify = "qwen"
embed = "demo-1"
embed_dimension = 256

[openai]
endpoint = "http://127.0.0.1:{port}/v1"
"""


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Return a port of which nobody listens, and that nobody else is given meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


def test_a_service_that_does_not_run_is_a_failure_with_its_host(
    tmp_path: Path, shown: Shown, silent_port: int
) -> None:
    (tmp_path / "sightline.toml").write_text(SETTINGS.format(port=silent_port))
    code, out, err = shown("doctor")
    report = " ".join((out + err).split())
    assert "model qwen: configured, unpriced; not called" in report
    assert code == 1
    assert f"127.0.0.1:{silent_port} is out of reach (ClientConnectorError)" in report
    assert "start the service, or correct openai.endpoint" in report
