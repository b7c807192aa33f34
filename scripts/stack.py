"""All servers at once, and the settings file by which Sightline uses them as Google Cloud."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.servers import (
    UNTIL_INPUT_ENDS,
    BigQueryEmulator,
    GcsServer,
    Pstest,
    PubSubEmulator,
    ServerError,
    process,
    pubsub_emulator_jar,
    run_bigquery_emulator,
    run_gcs,
    run_pstest,
    run_pubsub_emulator,
)

BUCKET = "sightline-images"
SETTINGS = """\
# Sightline on Google Cloud's emulators and a model simulator, all on this machine.
engine = "gcp"
home = ".sightline"

[gcp]
project = "{project}"

[bigquery]
dataset = "sightline"
source = "{project}.imagery.latest_observations"
endpoint = "{bigquery}"
storage_endpoint = "{bigquery_storage}"

[pubsub]
endpoint = "{pubsub}"

[vertex]
location = "global"
endpoint = "{vertex}"

[gcs]
bucket = "{bucket}"
endpoint = "{gcs}"

[models]
classify = "gemini-3.5-flash-lite"
embed = "gemini-embedding-2"
embed_dimension = 256
"""


@dataclass(frozen=True, slots=True)
class Stack:
    """Running servers; ``settings`` is the file that names them."""

    settings: Path
    pubsub: PubSubEmulator | Pstest
    bigquery: BigQueryEmulator
    gcs: GcsServer
    vertex: str


@contextmanager
def run_stack(
    folder: Path, *, answers: str = "demo", pstest: bool | None = None
) -> Iterator[Stack]:
    """Run all servers and write their settings file into ``folder``.

    ``answers`` is who answers for the models, ``demo`` or ``instant``. Pub/Sub is Google's
    emulator where there is one, else pstest; ``pstest`` says which.

    Raises:
        ServerError: one of them does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        pubsub: PubSubEmulator | Pstest
        if pubsub_emulator_jar() is None if pstest is None else pstest:
            pubsub = stack.enter_context(run_pstest(folder / "pubsub.log"))
        else:
            pubsub = stack.enter_context(run_pubsub_emulator(folder / "pubsub.log"))
        bigquery = stack.enter_context(run_bigquery_emulator(folder / "bigquery.log"))
        gcs = stack.enter_context(run_gcs(folder / "gcs.log"))
        options = ["--answers", answers, "--gcs-endpoint", gcs.endpoint]
        vertex = stack.enter_context(run_simulator(folder / "vertex.log", options))
        settings = folder / "sightline.toml"
        settings.write_text(
            SETTINGS.format(
                project=bigquery.project,
                bigquery=bigquery.endpoint,
                bigquery_storage=bigquery.storage_endpoint,
                pubsub=pubsub.endpoint,
                gcs=gcs.endpoint,
                vertex=vertex,
                bucket=BUCKET,
            )
        )
        yield Stack(settings, pubsub, bigquery, gcs, vertex)


@contextmanager
def run_simulator(log: Path, options: Sequence[str]) -> Iterator[str]:
    """Run the model simulator in a process of its own; yield its URL."""
    command = [sys.executable, "-m", "sightline", "simulate", "vertex", "--port", "0", *options]
    with process(["sh", "-c", UNTIL_INPUT_ENDS, "sh", *command], log) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        if not url:
            raise ServerError(f"the simulator does not start: {log.read_text(encoding='utf-8')}")
        yield url


def sightline(settings: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of Sightline with these settings; its output goes where ours does."""
    command = [sys.executable, "-m", "sightline", "--config", str(settings), *arguments]
    return subprocess.run(command, text=True, check=False)
