"""What a command imports, since that is what its start-up costs; and what is never imported."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
HEAVY = {
    "duckdb", "faiss", "numpy", "onnxruntime", "orjson", "PIL", "pyarrow", "pydantic", "shapely",
    "asyncio", "rich",
}  # fmt: skip


def modules_after(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after running the code."""
    completed = subprocess.run(
        [sys.executable, "-c", f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
        cwd=CHECKOUT,
    )
    return set(json.loads(completed.stdout.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    loaded = modules_after(f"from sightline.cli import main\nmain({arguments})")
    assert "typer" in loaded
    assert not HEAVY & loaded


COMMANDS = "sightline.cli.commands."


def test_a_command_s_help_imports_no_other_command_and_no_engine() -> None:
    loaded = modules_after("from sightline.cli import main\nmain(['work', '--help'])")
    assert {name for name in loaded if name.startswith(COMMANDS)} == {f"{COMMANDS}work"}
    assert not {"duckdb", "faiss", "onnxruntime", "PIL", "pyarrow", "shapely", "rich"} & loaded


@pytest.mark.parametrize("words", ["sightline d", "sightline --he"])
def test_completion_imports_no_command_before_one_is_typed(words: str) -> None:
    loaded = modules_after(
        f"""
import os
os.environ |= {{
    "_SIGHTLINE_COMPLETE": "complete_bash", "COMP_WORDS": {words!r}, "COMP_CWORD": "1",
}}
from sightline.cli import main
try:
    main([])
except SystemExit:
    pass
"""
    )
    assert "typer" in loaded
    assert HEAVY & loaded <= {"pydantic"}  # Typer reads options with it
    assert not {name for name in loaded if name.startswith(COMMANDS)}


def test_a_worker_never_imports_pulumi_or_the_heavy_google_clients() -> None:
    loaded = modules_after("import worker.main")
    forbidden = {"pulumi", "vertexai", "google.cloud.aiplatform", "google.cloud.aiplatform_v1"}
    assert not forbidden & loaded


TELEMETRY = {"opentelemetry", "prometheus_client"}


def test_a_worker_that_tells_no_metrics_imports_nothing_that_does(tmp_path: Path) -> None:
    loaded = modules_after(
        f"""
import os
os.environ["SIGHTLINE_MODELS__CLASSIFY"] = os.environ["SIGHTLINE_MODELS__EMBED"] = "noop"
os.environ["SIGHTLINE_WORKER__DRAIN_IDLE_S"] = "0"
from sightline.cli import main
assert main(["--home", {str(tmp_path / "home")!r}, "work", "--drain"]) == 0
"""
    )
    assert "worker.runner" in loaded
    assert not {name for name in loaded if name.split(".")[0] in TELEMETRY}
    assert not {name for name in loaded if name.startswith(("worker.telemetry", "rich.live"))}


def test_only_the_telemetry_adapter_knows_what_it_is_made_with() -> None:
    files = [
        path
        for top in ("sightline", "worker", "producer")
        for path in (CHECKOUT / top).rglob("*.py")
    ]
    knowing = {
        path.parent.relative_to(CHECKOUT).as_posix()
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else
                     [alias.name for alias in node.names])
        if name.split(".")[0] in TELEMETRY
    }  # fmt: skip
    assert knowing == {"worker/telemetry"}


def test_worker_and_producer_policy_know_no_adapter() -> None:
    loaded = modules_after("import worker.runner, worker.handler, producer.publish")
    assert not {name for name in loaded if name.startswith("sightline.local")}


def test_the_cloud_s_adapters_import_nothing_of_google_before_they_are_opened() -> None:
    loaded = modules_after("import sightline.gcp.pubsub")
    # A .pth file of google-cloud-aiplatform makes these two, empty, in every process.
    loaded -= {"google", "google.cloud"}
    assert not {name for name in loaded if name.split(".")[0] in {"google", "grpc"}}


def test_a_worker_on_google_cloud_loads_no_other_engine_and_no_pictures() -> None:
    wired = "sightline.operations.work, sightline.wiring.cloud, sightline.wiring.remote_models"
    loaded = modules_after(f"import {wired}")
    unused = ("PIL", "duckdb", "sightline.local", "sightline.sim", "sightline.vision")
    assert not {name for name in loaded if name.startswith(unused)}
