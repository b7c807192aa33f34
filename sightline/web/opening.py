"""Builds the page from a project's settings and the options of the command."""

from __future__ import annotations

import ipaddress
import json
import secrets
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from fastapi import FastAPI

from sightline.errors import ConfigurationError
from sightline.extras import library
from sightline.settings import Settings
from sightline.web.access.door import Door, OneTimeLink, ProxyHeader
from sightline.web.access.guard import Rules
from sightline.web.access.headers import security_headers
from sightline.web.access.roles import PageRole
from sightline.web.access.sessions import Grant
from sightline.web.access.token_file import TokenFile
from sightline.web.app import create_app
from sightline.web.project import open_project
from sightline.web.routes.pages import sign_in_url
from sightline.web.routes.pictures import BODY_BYTES

KEYS_TIMEOUT_S = 10.0


@dataclass(frozen=True, kw_only=True)
class PageOptions:
    """The options of one server."""

    host: str
    port: int
    root_path: str = ""
    token_file: Path | None = None
    hosts: tuple[str, ...] = ()
    read_only: bool = False


@dataclass(frozen=True)
class ServedPage:
    """An application, and the functions that return its address and that of its next session."""

    app: FastAPI
    url: Callable[[], str]


def check_options(options: PageOptions, settings: Settings) -> None:
    """Check that strangers cannot open the page, and the form of the prefix.

    Raises:
        ConfigurationError: another address than this machine's own, without tokens or a proxy.
    """
    root = options.root_path
    if root and (not root.startswith("/") or root.endswith("/") or "//" in root):
        raise ConfigurationError(f"--root-path {root} is not accepted; give one such as /sightline")
    is_open = options.token_file is None and not settings.gallery.iap_audience
    if is_open and not _is_loopback(options.host):
        raise ConfigurationError(
            f"--host {options.host} lets other machines open the page; add --token-file FILE, or"
            " set gallery.iap_audience behind Identity-Aware Proxy"
        )


def build_page(
    settings: Settings, options: PageOptions, *, on_next_url: Callable[[str], None]
) -> ServedPage:
    """Return the application; ``on_next_url`` receives each next one-time URL.

    Raises:
        ConfigurationError: the token file, the keys or an option cannot be used.
    """
    check_options(options, settings)
    shown = f"[{options.host}]" if ":" in options.host else options.host
    base = f"http://{shown}:{options.port}{options.root_path}"
    process = Grant(PageRole.OWNER, secrets.token_urlsafe(32))
    link = None
    if options.token_file is None and not settings.gallery.iap_audience:
        link = OneTimeLink(
            lambda: secrets.token_urlsafe(24), lambda token: on_next_url(sign_in_url(base, token))
        )
    door = Door(
        process=process,
        link=link,
        tokens=TokenFile(options.token_file).grants if options.token_file else tuple,
        proxy=_proxy(settings, process),
        most=PageRole.VIEWER if options.read_only else PageRole.OWNER,
        now_s=time.time,
        cookie=f"sightline-{options.port}",
    )
    own = () if options.host in {"0.0.0.0", "::"} else (shown,)  # noqa: S104 - compared
    rules = Rules(
        hosts=frozenset(
            name.lower() for name in (*own, *options.hosts, *settings.gallery.host_names)
        ),
        headers=security_headers(tile_origins(settings)),
        root_path=options.root_path,
        most_body_bytes=BODY_BYTES,
    )
    app = create_app(lambda: open_project(settings), door, rules)
    return ServedPage(app, lambda: sign_in_url(base, link.token) if link else f"{base}/images")


def tile_origins(settings: Settings) -> tuple[str, ...]:
    """Return the origin of the base map's tiles, if they are elsewhere."""
    tiles = urlsplit(settings.gallery.tiles)
    return (f"{tiles.scheme}://{tiles.netloc}",) if tiles.netloc else ()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _proxy(settings: Settings, process: Grant) -> ProxyHeader | None:
    gallery = settings.gallery
    if not gallery.iap_audience:
        return None
    library("google.auth.jwt", "gcp")
    library("cryptography", "gcp")
    from sightline.web.access.iap import IapHeader, roles_by_address  # noqa: PLC0415 - an extra

    return IapHeader(
        gallery.iap_audience,
        lambda: _read_keys(gallery.iap_keys),
        roles_by_address(gallery.owners, gallery.reviewers),
        process,
    )


def _read_keys(url: str) -> dict[str, str]:
    """Read public keys by their ids from a JSON document."""
    try:
        with urllib.request.urlopen(url, timeout=KEYS_TIMEOUT_S) as response:  # noqa: S310 - checked
            keys = json.load(response)
    except (OSError, ValueError) as error:
        raise ValueError("the proxy's keys cannot be read") from error
    return {str(name): str(key) for name, key in keys.items()}
