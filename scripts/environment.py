"""The environment of ``infra/``, brought up on this machine by Pulumi's engine and its provider.

The engine keeps its state in a folder; the provider's calls go to the emulators and the control
plane of ``scripts/control_plane``. Whatever would go anywhere else is refused, and told.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi.automation as auto
import pulumi_gcp as gcp

from scripts.build_tools import PULUMI_GCP_VERSION
from scripts.servers import (
    CHECKOUT,
    ServerError,
    built,
    process,
    pubsub_emulator_jar,
    run_bigquery_emulator,
    run_gcs,
    run_pstest,
    run_pubsub_emulator,
)

PROJECT = "sightline-test"
REGION = "us-central1"
TOKEN = "ya29.only-for-tests-and-never-to-be-shown"
ENDPOINTS: Mapping[str, str] = {
    "artifact_registry": "artifactregistry.googleapis.com/v1/",
    "big_query": "bigquery.googleapis.com/bigquery/v2/",
    "bigquery_analytics_hub": "analyticshub.googleapis.com/v1/",
    "bigquery_connection": "bigqueryconnection.googleapis.com/v1/",
    "bigquery_reservation": "bigqueryreservation.googleapis.com/v1/",
    "billing_budgets": "billingbudgets.googleapis.com/v1/",
    "cloud_billing": "cloudbilling.googleapis.com/v1/",
    "cloud_run_v2": "run.googleapis.com/v2/",
    "cloud_scheduler": "cloudscheduler.googleapis.com/v1/",
    "container": "container.googleapis.com/v1/",
    "iam_beta": "iam.googleapis.com/v1/",
    "kms": "cloudkms.googleapis.com/v1/",
    "logging": "logging.googleapis.com/v2/",
    "monitoring": "monitoring.googleapis.com/",
    "pubsub": "pubsub.googleapis.com/v1/",
    "resource_manager": "cloudresourcemanager.googleapis.com/v1/",
    "resource_manager_v3": "cloudresourcemanager.googleapis.com/v3/",
    "service_usage": "serviceusage.googleapis.com/v1/",
    "storage": "storage.googleapis.com/storage/v1/",
}
"""Options of the provider, and what each is on Google's side."""


@contextmanager
def run_cloud(folder: Path) -> Iterator[Cloud]:
    """Run the emulators and the control plane in front of them, each a process of its own.

    Pub/Sub is Google's emulator where there is one, else pstest.

    Raises:
        ServerError: one of them does not start.
    """
    with ExitStack() as servers:
        start = servers.enter_context
        if pubsub_emulator_jar() is None:
            pubsub = start(run_pstest(folder / "pubsub.log")).endpoint
            rest = pubsub
        else:
            pubsub = start(run_pubsub_emulator(folder / "pubsub.log")).endpoint
            rest = f"http://{pubsub}"
        bigquery = start(run_bigquery_emulator(folder / "bigquery.log"))
        gcs = start(run_gcs(folder / "gcs.log"))
        command = [
            sys.executable, "-m", "scripts.control_plane", "--project", PROJECT,
            "--pubsub", rest, "--bigquery", bigquery.endpoint, "--storage", gcs.endpoint,
        ]  # fmt: skip
        log = folder / "control-plane.log"
        server = start(process(command, log))
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        if not url:
            raise ServerError(f"the control plane does not start: {log.read_text('utf-8')}")
        yield Cloud(
            url,
            {
                "SIGHTLINE_BIGQUERY__ENDPOINT": bigquery.endpoint,
                "SIGHTLINE_BIGQUERY__STORAGE_ENDPOINT": bigquery.storage_endpoint,
                "SIGHTLINE_GCS__ENDPOINT": gcs.endpoint,
                "SIGHTLINE_PUBSUB__ENDPOINT": pubsub,
            },
        )


