"""What a worker on Google Cloud's adapters loads: nothing heavy that it does not use."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from scripts.servers import CHECKOUT
from tests.cloud.project import Project

pytestmark = pytest.mark.needs("go")

MESSAGES = 10

NEVER = (
    "vertexai",
    "google.cloud.aiplatform",
    "google.cloud.aiplatform_v1",
    "google.genai",
    "pulumi",
    "pulumi_gcp",
    "duckdb",
    "faiss",
    "onnxruntime",
    "PIL",
    "pandas",
    "pyarrow.dataset",
    "pyarrow.parquet",
    "rich.markdown",
    "sightline.local",
    "sightline.sim",
    "sightline.vision",
    "opentelemetry.exporter",
    "prometheus_client",
    "sightline.cli.watching",
    "worker.telemetry",
)
"""What costs seconds or hundreds of megabytes, and the adapters of other engines. ``pyarrow``
itself is not among them: google-cloud-bigquery loads it wherever it is installed. It would load
pandas, too, which is made to look absent: the worker does its work without."""

SHOW_MODULES = """
import json, runpy, sys
sys.modules["pandas"] = None
try:
    runpy.run_module("worker", run_name="__main__", alter_sys=True)
except SystemExit as end:
    print(json.dumps(sorted(name for name, module in sys.modules.items() if module)))
    raise end from None
"""


def loaded(project: Project, *arguments: str) -> list[str]:
    """Return the modules that are loaded at the end of ``python -m worker``."""
    completed = subprocess.run(
        [sys.executable, "-c", SHOW_MODULES, *arguments],
        env={
            **os.environ,
            **project.environment,
            "SIGHTLINE_CONFIG": str(project.stack.settings),
        },
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    modules: list[str] = json.loads(completed.stdout.splitlines()[-1])
    return modules


@pytest.mark.extended
def test_a_worker_loads_no_heavy_library_that_it_does_not_use(project: Project) -> None:
    project.fill(MESSAGES)
    project.run("setup")
    parts = project.run("enqueue")["parts"]
    modules = loaded(project, "--drain")
    parts_written = project.run("status")["runs"][0]["written"]
    assert parts_written == parts, "it did its work"
    assert "google.pubsub_v1" in modules
    heavy = [
        module for module in modules if any(f"{module}.".startswith(f"{name}.") for name in NEVER)
    ]
    assert heavy == []
