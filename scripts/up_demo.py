"""The environment and the job in it, from nothing to nothing, on this machine: ``make up-demo``.

Pulumi's engine brings the environment up by Google's provider, against emulators and a control
plane; the producer and a worker do their job on what was made; then it is destroyed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from scripts.environment import Environment, infrastructure
from scripts.local_cloud import PROJECT, Cloud, run_cloud
from scripts.stack import run_simulator
from sightline.vision.scenes import render_collection

STACK = "demo"
SOURCE = f"{PROJECT}.sightline_{STACK}.photographs"
SETTINGS = {
    "deletionProtection": "false",
    "embedDimension": "256",
    "fleet": "job",
    "image": "us-docker.pkg.dev/sightline-test/sightline/sightline:1",
    "source": SOURCE,
}
"""The demo model, which answers, has vectors of 256 dimensions."""
QUESTION = "a faded yield sign in the rain"


def main() -> int:
    """Run the demo; return its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", type=Path, default=Path("up-demo"))
    parser.add_argument("--scenes", type=int, default=60)
    arguments = parser.parse_args()
    folder = Path(arguments.dir).resolve()
    servers = folder / "servers"
    servers.mkdir(parents=True, exist_ok=True)
    tell("starting emulators, the control plane and a model simulator")
    with run_cloud(servers) as cloud:
        options = [
            "--answers",
            "demo",
            "--gcs-endpoint",
            cloud.variables["SIGHTLINE_GCS__ENDPOINT"],
        ]
        with run_simulator(servers / "vertex.log", options) as vertex:
            run = folder / time.strftime("%Y%m%d-%H%M%S")
            environment = Environment(
                cloud, run, infrastructure(cloud), name=STACK, settings=SETTINGS
            )
            return whole_life(environment, vertex, run, arguments.scenes)


def whole_life(environment: Environment, vertex: str, folder: Path, scenes: int) -> int:
    """Bring up, do the job, destroy; return the exit code."""
    tell("pulumi up")
    outcome = environment.up()
    show(f"{outcome.changes['create']} resources made; `{folder}` has the stack's state")
    job = Job(environment.cloud, vertex, folder)
    job.write_settings(environment.outputs())
    render_collection(folder / "photos", count=scenes, seed=5)
    bucket = environment.outputs()["imageBucket"]
    for arguments in (
        ("upload", "photos", f"gs://{bucket}/street", "--source-table", SOURCE),
        ("setup",),
        ("enqueue",),
        ("work", "--drain"),
        ("status",),
        ("search", QUESTION, "--top", "3"),
    ):
        tell(
            "sightline "
            + " ".join(f'"{argument}"' if " " in argument else argument for argument in arguments)
        )
        code = job.run(*arguments).returncode
        if code:
            return code
    tell("pulumi destroy")
    gone = environment.destroy()
    show(f"{gone.changes['delete']} resources deleted")
    return 0


class Job:
    """The commands of the job, with the settings that a stack's outputs hold."""

    def __init__(self, cloud: Cloud, vertex: str, folder: Path) -> None:
        """Run commands in this folder."""
        self.folder = folder
        self.environment = {
            **os.environ,
            **cloud.variables,
            "SIGHTLINE_VERTEX__ENDPOINT": vertex,
            "SIGHTLINE_WORKER__DRAIN_IDLE_S": "1",
        }

    def write_settings(self, outputs: Mapping[str, object]) -> None:
        """Write the settings file as ``sightline config from-stack`` does."""
        file = self.folder / "outputs.json"
        file.write_text(json.dumps(outputs))
        self.run("config", "from-stack", str(file)).check_returncode()

    def run(self, *arguments: str, quietly: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a command; its output goes where ours does, unless it is to be quiet."""
        return subprocess.run(
            [sys.executable, "-m", "sightline", *arguments],
            cwd=self.folder,
            env=self.environment,
            text=True,
            capture_output=quietly,
            check=False,
        )


_began_at = time.monotonic()


def tell(step: str) -> None:
    """Say which step begins, and when."""
    print(f"\n[{time.monotonic() - _began_at:5.1f} s] {step}", flush=True)


def show(what: str) -> None:
    """Say what a step did."""
    print(f"  {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
