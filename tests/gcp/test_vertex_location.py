"""The locations and endpoints of models, and the tokens of calls."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import google.auth
import pytest
from google.auth.exceptions import DefaultCredentialsError, RefreshError, TransportError

from sightline.errors import ConfigurationError, PermanentError, Reason, TransientError
from sightline.gcp.credentials import GoogleTokens
from sightline.gcp.vertex_location import VertexLocation, billing_label, image_uri, mime_type
from tests.gcp.conftest import seen


@pytest.mark.parametrize(
    ("location", "endpoint"),
    [
        ("global", "https://aiplatform.googleapis.com"),
        ("us", "https://aiplatform.us.rep.googleapis.com"),
        ("europe-west4", "https://europe-west4-aiplatform.googleapis.com"),
    ],
)
def test_each_location_has_its_endpoint(location: str, endpoint: str) -> None:
    assert VertexLocation("p", location).endpoint == endpoint
    assert VertexLocation("p", location, "http://127.0.0.1:1/").endpoint == "http://127.0.0.1:1"


def test_a_method_s_url_names_project_location_and_model() -> None:
    assert VertexLocation("p", "us", "http://x").method_url("m@1", "predict") == (
        "http://x/v1/projects/p/locations/us/publishers/google/models/m@1:predict"
    )


@pytest.mark.parametrize(
    ("model", "location"),
    [
        ("gemini-3.5-flash", "us-central1"),
        ("multimodalembedding@001", "global"),
        ("gemini-3.5-flash", ""),
    ],
)
def test_a_model_that_is_not_served_there_is_reported_before_any_call(
    model: str, location: str
) -> None:
    with pytest.raises(ConfigurationError, match="set"):
        VertexLocation("p", location).check_served(model)


@pytest.mark.parametrize(
    ("model", "location"),
    [("gemini-3.5-flash", "eu"), ("multimodalembedding@001", "us-central1"), ("own", "us")],
)
def test_a_model_that_may_be_served_there_is_left_to_the_server(model: str, location: str) -> None:
    VertexLocation("p", location).check_served(model)


def test_an_image_outside_a_bucket_cannot_be_read_by_a_model() -> None:
    with pytest.raises(PermanentError) as caught:
        image_uri(replace(seen(), gcs_uri="file:///photos/1.jpg"))
    assert caught.value.reason is Reason.BAD_URI


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("gs://b/1.PNG", "image/png"),
        ("gs://b/1.webp", "image/webp"),
        ("gs://b/1.jpg", "image/jpeg"),
        ("gs://b/1", "image/jpeg"),
    ],
)
def test_the_media_type_follows_from_the_name(uri: str, expected: str) -> None:
    assert mime_type(uri) == expected


def test_a_label_has_only_valid_characters() -> None:
    assert billing_label("20261120-101500-ab12cd") == "20261120-101500-ab12cd"
    assert billing_label("Öst / 7") == "-st---7"
    assert len(billing_label("x" * 100)) == 63


def made(kind: Any, *arguments: object, **named: object) -> Exception:
    """Return one of google-auth's errors, whose constructors are not typed."""
    error: Exception = kind(*arguments, **named)
    return error


class Refreshable:
    """Credentials that expire, and count how often they are refreshed."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.token: str | None = None
        self.valid = False
        self.refreshed = 0
        self.failure = failure

    def refresh(self, _: object) -> None:
        self.refreshed += 1
        if self.failure is not None:
            raise self.failure
        self.token, self.valid = "fresh", True


async def test_many_calls_refresh_a_token_once() -> None:
    credentials = Refreshable()
    tokens = GoogleTokens(credentials)
    assert set(await asyncio.gather(*(tokens.token() for _ in range(50)))) == {"fresh"}
    assert credentials.refreshed == 1


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (made(TransportError, "no route"), TransientError),
        (made(RefreshError, "busy", retryable=True), TransientError),
        (made(RefreshError, "invalid_grant: ya29.secret"), ConfigurationError),
    ],
)
async def test_a_refused_refresh_is_distinguished_from_a_transient_one(
    failure: Exception, expected: type[Exception]
) -> None:
    with pytest.raises(expected) as caught:
        await GoogleTokens(Refreshable(failure)).token()
    assert "secret" not in str(caught.value)


def test_missing_credentials_are_a_configuration_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(**_: object) -> None:
        raise made(DefaultCredentialsError, "none")

    monkeypatch.setattr(google.auth, "default", nothing)
    with pytest.raises(ConfigurationError, match="gcloud auth"):
        GoogleTokens.default()
