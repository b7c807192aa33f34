"""The demo against all of Google Cloud's stand-ins at once: ``make cloud-demo``.

Google's Pub/Sub emulator (or pstest), the BigQuery emulator, a Cloud Storage server and a model
simulator run on this machine; the demo does the whole job on them, with the cloud's adapters.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import threading
from pathlib import Path

from google.api_core.exceptions import Conflict

from scripts.servers import GcsServer, PubSubEmulator
from scripts.stack import BUCKET, run_stack, sightline
from sightline.gcp.storage.client import StoragePlace, open_storage


def main() -> int:
    """Run the demo; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, default=Path("cloud-demo"))
    parser.add_argument("--scenes", type=int, default=600)
    parser.add_argument("--keep", action="store_true", help="leave the servers running after it")
    arguments = parser.parse_args()
    servers = arguments.dir / "servers"
    print("starting Pub/Sub, BigQuery, Cloud Storage and a model simulator", flush=True)
    with run_stack(servers) as stack:
        kind = "Google's emulator" if isinstance(stack.pubsub, PubSubEmulator) else "pstest"
        for name, where in (
            ("Pub/Sub", f"{stack.pubsub.endpoint} ({kind})"),
            ("BigQuery", stack.bigquery.endpoint),
            ("Cloud Storage", stack.gcs.endpoint),
            ("Gemini", f"{stack.vertex} (a simulator, answering with the demo model)"),
            ("settings", stack.settings),
        ):
            print(f"  {name:<14} {where}", flush=True)
        make_bucket(stack.gcs)
        folder = str(arguments.dir / "demo")
        options = ("--dir", folder, "--scenes", str(arguments.scenes))
        code = sightline(stack.settings, "demo", *options).returncode
        if arguments.keep and code == 0:
            keep(stack.settings)
    return code


def keep(settings: Path) -> None:
    """Leave the servers running until the user has seen enough."""
    program = os.path.relpath(Path(sys.executable).with_name("sightline"))
    print(f'\ngo on:      {program} --config {settings} search "a faded yield sign in the rain"')
    print("the servers run until Ctrl-C")
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()


def make_bucket(gcs: GcsServer) -> None:
    """Make the bucket of the images."""
    place = StoragePlace("any", gcs.endpoint)
    with open_storage(place) as client, contextlib.suppress(Conflict):  # it was made, after all
        client.create_bucket(BUCKET, **place.request_options())


if __name__ == "__main__":
    sys.exit(main())
