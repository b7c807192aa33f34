"""The demo on Google Cloud's stand-ins, with each of its calls failing once in passing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from google.api_core.exceptions import DeadlineExceeded, ServiceUnavailable
from google.pubsub_v1.services.publisher import PublisherAsyncClient
from google.pubsub_v1.services.subscriber import SubscriberAsyncClient
from requests.adapters import HTTPAdapter

from scripts.cloud_demo import make_bucket
from scripts.stack import run_stack
from sightline.cli import main

pytestmark = [pytest.mark.needs("go"), pytest.mark.extended]

PUBSUB_CALLS = (
    (PublisherAsyncClient, ("get_topic", "create_topic", "publish")),
    (SubscriberAsyncClient, ("get_subscription", "create_subscription")),
)
FAILURES: dict[str, tuple[Exception, Exception]] = {
    "connect": (requests.ConnectTimeout("connect"), DeadlineExceeded("connect")),  # type: ignore[no-untyped-call]  # untyped there
    "read": (requests.ReadTimeout("read"), DeadlineExceeded("read")),  # type: ignore[no-untyped-call]  # as above
    "reset": (
        requests.ConnectionError("('Connection aborted.', ConnectionResetError(104, 'reset'))"),
        ServiceUnavailable("connection reset by peer"),  # type: ignore[no-untyped-call]  # as above
    ),
}
"""What fails: a request over HTTP, a call over gRPC."""
CHANGES = re.compile(
    r"POST .*/(datasets|tables)|POST .*/queries (?!SELECT|WITH).*|(POST|PUT) .*/jobs|create_.*"
)
"""Calls that fail before they are sent alone. Google repeats nothing that has one id; the BigQuery
emulator runs a statement again, and answers 500 where something is there already."""


def kind_of(request: Any) -> str:
    """Return what a request does: method, path without ids, and how its statement begins."""
    path = re.sub(r"[0-9a-f-]{12,}|\d+|%2F.*", "*", urlsplit(request.url).path)
    if not path.endswith("/queries"):
        return f"{request.method} {path}"
    statement = json.loads(request.body or b"{}").get("query", "")
    return f"{request.method} {path} {' '.join(statement.split())[:80]}"


@dataclass
class FailingOnce:
    """Lets the first call of each kind fail: before it is sent, or after it was answered."""

    http: Exception
    grpc: Exception
    answered: bool
    failed: set[str] = field(default_factory=set)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Take the place of the network's two doors."""
        send = HTTPAdapter.send

        def sent(adapter: HTTPAdapter, request: Any, **named: Any) -> Any:
            call = kind_of(request)
            if not self._is_first(call):
                return send(adapter, request, **named)
            if CHANGES.fullmatch(call):
                raise requests.ConnectTimeout("connect")
            if self.answered:
                send(adapter, request, **named).close()
            raise self.http

        patch.setattr(HTTPAdapter, "send", sent)
        for client, names in PUBSUB_CALLS:
            for name in names:
                patch.setattr(client, name, self._call(name, getattr(client, name)))

    def _call(self, name: str, inner: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*given: Any, **named: Any) -> Any:
            if not self._is_first(name):
                return await inner(*given, **named)
            if self.answered and not CHANGES.fullmatch(name):
                await inner(*given, **named)
            raise self.grpc

        return call

    def _is_first(self, name: str) -> bool:
        first = name not in self.failed
        self.failed.add(name)
        return first


@pytest.mark.parametrize("kind", FAILURES)
def test_the_demo_survives_a_failure_of_each_of_its_calls(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    http, grpc = FAILURES[kind]
    calls = FailingOnce(http, grpc, answered=kind != "connect")
    with (
        run_stack(tmp_path / "servers", answers="instant", pstest=True) as stack,
        monkeypatch.context() as patch,
    ):
        calls.install(patch)
        make_bucket(stack.gcs)
        code = main(
            ["--config", str(stack.settings), "demo", "--scenes", "12", "--workers", "1",
             "--dir", str(tmp_path / "demo"), "--json"]
        )  # fmt: skip
    shown = capsys.readouterr()
    assert code == 0, shown.err
    outcome = json.loads(shown.out)
    balance = outcome["balance"]
    assert balance["holds"]
    assert (balance["parts"], balance["written"], balance["duplicates"]) == (24, 24, 0)
    # A message whose publication was not confirmed is published again, and may be worked on twice.
    assert outcome["images"] == 12 or (calls.answered and outcome["images"] == 13)
    assert {name for _, names in PUBSUB_CALLS for name in names} <= calls.failed
    assert len([name for name in calls.failed if " /" in name]) >= 8