@dataclass(frozen=True, slots=True)
class Cloud:
    """The router's address, and what tests ask it besides Google's APIs.

    ``variables`` let Sightline's commands use the same servers.
    """

    url: str
    variables: Mapping[str, str] = field(default_factory=dict)

    def provider(self) -> gcp.Provider:
        """Return a provider whose every call comes here."""
        endpoints: dict[str, Any] = {
            f"{name}_custom_endpoint": f"{self.url}/{where}" for name, where in ENDPOINTS.items()
        }
        batching = gcp.ProviderBatchingArgs(send_after="0.1s")
        return gcp.Provider(
            "google",
            project=PROJECT,
            region=REGION,
            access_token=TOKEN,
            batching=batching,
            **endpoints,
        )

    def call(
        self, verb: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Mapping[str, Any]:
        """Make a call of Google's, as somebody else would: ``run.googleapis.com/v2/…``."""
        text = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/{path}", text, headers, method=verb)
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: Mapping[str, Any] = json.loads(answer.read() or b"{}")
            return found

    def contents(self) -> Mapping[str, Any]:
        """Return what the control plane keeps."""
        return self.call("GET", "-/contents")

    def requests(self) -> list[Mapping[str, Any]]:
        """Return the requests since the last ``forget``."""
        found: list[Mapping[str, Any]] = list(self.call("GET", "-/requests")["requests"])
        return found

    def strays(self) -> list[str]:
        """Return what was asked of anywhere else; there must be nothing."""
        return list(self.call("GET", "-/requests")["strays"])

    def refused(self) -> list[str]:
        """Return the requests that were refused, but for those that the provider only tries."""
        return [
            f"{one['verb']} {one['host']}/{one['path']}: {one['status']} {one['error']}"
            for one in self.requests()
            if one["status"] >= 400
            and (one["status"], one["verb"]) != (404, "GET")
            and one["host"] != "cloudbilling.googleapis.com"
        ]

    def forget(self) -> None:
        """Forget the requests so far."""
        self.call("DELETE", "-/requests")

    def hold(self, method: str = "", *, after: bool = True, skip: int = 0) -> None:
        """Let calls of a method wait for good, once they took effect or before."""
        self.call("PUT", "-/hold", {"method": method, "after": after, "skip": skip})

    def held(self) -> int:
        """Return how many calls wait."""
        return int(self.call("GET", "-/hold")["held"])


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command of the engine did: resources by what became of them, and what it said."""

    changes: Mapping[str, int]
    steps: Mapping[str, str]
    said: list[str]
    outputs: Mapping[str, Any] = field(default_factory=dict)

    def did(self, what: str) -> set[str]:
        """Return the names of the resources that something was done with."""
        return {urn.rpartition("::")[2] for urn, step in self.steps.items() if step == what}


class Environment:
    """One stack: the commands a person would type, and what they did."""

    def __init__(
        self,
        cloud: Cloud,
        folder: Path,
        program: Callable[[], None],
        *,
        name: str = "dev",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Make the stack, or take it up again, with its state in ``folder``."""
        self.cloud = cloud
        self.state = folder / "state"
        self.state.mkdir(parents=True, exist_ok=True)
        tools = _tools(folder)
        quiet = {"on_output": lambda _: None}
        self._quiet: dict[str, Any] = quiet
        self.stack = auto.create_or_select_stack(
            name,
            project_name="sightline",
            program=program,
            opts=auto.LocalWorkspaceOptions(
                work_dir=str(folder),
                pulumi_home=str(folder / "home"),
                pulumi_command=auto.PulumiCommand(root=str(tools)),
                project_settings=auto.ProjectSettings(
                    "sightline", "python", backend=auto.ProjectBackend(f"file://{self.state}")
                ),
                env_vars={
                    "PATH": f"{tools / 'bin'}:/usr/bin:/bin",
                    "PULUMI_CONFIG_PASSPHRASE": "of no worth",
                    "PULUMI_SKIP_UPDATE_CHECK": "true",
                    "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
                    "HTTP_PROXY": cloud.url,
                    "HTTPS_PROXY": cloud.url,
                    "NO_PROXY": "127.0.0.1,localhost",
                },
            ),
        )
        self.set({"project": PROJECT, "region": REGION, **(settings or {})})

    def set(self, settings: Mapping[str, str]) -> None:
        """Set keys of the configuration; an empty value takes a key away."""
        for key, value in settings.items():
            if value:
                self.stack.set_config(f"sightline:{key}", auto.ConfigValue(value))
            else:
                self.stack.remove_config(f"sightline:{key}")

    def preview(self) -> Outcome:
        """Run ``pulumi preview``."""
        seen = _Events()
        result = self.stack.preview(on_event=seen.take, **self._quiet)
        return Outcome(_counts(result.change_summary), seen.steps, seen.said)

    def up(self) -> Outcome:
        """Run ``pulumi up``."""
        seen = _Events()
        result = self.stack.up(on_event=seen.take, **self._quiet)
        outputs = {name: one.value for name, one in result.outputs.items()}
        assert not any(one.secret for one in result.outputs.values())
        return Outcome(_counts(result.summary.resource_changes), seen.steps, seen.said, outputs)

    def refresh(self) -> Outcome:
        """Run ``pulumi refresh``."""
        seen = _Events()
        result = self.stack.refresh(on_event=seen.take, **self._quiet)
        return Outcome(_counts(result.summary.resource_changes), seen.steps, seen.said)

    def destroy(self, *, preview_only: bool = False) -> Outcome:
        """Run ``pulumi destroy``, or only look at what it would do."""
        seen = _Events()
        result = self.stack.destroy(
            on_event=seen.take, preview_only=preview_only or None, **self._quiet
        )
        return Outcome(_counts(result.summary.resource_changes), seen.steps, seen.said)

    def pulumi(self, *arguments: str) -> str:
        """Run a command of the engine's as it is typed; return what it prints.

        Raises:
            subprocess.CalledProcessError: it fails.
        """
        workspace = self.stack.workspace
        variables = {**os.environ, **workspace.env_vars, "PULUMI_HOME": str(workspace.pulumi_home)}
        done = subprocess.run(
            ["pulumi", *arguments, "--stack", self.stack.name, "--non-interactive"],
            cwd=workspace.work_dir,
            env=variables,
            executable=str(Path(str(workspace.work_dir)) / "tools" / "bin" / "pulumi"),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def repair(self) -> str:
        """Cancel, and put what was begun into the state, as docs/infrastructure.md says it.

        Returns what the repair says about what may be there twice.
        """
        self.pulumi("cancel", "--yes")
        command = [sys.executable, "-m", "infra.repair"]
        state = self.pulumi("stack", "export")
        done = subprocess.run(
            command, cwd=CHECKOUT, input=state, capture_output=True, text=True, check=True
        )
        file = Path(str(self.stack.workspace.work_dir)) / "repaired.json"
        file.write_text(done.stdout)
        self.pulumi("stack", "import", "--file", str(file))
        return done.stderr

    def outputs(self) -> Mapping[str, Any]:
        """Return the stack's outputs."""
        return {name: one.value for name, one in self.stack.outputs().items()}

    def resources(self) -> list[Mapping[str, Any]]:
        """Return the resources in the state."""
        state = self.stack.export_stack().deployment or {}
        found: list[Mapping[str, Any]] = state.get("resources", [])
        return found


class _Events:
    """What the engine tells while it works."""

    def __init__(self) -> None:
        self.steps: dict[str, str] = {}
        self.said: list[str] = []

    def take(self, event: auto.EngineEvent) -> None:
        for one in (event.res_outputs_event, event.resource_pre_event):
            if one is not None and one.metadata.op != "same":
                self.steps[one.metadata.urn] = one.metadata.op.value
        told = event.diagnostic_event
        if told is not None and told.severity in {"warning", "error"}:
            self.said.append(f"{told.severity}: {told.message}")


def _counts(changes: Mapping[Any, int] | None) -> Mapping[str, int]:
    return {str(getattr(what, "value", what)): n for what, n in (changes or {}).items()}


def infrastructure(cloud: Cloud) -> Callable[[], None]:
    """Return the program of ``infra/``, whose calls come to this cloud."""

    def run() -> None:
        from infra.program import program

        program(cloud.provider())

    return run


def _tools(folder: Path) -> Path:
    """Lay the engine on a path, and the provider where the engine looks for its version."""
    plugin = folder / "home" / "plugins" / f"resource-gcp-v{PULUMI_GCP_VERSION}"
    for link, tool in (
        (folder / "tools" / "bin" / "pulumi", "pulumi"),
        (plugin / "pulumi-resource-gcp", "pulumi-resource-gcp"),
    ):
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.symlink_to(built(tool))
    return folder / "tools"
