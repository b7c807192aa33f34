"""Serves the application: binds the address first, then starts, and stops in order."""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from sightline.errors import BusyError, ConfigurationError

GRACE_S = 5


def bind(host: str, port: int) -> socket.socket:
    """Return a bound socket; port 0 is any free one.

    Raises:
        BusyError: another program has the port.
        ConfigurationError: the address cannot be bound.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise BusyError(f"port {port} is in use; give another --port, or 0 for any") from error
        raise ConfigurationError(
            f"--host {host} --port {port}: {reason}; give an address of this machine"
        ) from error
    return listener


def serve(app: FastAPI, listener: socket.socket, on_start: Callable[[], None]) -> None:
    """Serve until SIGTERM or Ctrl-C; open requests then have ``GRACE_S`` seconds."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,  # addresses have tokens and queries
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        lifespan="on",
    )
    _Server(config, app, on_start).run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, app: FastAPI, on_start: Callable[[], None]) -> None:
        super().__init__(config)
        self._app = app
        self._on_start = on_start

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop in order at a signal, and then end normally, instead of by the signal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams of live runs first: they would last as long as their listeners."""
        if self.started:
            await self._app.state.project.runs.stop()
        await super().shutdown(sockets)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_start()
