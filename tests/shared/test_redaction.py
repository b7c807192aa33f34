"""Secrets are hidden by value, in every form in which a service may give them back."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from sightline.redaction import (
    HIDDEN,
    Secrets,
    endpoint_secrets,
    register_headers,
    shown_endpoint,
    without_secrets,
)
from sightline.redaction.secrets import MOST_TOKENS
from tests.shared.known_secrets import forgetting_secrets

KEY = 'tulip/garden "blue"+door&7'
"""Looks like no key, and changes in every escaping."""


@pytest.fixture
def secrets() -> Secrets:
    known = Secrets()
    known.register(KEY)
    return known


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "JSON": json.dumps,
    "JSON with escaped slashes": lambda text: json.dumps(text).replace("/", "\\/"),
    "HTML": html.escape,
    "a path": lambda text: quote(text, safe=""),
    "a path with slashes": quote,
    "a form": quote_plus,
    "lower case percent codes": lambda text: quote(text, safe="").replace("%2F", "%2f"),
    "Python": repr,
    "Base64": lambda text: base64.b64encode(text.encode()).decode(),
    "Base64 of a pair": lambda text: base64.b64encode(f"me:{text}".encode()).decode(),
    "Base64 amid others": lambda text: base64.b64encode(f"user:{text}, and".encode()).decode(),
    "Base64 of URLs": lambda text: base64.urlsafe_b64encode(f"u:{text}".encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_hidden_in_every_form(secrets: Secrets, form: str) -> None:
    text = secrets.hide(f"it said: {FORMS[form](KEY)} and more")
    assert HIDDEN in text
    assert text.startswith("it said: ")
    assert text.endswith(" and more")
    inner = [KEY[at : at + 8] for at in range(len(KEY) - 8)]
    assert not [part for part in inner if part in text or FORMS[form](part) in text]


def test_all_of_several_are_hidden_and_what_is_between_stays(secrets: Secrets) -> None:
    assert secrets.hide(f"{KEY} or {KEY}{KEY}") == f"{HIDDEN} or {HIDDEN}"
    assert secrets.hide("nothing of the kind") == "nothing of the kind"


@pytest.mark.parametrize("cut", range(12, len(KEY)))
def test_a_text_that_was_cut_short_holds_no_part_of_it(secrets: Secrets, cut: int) -> None:
    assert secrets.hide(f"was {KEY[:cut]}") == f"was {HIDDEN}"
    assert secrets.hide(f"…{KEY[-cut:]} was") == f"…{HIDDEN} was"


@pytest.mark.parametrize(
    "text", ["", "a", "abc", "none", "EMPTY", "stop", "1234", "20261130", "lm-studio", "not-needed"]
)
def test_what_cannot_be_told_from_plain_text_is_not_hidden(text: str) -> None:
    known = Secrets()
    known.register(text)
    words = f"{text} and x{text}y, 1234, 20261130 of them: none, stop"
    assert known.hide(words) == words


def test_a_short_secret_is_hidden_only_where_it_stands_alone() -> None:
    known = Secrets()
    known.register("pa55")
    assert known.hide("pa55, 'pa55': pa55.") == f"{HIDDEN}, '{HIDDEN}': {HIDDEN}."
    assert known.hide("spa55 pa555 a-pa55-b") == "spa55 pa555 a-pa55-b"


def test_a_secret_within_another_leaves_nothing_of_it() -> None:
    known = Secrets()
    known.register("orchard-gate")
    known.register("my-orchard-gate-key")
    assert known.hide("my-orchard-gate-key") == HIDDEN


def test_tokens_are_hidden_as_they_are_renewed_and_keys_for_ever(secrets: Secrets) -> None:
    first, second = "ash-birch-cedar-7", "fir-hazel-juniper"
    token = [first]
    secrets.register_tokens_of(lambda: [token[0], None])
    assert secrets.hide(first) == HIDDEN
    token[0] = second
    assert secrets.hide(f"{first}, {second}") == f"{HIDDEN}, {HIDDEN}"
    for number in range(2 * MOST_TOKENS):
        secrets.register_token(f"{number:08x}" * 3)
    assert secrets.hide(f"{first}, {second}, {KEY}") == f"{first}, {HIDDEN}, {HIDDEN}"


def test_bytes_that_are_no_text_are_kept_but_for_the_secret(secrets: Secrets) -> None:
    content = b"\xff\xfe" + KEY.encode() + b"\x80"
    assert secrets.hide_in_bytes(content) == b"\xff\xfe" + HIDDEN.encode() + b"\x80"
    assert secrets.hide_in_bytes(b"\xff\xfe\x80") == b"\xff\xfe\x80"


@pytest.mark.parametrize(
    ("endpoint", "shown"),
    [
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("127.0.0.1:8085", "127.0.0.1:8085"),
        ("", ""),
        ("http://u:p4ss@h:1/v1", "http://[hidden]@h:1/v1"),
        ("http://t0ken@h/v1", "http://[hidden]@h/v1"),
        ("u:p4ss@h:8085", "[hidden]@h:8085"),
        ("ftp://u:p@ss/w?rd#x@h/v1", "ftp://[hidden]@h/v1"),
        ("http:/u:p4ss@h", "[hidden]@h"),
        ("http://h/v1?key=p4ss&b=p4ss", "http://h/v1?key=[hidden]&b=[hidden]"),
        ("http://h/v1?p4ss", "http://h/v1?[hidden]"),
        ("http://h/v1#p4ss", "http://h/v1#[hidden]"),
        ("http://u:p%40ss@h?x=1", "http://[hidden]@h?x=[hidden]"),
    ],
)
def test_an_endpoint_is_shown_without_user_values_and_fragment(endpoint: str, shown: str) -> None:
    assert shown_endpoint(endpoint) == shown


def test_an_endpoint_that_is_shown_is_bounded() -> None:
    assert len(shown_endpoint("http://" + "h" * 10_000)) == 200


@pytest.mark.parametrize(
    ("endpoint", "secrets"),
    [
        ("http://u:p%40ss-word@h/v1?key=k1&page=2", {"p%40ss-word", "p@ss-word", "k1"}),
        ("http://token@h", {"token"}),
        ("u:pass@h:1", {"pass"}),
        ("http://h:1/v1", set()),
    ],
)
def test_the_secrets_of_an_endpoint_are_found(endpoint: str, secrets: set[str]) -> None:
    assert set(endpoint_secrets(endpoint)) == secrets


def test_headers_of_a_variable_are_secrets_by_value() -> None:
    pair = base64.b64encode(b"grafana:poppy-field-9").decode()
    with forgetting_secrets():
        register_headers(f"authorization=Basic%20{pair},x-api-key=rose%2Dhip5,tenant=acme")
        text = without_secrets(f"{pair} poppy-field-9 rose-hip5 acme")
    assert text == f"{HIDDEN} {HIDDEN} {HIDDEN} acme"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET https://me:p4ss@h/v1: 404", "GET https://[hidden]@h/v1: 404"),
        ("at https://h/v1, ask me@h", "at https://h/v1, ask me@h"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY----- x", "[hidden] x"),
    ],
)
def test_users_in_urls_and_private_keys_are_hidden_by_shape(text: str, shown: str) -> None:
    assert without_secrets(text) == shown
