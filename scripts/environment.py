"""A stack of ``infra/``, brought up by Pulumi's engine in a cloud on this machine.

The engine keeps its state in a folder; its provider's calls go to the cloud of
``scripts/local_cloud``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi.automation as auto

from scripts.build_tools import PULUMI_GCP_VERSION
from scripts.local_cloud import PROJECT, REGION, Cloud
from scripts.servers import CHECKOUT, built


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command of the engine did: resources by what became of them, and what it said."""

    changes: Mapping[str, int]
    steps: Mapping[str, str]
    messages: list[str]
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
        return Outcome(_counts(result.change_summary), seen.steps, seen.messages)

    def up(self) -> Outcome:
        """Run ``pulumi up``."""
        seen = _Events()
        result = self.stack.up(on_event=seen.take, **self._quiet)
        outputs = {name: output.value for name, output in result.outputs.items()}
        assert not any(output.secret for output in result.outputs.values())
        return Outcome(_counts(result.summary.resource_changes), seen.steps, seen.messages, outputs)

    def refresh(self) -> Outcome:
        """Run ``pulumi refresh``."""
        seen = _Events()
        result = self.stack.refresh(on_event=seen.take, **self._quiet)
        return Outcome(_counts(result.summary.resource_changes), seen.steps, seen.messages)

    def destroy(self, *, preview_only: bool = False) -> Outcome:
        """Run ``pulumi destroy``, or only look at what it would do."""
        seen = _Events()
        result = self.stack.destroy(
            on_event=seen.take, preview_only=preview_only or None, **self._quiet
        )
        return Outcome(_counts(result.summary.resource_changes), seen.steps, seen.messages)

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
        self.import_state(done.stdout)
        return done.stderr

    def import_state(self, state: str) -> None:
        """Give the stack a state as ``pulumi stack export`` prints it."""
        file = Path(str(self.stack.workspace.work_dir)) / "imported.json"
        file.write_text(state, encoding="utf-8")
        self.pulumi("stack", "import", "--file", str(file))

    def outputs(self) -> Mapping[str, Any]:
        """Return the stack's outputs."""
        return {name: value.value for name, value in self.stack.outputs().items()}

    def resources(self) -> list[Mapping[str, Any]]:
        """Return the resources in the state."""
        state = self.stack.export_stack().deployment or {}
        resources: list[Mapping[str, Any]] = state.get("resources", [])
        return resources


class _Events:
    """What the engine tells while it works."""

    def __init__(self) -> None:
        self.steps: dict[str, str] = {}
        self.messages: list[str] = []

    def take(self, event: auto.EngineEvent) -> None:
        for step_event in (event.res_outputs_event, event.resource_pre_event):
            if step_event is not None and step_event.metadata.op != "same":
                self.steps[step_event.metadata.urn] = step_event.metadata.op.value
        diagnostic = event.diagnostic_event
        if diagnostic is not None and diagnostic.severity in {"warning", "error"}:
            self.messages.append(f"{diagnostic.severity}: {diagnostic.message}")


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
