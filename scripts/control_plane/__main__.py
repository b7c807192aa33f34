"""Runs the control plane and its router as a process: ``python -m scripts.control_plane``.

Prints its URL when it listens, and ends with its standard input.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from aiohttp import web

from scripts.control_plane.plane import ControlPlane
from scripts.control_plane.router import Router


def main() -> None:
    """Run until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--project", "--pubsub", "--bigquery", "--storage"):
        parser.add_argument(name, required=True)
    arguments = parser.parse_args()
    emulators = {
        "pubsub.googleapis.com": arguments.pubsub,
        "bigquery.googleapis.com": arguments.bigquery,
        "storage.googleapis.com": arguments.storage,
    }
    asyncio.run(_serve(Router(ControlPlane(arguments.project), emulators)))


async def _serve(router: Router) -> None:
    await router.open()
    runner = web.ServerRunner(web.Server(router.handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()
    await router.close()


if __name__ == "__main__":
    main()
