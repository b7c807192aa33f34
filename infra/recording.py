"""Runs the program without an engine: Pulumi's mocks record every resource, and create nothing.

For the tables and the picture in the documentation, and for quick tests.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pulumi.runtime import config as pulumi_config
from pulumi.runtime import mocks, rpc, settings
from pulumi.runtime.stack import run_in_stack

from infra.guardrails import snake
from infra.program import program
from infra.stack_config import NAMESPACE

PROJECT = "my-project"
NUMBER = "123456789012"
MINIMAL = {"project": PROJECT}
PROD = {**MINIMAL, "image": "example.com/sightline:1", "alertEmail": "roads@example.com"}
DEV = {**PROD, "deletionProtection": "false", "workers": "2"}


@dataclass(frozen=True, slots=True)
class Recorded:
    """A registered resource, with its options."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    parent: str
    protect: bool
    retain: bool
    ignored: tuple[str, ...]
    depends_on: tuple[str, ...]


@dataclass(slots=True)
class Environment:
    """Everything that a run registered and exported."""

    resources: list[Recorded] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def of(self, kind: str) -> list[Recorded]:
        """Return the resources whose type ends with this text."""
        return [resource for resource in self.resources if resource.type.endswith(kind)]

    def of_entities(self) -> list[Recorded]:
        """Return the entities, without their children."""
        return [
            resource for resource in self.resources if resource.type.startswith("sightline:infra:")
        ]

    def only(self, kind: str, name: str = "") -> Recorded:
        """Return the one resource of this type (and name)."""
        (resource,) = [each for each in self.of(kind) if not name or each.name == name]
        return resource


class _Mocks(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        inputs = dict(args.inputs)
        if args.typ == "gcp:serviceaccount/account:Account":
            inputs["email"] = f"{inputs['accountId']}@{PROJECT}.iam.gserviceaccount.com"
            inputs["name"] = f"projects/{PROJECT}/serviceAccounts/{inputs['email']}"
        elif args.typ == "gcp:projects/serviceIdentity:ServiceIdentity":
            short = inputs["service"].partition(".")[0]
            inputs["email"] = f"service-{NUMBER}@gcp-sa-{short}.iam.gserviceaccount.com"
            inputs["member"] = f"serviceAccount:{inputs['email']}"
        elif args.typ == "gcp:bigquery/connection:Connection":
            inputs["cloudResource"] = {"serviceAccountId": "bqcx-1@gcp-sa-bigquery.example"}
            inputs["name"] = f"{NUMBER}.us.{inputs['connectionId']}"
        return f"{args.name}-id", inputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        if "getProjectServiceAccount" in args.token:
            member = f"serviceAccount:service-{NUMBER}@gs-project-accounts.iam.gserviceaccount.com"
            return {"member": member, "emailAddress": member.partition(":")[2], "id": "1"}, []
        if "getProject" in args.token:
            return {"number": NUMBER, "projectId": PROJECT, "id": PROJECT}, []
        raise AssertionError(f"an unexpected look-up: {args.token}")


@contextmanager
def _loop_of_thread() -> Iterator[None]:
    """Give this thread an event loop, which the mocks need, and close it on exit."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


class _Monitor(mocks.MockMonitor):
    """Pulumi's mock monitor, which also records each resource's options."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(_Mocks())
        self._environment = environment

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        """Answer a look-up."""
        with _loop_of_thread():
            return super().Invoke(request)  # type: ignore[no-untyped-call]  # untyped

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        """Record a resource and its options."""
        with _loop_of_thread():
            return self._register(request)

    def _register(self, request: Any) -> Any:
        answer: Any = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # untyped
        inputs = rpc.deserialize_properties(request.object, keep_unknowns=True)
        self._environment.resources.append(
            Recorded(
                request.type,
                request.name,
                snake(inputs),
                request.parent.rpartition("::")[2],
                request.protect,
                request.retainOnDelete,
                tuple(request.ignoreChanges),
                tuple(sorted(urn.rpartition("::")[2] for urn in request.dependencies)),
            )
        )
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - gRPC's name
        """Record the stack's outputs."""
        if "pulumi:pulumi:Stack" in request.urn:
            self._environment.outputs.update(rpc.deserialize_properties(request.outputs))
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]  # untyped


def run(
    configuration: Mapping[str, str],
    *,
    stack: str = "dev",
    of: Callable[[], None] = program,
    preview: bool = False,
) -> Environment:
    """Run a program with this configuration, and return what it registered.

    Raises:
        pulumi.RunError: as raised by the program.
    """
    environment = Environment()
    settings.reset_options()
    settings.ROOT.set(object())  # type: ignore[arg-type]  # else a stack would be started and never ended
    monitor = _Monitor(environment)
    mocks.set_mocks(_Mocks(), project="sightline", stack=stack, preview=preview, monitor=monitor)
    settings.ROOT.set(None)
    values = {f"{NAMESPACE}:{name}": value for name, value in configuration.items()}
    pulumi_config.set_all_config(values)

    async def whole() -> None:
        await run_in_stack(of)

    asyncio.run(whole())
    return environment


def dumped(environment: Environment) -> str:
    """Return everything that was registered and exported, as one text."""
    return json.dumps(
        [[resource.inputs for resource in environment.resources], environment.outputs], default=str
    )
