"""Serves metrics to Prometheus, and refuses browsers that another site's page sends."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from sightline.errors import ConfigurationError
from sightline.http_client.hosts import Authority, HostRule
from sightline.redaction import shown_endpoint

STOP_S = 2.0
"""How long a stop waits for the server's thread, in seconds."""
_REFUSED = (
    b"This endpoint answers requests to its own address; name others in telemetry.prometheus_hosts."
)

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@contextmanager
def serving_metrics(
    host: str, port: int, registry: CollectorRegistry, *, names: Sequence[Authority] = ()
) -> Iterator[str]:
    """Serve the registry; yield the URL, with the chosen port if the setting is 0.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """

    class Server(ThreadingWSGIServer):
        """A server of this host's address family."""

    metrics = make_wsgi_app(registry)
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        Server.address_family = addresses[0][0]
        server = make_server(host, port, metrics, Server, _SilentHandler)
    except OSError as error:
        raise ConfigurationError(
            f"metrics cannot be served on {shown_endpoint(f'{host}:{port}')}:"
            f" {error.strerror or error};"
            " set telemetry.prometheus_port to another port, or to 0 for any that is free"
        ) from error
    rule = HostRule(host, server.server_port, names)
    server.set_app(_guarded(metrics, rule))  # before the first request is read
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    named = f"[{host}]" if ":" in host else host
    try:
        yield f"http://{named}:{server.server_port}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(STOP_S)


class _SilentHandler(WSGIRequestHandler):
    """Logs no requests."""

    def log_message(self, *_: object) -> None:
        """Log nothing."""


def _guarded(application: Application, rule: HostRule) -> Application:
    """Return an application that refuses requests that do not name this server."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        headers = {
            name: (environ[key],)
            for name, key in (("Host", "HTTP_HOST"), ("Origin", "HTTP_ORIGIN"))
            if key in environ
        }
        refused = rule.refuses(headers)
        if refused is None:
            return application(environ, start_response)
        status = f"{refused} {'Misdirected Request' if refused == 421 else 'Forbidden'}"
        start_response(
            status, [("Content-Type", "text/plain"), ("Content-Length", str(len(_REFUSED)))]
        )
        return [_REFUSED]

    return answer
