"""Identity-Aware Proxy's signed header, checked with a key of our own; and the token file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.auth import crypt, jwt

from sightline.errors import ConfigurationError
from sightline.web.access.iap import HEADER, IapHeader, roles_by_address
from sightline.web.access.roles import PageRole
from sightline.web.access.sessions import Grant
from sightline.web.access.token_file import TokenFile

AUDIENCE = "/projects/1/global/backendServices/2"


class Signer:
    """A private key, and its public one as the proxy publishes it."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        self.signer = crypt.ES256Signer.from_string(pem, "key-1")
        self.public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def token(self, **claims: Any) -> str:
        now = int(time.time())
        payload = {
            "iss": "https://cloud.google.com/iap", "aud": AUDIENCE, "iat": now, "exp": now + 600,
            "email": "ann@example.org", "sub": "accounts.google.com:1",
        }  # fmt: skip
        token: bytes = jwt.encode(self.signer, payload | claims)  # type: ignore[no-untyped-call]  # untyped there
        return token.decode()


SIGNER = Signer()


def header(reads: list[int] | None = None) -> IapHeader:
    def read() -> dict[str, str]:
        if reads is not None:
            reads.append(1)
        return {"key-1": SIGNER.public.decode()}

    roles = roles_by_address(("ann@example.org",), ("@example.org",))
    return IapHeader(AUDIENCE, read, roles, Grant(PageRole.OWNER, "p" * 32), now_s=lambda: 0.0)


@pytest.mark.parametrize(
    ("address", "role"),
    [
        ("ann@example.org", PageRole.OWNER),
        ("Ann@Example.org", PageRole.OWNER),
        ("bob@example.org", PageRole.REVIEWER),
        ("eve@notexample.org", PageRole.VIEWER),
        ("eve@example.org.evil", PageRole.VIEWER),
    ],
)
def test_a_valid_header_names_a_person(address: str, role: PageRole) -> None:
    visitor = header()({HEADER: SIGNER.token(email=address)})
    assert visitor is not None
    assert (visitor.name, visitor.role) == (address, role)


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        SIGNER.token(aud="/projects/1/global/backendServices/3"),
        SIGNER.token(iss="https://accounts.google.com"),
        SIGNER.token(exp=int(time.time()) - 3600, iat=int(time.time()) - 7200),
        SIGNER.token(iat=int(time.time()) + 3600),
        SIGNER.token(email=None),
        SIGNER.token()[:-8] + "AAAAAAAA",
        Signer().token(),
    ],
    ids=[
        "none",
        "text",
        "dots",
        "audience",
        "issuer",
        "old",
        "early",
        "nobody",
        "signature",
        "key",
    ],
)
def test_any_other_header_names_nobody(token: str) -> None:
    assert header()({HEADER: token}) is None


def test_a_header_without_a_signature_names_nobody() -> None:
    _, payload, _ = SIGNER.token().split(".")
    assert header()({HEADER: f"eyJhbGciOiJub25lIn0.{payload}."}) is None


def test_the_keys_are_read_once_and_not_for_every_unknown_one() -> None:
    reads: list[int] = []
    verify = header(reads)
    for _ in range(5):
        assert verify({HEADER: SIGNER.token()}) is not None
    for _ in range(5):
        verify({HEADER: Signer().token()})
    assert len(reads) == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "has no token"),
        ("# viewer\n", "has no token"),
        ("admin " + "x" * 30, "line 1"),
        ("viewer short", "shorter than 20"),
        ("viewer " + "ä" * 30, "printable ASCII"),
    ],
)
def test_a_malformed_token_file_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "tokens"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match=says):
        TokenFile(path)
