"""An answer without end, or that unpacks to a lot: a dead letter with its cost, a prompt stop."""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from PIL import Image

from sightline.cli import main

BOMB = gzip.compress(bytes(300_000_000))
GRACE_S = 1.0
Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """Answer every request so; yield the URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.close_connection = True
            with suppress(ConnectionError):  # the worker has read enough
                answer(self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def begin(handler: BaseHTTPRequestHandler, **headers: str) -> None:
    """Send the head of a response."""
    handler.send_response(200)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


def bomb(handler: BaseHTTPRequestHandler) -> None:
    """Answer with 300 kB that unpack to 300 MB."""
    begin(handler, Content_Encoding="gzip", Content_Length=str(len(BOMB)))
    handler.wfile.write(BOMB)


def endless(handler: BaseHTTPRequestHandler) -> None:
    """Answer for as long as anybody reads."""
    begin(handler, Transfer_Encoding="chunked")
    while True:
        handler.wfile.write(b"10000\r\n" + b" " * 65536 + b"\r\n")


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder in which a run of one answer is queued, which costs money."""
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (8, 8)).save(tmp_path / "one.jpg")
    (tmp_path / "prices.toml").write_text(
        "[[price]]\nmodel = 'qwen'\nsince = 2020-01-01\ninput_usd = 1.0\noutput_usd = 10.0\n"
    )
    for name, value in {
        "PRICES": "prices.toml", "ADAPTERS__CLASSIFY": "openai", "MODELS__CLASSIFY": "qwen",
        "WORKER__DRAIN_IDLE_S": "0.1", "WORKER__SYSTEMIC_HOLD_S": "0",
        "WORKER__GRACE_S": str(GRACE_S),
    }.items():  # fmt: skip
        monkeypatch.setenv(f"SIGHTLINE_{name}", value)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    (tmp_path / "t.csv").write_text(
        "observation_id,asset_id,asset_type,gcs_uri\no1,a1,ASSET_CLASS_UTILITY_POLE,one.jpg\n"
    )
    assert main(["import", "t.csv"]) == 0
    assert main(["enqueue", "--task", "describe", "--no-embed", "--max-cost", "1"]) == 0
    return tmp_path


@pytest.mark.usefixtures("job")
@pytest.mark.parametrize("answer", [bomb, endless])
def test_it_is_given_up_with_a_reason_and_with_what_it_can_have_cost(
    answer: Answer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(answer) as url:
        monkeypatch.setenv("SIGHTLINE_OPENAI__ENDPOINT", f"{url}/v1")
        assert main(["work", "--drain"]) == 0
    capsys.readouterr()
    assert main(["dead-letters", "list", "--json"]) == 0
    (letter,) = json.loads(capsys.readouterr().out)
    assert letter["reason"] == "answer_too_large"
    assert "raise models.max_response_bytes" in letter["detail"]
    assert main(["sql", "select cost_usd_micros as cost from dead_letters", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["cost"] > 0
    assert main(["status", "--check", "--json"]) == 0
    (run,) = json.loads(capsys.readouterr().out)["runs"]
    assert run["cost_usd"] == pytest.approx(row["cost"] / 1e6)


def test_a_stop_waits_for_a_response_that_drips_no_longer_than_its_grace(job: Path) -> None:
    reached, leaving = threading.Event(), threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        begin(handler, Transfer_Encoding="chunked")
        while not leaving.wait(0.02):
            handler.wfile.write(b"1\r\n \r\n")
            reached.set()

    with serving(drip) as url:
        worker = subprocess.Popen(
            [sys.executable, "-m", "sightline", "work"],
            cwd=job,
            env={**os.environ, "SIGHTLINE_OPENAI__ENDPOINT": f"{url}/v1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert reached.wait(60)
            began_s = time.monotonic()
            worker.send_signal(signal.SIGTERM)
            out, err = worker.communicate(timeout=60)
            took_s = time.monotonic() - began_s
        finally:
            worker.kill()
            leaving.set()
    assert worker.returncode == 0, err
    assert "given back at the stop: 1" in out
    assert took_s < GRACE_S + 5
