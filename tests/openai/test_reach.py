"""Whether a service can be reached at all, and its host in the errors where it cannot."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from sightline.errors import UnreachableError
from sightline.http_client.session import check_reached, host_of
from sightline.openai import ChatClassifier
from sightline.tasks import TaskSpec
from tests.openai.conftest import KEY, MODEL, cost, error_of, read_image


@pytest.fixture
def silent_host() -> Iterator[str]:
    """Return an address of which nobody listens, and that nobody else is given meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


async def test_a_service_that_answers_whatever_it_says_is_reached(url: str) -> None:
    assert await check_reached(url) == host_of(url)


async def test_a_service_that_does_not_listen_is_not(silent_host: str) -> None:
    with pytest.raises(UnreachableError, match=f"{silent_host} is out of reach") as caught:
        await check_reached(f"http://{silent_host}/v1")
    assert caught.value.host == silent_host


async def test_a_call_that_does_not_reach_its_model_names_the_host(
    silent_host: str, task: TaskSpec
) -> None:
    async with ChatClassifier.open(
        model=MODEL, base_url=f"http://{silent_host}/v1", read_image=read_image, timeout_s=30.0,
        api_key=KEY, cost=cost,
    ) as classifier:  # fmt: skip
        error = await error_of(classifier, task)
    assert isinstance(error, UnreachableError)
    assert error.host == silent_host


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://user:secret@models.example/v1?key=secret", "models.example"),
        ("http://127.0.0.1:8000/v1", "127.0.0.1:8000"),
    ],
)
def test_a_host_holds_nothing_secret(url: str, host: str) -> None:
    assert host_of(url) == host
