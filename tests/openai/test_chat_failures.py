"""Every way in which a call fails: its error, its reason, its cost, one call, no key shown."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from sightline.errors import (
    ConfigurationError,
    PermanentError,
    Reason,
    SightlineError,
    ThrottledError,
    TransientError,
)
from sightline.model import Usage
from sightline.openai import ChatClassifier
from sightline.prices import input_tokens
from sightline.tasks import TaskSpec
from tests.openai.chat_server import ChatServer
from tests.openai.conftest import CONTENTS, KEY, MODEL, at, error_of, read_image


def message(content: object, **more: object) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": content, **more}}


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        ({"finish_reason": "length", **message('{"sign_ty')}, Reason.ANSWER_TRUNCATED),
        ({"finish_reason": "content_filter", **message("")}, Reason.BLOCKED_BY_SAFETY),
        (message(None, refusal="I cannot help with that."), Reason.BLOCKED_BY_SAFETY),
        (message("Certainly! Here"), Reason.ANSWER_INVALID),
        (message("[1]"), Reason.ANSWER_INVALID),
        (message(None), Reason.ANSWER_INVALID),
        (message([{"type": "text", "text": "{}"}]), Reason.ANSWER_INVALID),
        ({"message": None}, Reason.ANSWER_INVALID),
        ({"finish_reason": "tool_calls"}, Reason.ANSWER_INVALID),
        ({"finish_reason": None}, Reason.ANSWER_INVALID),
    ],
)
async def test_an_answer_that_cannot_be_used_is_paid_for_and_has_a_reason(
    choice: dict[str, Any],
    reason: Reason,
    classifier: ChatClassifier,
    server: ChatServer,
    task: TaskSpec,
) -> None:
    server.choice = choice
    error = await error_of(classifier, task)
    assert isinstance(error, PermanentError)
    assert error.reason is reason
    assert (error.input_tokens, error.output_tokens, error.cost_usd_micros) == (900, 40, 2200)
    assert server.calls == 1


@pytest.mark.parametrize("choice", [{"finish_reason": "tool_calls"}, {"finish_reason": None}])
async def test_an_ending_without_an_answer_that_cost_nothing_is_tried_again(
    choice: dict[str, Any], classifier: ChatClassifier, server: ChatServer, task: TaskSpec
) -> None:
    server.choice, server.usage = choice, None
    assert isinstance(await error_of(classifier, task), TransientError)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"choices": []}', b'{"choices": 1}']
)
async def test_a_success_without_an_answer_is_tried_again(
    body: bytes, classifier: ChatClassifier, server: ChatServer, task: TaskSpec
) -> None:
    server.body = body
    assert isinstance(await error_of(classifier, task), TransientError)
    assert server.calls == 1


def refused(text: str, **more: object) -> dict[str, Any]:
    """Return an error as OpenAI and vLLM send it."""
    return {"error": {"message": text, **more}}


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (429, refused("Rate limit reached", code="rate_limit_exceeded"), ThrottledError),
        (429, None, ThrottledError),
        (429, refused("You exceeded your current quota", code="insufficient_quota"),
         ConfigurationError),
        (408, None, TransientError),
        (500, refused("CUDA out of memory"), TransientError),
        (502, None, TransientError),
        (503, {"error": "server busy, please try again"}, TransientError),
        (401, refused("Incorrect API key provided: sk-a-very-secret-key-0123456789"),
         ConfigurationError),
        (403, None, ConfigurationError),
        (402, None, ConfigurationError),
        (404, refused("The model `x` does not exist.", type="NotFoundError"),
        ConfigurationError),
        (404, {"error": 'model "x" not found, try pulling it first'}, ConfigurationError),
        (404, None, ConfigurationError),
        (405, {"detail": "Method Not Allowed"}, ConfigurationError),
        (301, None, ConfigurationError),
        (400, None, ConfigurationError),
        (400, refused("model 'x' not found"), ConfigurationError),
        (400, refused("The response was filtered", code="content_filter"),
        Reason.BLOCKED_BY_SAFETY),
        (400, refused("cannot identify image file <_io.BytesIO object>"),
        Reason.IMAGE_UNREADABLE),
        (400, refused("Failed to load image: truncated"), Reason.IMAGE_UNREADABLE),
        (400, {"object": "error", "message": "Invalid image data", "code": 400},
         Reason.IMAGE_UNREADABLE),
        (400, refused("Image size exceeds 20 MB"), Reason.IMAGE_TOO_LARGE),
        (413, None, Reason.IMAGE_TOO_LARGE),
        (400, refused("This model's maximum context length is 4096 tokens."),
         Reason.MODEL_REJECTED_REQUEST),
        (422, {"detail": [{"loc": ["body", "seed"], "msg": "not an integer"}]},
         Reason.MODEL_REJECTED_REQUEST),
    ],
)  # fmt: skip
async def test_a_refusal_is_told_by_its_name(
    status: int,
    body: object,
    expected: type[SightlineError] | Reason,
    classifier: ChatClassifier,
    server: ChatServer,
    task: TaskSpec,
) -> None:
    server.status = status
    server.body = b"" if body is None else json.dumps(body).encode()
    error = await error_of(classifier, task)
    if isinstance(expected, Reason):
        assert isinstance(error, PermanentError)
        assert error.reason is expected
    else:
        assert type(error) is expected
    assert server.calls == 1, "a hidden retry"


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("header", "expected"), [({}, None), ({"Retry-After": "7"}, 7.0)])
async def test_when_to_come_back_is_read(
    header: dict[str, str],
    expected: float | None,
    status: int,
    classifier: ChatClassifier,
    server: ChatServer,
    task: TaskSpec,
) -> None:
    server.status, server.headers = status, header
    error = await error_of(classifier, task)
    assert isinstance(error, ThrottledError | TransientError)
    assert error.retry_after_s == expected


@pytest.mark.parametrize("does", ["reset", "half"])
async def test_a_connection_that_breaks_is_transient(
    does: Any, classifier: ChatClassifier, server: ChatServer, task: TaskSpec
) -> None:
    server.does = does
    assert isinstance(await error_of(classifier, task), TransientError)
    assert server.calls == 1


async def test_a_server_that_hangs_is_given_up_after_the_timeout(
    url: str, server: ChatServer, task: TaskSpec
) -> None:
    server.does = "hang"
    async with ChatClassifier.open(
        model=MODEL, base_url=url, read_image=read_image, timeout_s=0.2, api_key=KEY
    ) as classifier:
        error = await error_of(classifier, task)
    server.leaving.set()
    assert isinstance(error, TransientError)
    assert "in time" in str(error)


async def test_nobody_at_the_endpoint_is_transient(task: TaskSpec) -> None:
    async with ChatClassifier.open(
        model=MODEL, base_url="http://127.0.0.1:9/v1", read_image=read_image, timeout_s=5.0
    ) as classifier:
        assert isinstance(await error_of(classifier, task), TransientError)


async def test_a_wrong_key_is_a_fault_of_the_configuration(url: str, task: TaskSpec) -> None:
    async with ChatClassifier.open(
        model=MODEL, base_url=url, read_image=read_image, timeout_s=30.0, api_key="another"
    ) as classifier:
        error = await error_of(classifier, task)
    assert isinstance(error, ConfigurationError)
    assert "openai.api_key_env" in str(error)


@pytest.mark.parametrize(
    ("uri", "reason"),
    [("gs://b/o.jpg", Reason.BAD_URI), ("file:///gone.jpg", Reason.IMAGE_GONE)],
)
async def test_an_image_that_cannot_be_sent_costs_no_call(
    uri: str, reason: Reason, classifier: ChatClassifier, server: ChatServer, task: TaskSpec
) -> None:
    with pytest.raises(PermanentError) as caught:
        await classifier.classify(task, [at(), at(uri)], run_id="r")
    assert caught.value.reason is reason
    assert server.calls == 0


async def test_an_image_of_several_megabytes_is_sent(
    classifier: ChatClassifier, server: ChatServer, task: TaskSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONTENTS, "file:///1.jpg", b"\xff\xd8\xff" + bytes(4_000_000))
    await classifier.classify(task, [at()], run_id="r")
    assert len(server.images[0][0]) == 4_000_003


@pytest.mark.parametrize(
    "base_url", ["", "localhost:8000", "ftp://x/v1", "http://", "http://x/v1?a=b"]
)
async def test_a_url_that_can_be_none_is_told_before_a_call(base_url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"openai\.endpoint"):
        async with ChatClassifier.open(
            model=MODEL, base_url=base_url, read_image=read_image, timeout_s=1.0
        ):
            pass


async def test_a_key_that_can_be_none_is_told_and_not_shown() -> None:
    with pytest.raises(ConfigurationError, match=r"openai\.api_key_env") as caught:
        async with ChatClassifier.open(
            model=MODEL, base_url="http://x/v1", read_image=read_image, timeout_s=1.0,
            api_key="two words",
        ):  # fmt: skip
            pass
    assert "two words" not in str(caught.value)


@pytest.mark.parametrize("does", ["answer", "reset"])
async def test_no_key_is_ever_logged(
    does: Any,
    classifier: ChatClassifier,
    server: ChatServer,
    task: TaskSpec,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.does = does
    caplog.set_level(logging.DEBUG)
    try:
        await classifier.classify(task, [at()], run_id="r")
    except TransientError:
        logging.getLogger("test").exception("as a careless caller would log it")
    assert KEY not in caplog.text
    assert ("careless" in caplog.text) is (does == "reset")


@pytest.mark.parametrize("tokens", [2**64 - 1, -1, True, 1.5, "many", None])
async def test_a_count_that_cannot_be_costs_what_the_request_can_have_cost(
    tokens: Any, classifier: ChatClassifier, server: ChatServer, task: TaskSpec
) -> None:
    server.usage = {"prompt_tokens": tokens, "completion_tokens": tokens}
    classification = await classifier.classify(task, [at()], run_id="r")
    task.validate_answer(classification.answer)
    expected_tokens = input_tokens(task, 1)
    answered = 0 if tokens is None else server.requests[0].max_tokens
    assert classification.usage == Usage(
        expected_tokens, answered, 2 * expected_tokens + 10 * answered
    )


async def test_a_body_that_json_forbids_is_paid_for_once(
    classifier: ChatClassifier, server: ChatServer, task: TaskSpec
) -> None:
    server.body = (
        b'{"choices":[{"message":{"content":"\\ud800"},"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":7,"completion_tokens":NaN}}'
    )
    with pytest.raises(PermanentError) as raised:
        await classifier.classify(task, [at()], run_id="r")
    assert raised.value.reason is Reason.ANSWER_INVALID
    assert raised.value.input_tokens == 7
