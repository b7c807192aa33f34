"""The search for secrets in the logs of the suite finds them."""

from __future__ import annotations

import logging

import pytest

from tests.secrets import looking_for_secrets


@pytest.mark.parametrize(
    "secret",
    [
        "ya29.a0AfB_byC",
        "AIzaSyA-1234567890abcdefghijklmnop",
        "sk-proj-abcdefghij",
        "Authorization: Bearer abcdefgh",
        "https://storage.googleapis.com/b/o?X-Goog-Signature=ab12",
        "-----BEGIN PRIVATE KEY-----",
    ],
)
@pytest.mark.parametrize("logger", ["sightline.gcp", "urllib3.connectionpool", "worker.runner"])
def test_a_secret_in_a_log_line_is_found_and_not_repeated(secret: str, logger: str) -> None:
    with looking_for_secrets() as finder:
        logging.getLogger(logger).debug("asked with %s", secret)
    assert len(finder.leaks) == 1
    assert secret not in finder.leaks[0]


def test_a_secret_in_a_traceback_is_found() -> None:
    with looking_for_secrets() as finder:
        logging.getLogger("sightline").error("failed", exc_info=ValueError("ya29.secret-token"))
    assert finder.leaks


def test_a_line_without_secrets_is_let_through() -> None:
    with looking_for_secrets() as finder:
        logging.getLogger("sightline").debug("GET /v1/projects/p/topics?pageSize=1 200")
    assert finder.leaks == []
