"""Which requests a server on this machine answers: those that name it, but not those of other
sites' pages.

A page in a browser reaches a server on loopback, or in a private network, by a name whose DNS entry
points there (DNS rebinding), and can then read its responses. The ``Host`` header contains that
name, and a page cannot change it; an IP address in it cannot have been rebound.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

_AUTHORITY = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:(?P<port>\d{1,5}))?")
HTTP_PORT = 80
MISDIRECTED = 421
"""The status of a refusal by ``Host`` (RFC 9110, 15.5.20)."""
FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class Authority:
    """A host and a port, as in ``Host``; ``port`` is ``None`` if it is absent."""

    name: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the parsed ``name``, ``name:port`` or ``[address]:port``; else ``None``."""
        match = _AUTHORITY.fullmatch(text.strip())
        if match is None:
            return None
        name = match["name"].strip("[]").removesuffix(".").lower()
        port = int(match["port"]) if match["port"] else None
        return cls(name, port)

    @property
    def is_address(self) -> bool:
        """Whether it is an IP address."""
        return _address(self.name) is not None

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine and nothing else: localhost, 127.0.0.0/8, ::1."""
        address = _address(self.name)
        return self.name == "localhost" if address is None else address.is_loopback


@dataclass(frozen=True, slots=True)
class HostRule:
    """The values of ``Host`` that a server bound to ``host`` and ``port`` answers.

    On loopback: loopback names and addresses, at this port. Otherwise: any IP address too (a scrape
    by a pod's address), ``host`` itself and loopback. In addition ``names``, at their port or,
    without one, at any.
    """

    host: str
    port: int
    names: Sequence[Authority] = field(default=())

    def accepts(self, text: str) -> bool:
        """Return whether the value of a header ``Host`` names this server."""
        authority = Authority.parse(text)
        if authority is None:
            return False
        if any(
            name.name == authority.name and name.port in {None, authority.port}
            for name in self.names
        ):
            return True
        bound = Authority.parse(f"[{self.host}]" if ":" in self.host else self.host)
        if bound is not None and bound.is_loopback:
            return authority.is_loopback and (authority.port or HTTP_PORT) == self.port
        return (
            authority.is_address
            or authority.is_loopback
            or (bound is not None and authority.name == bound.name)
        )

    def refuses(self, headers: Mapping[str, Sequence[str]]) -> int | None:
        """Return the status with which to refuse a request; ``None`` to answer it.

        ``headers`` holds all values of ``Host`` and ``Origin``, by these names.
        """
        hosts, origins = headers.get("Host", ()), headers.get("Origin", ())
        if len(hosts) != 1 or not self.accepts(hosts[0]):
            return MISDIRECTED
        return None if all(_is_of(origin, hosts[0]) for origin in origins) else FORBIDDEN


def parse_names(names: Iterable[str]) -> tuple[Authority, ...]:
    """Return the authorities in ``name`` or ``name:port`` texts.

    Raises:
        ValueError: with the invalid text.
    """
    authorities = []
    for text in names:
        authority = Authority.parse(text)
        if authority is None:
            raise ValueError(text)
        authorities.append(authority)
    return tuple(authorities)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_of(origin: str, host: str) -> bool:
    """Return whether a page of this origin was served under this ``Host``."""
    scheme, _, address = origin.partition("://")
    theirs, ours = Authority.parse(address), Authority.parse(host)
    if scheme != "http" or theirs is None or ours is None:
        return False
    return (theirs.name, theirs.port or HTTP_PORT) == (ours.name, ours.port or HTTP_PORT)
