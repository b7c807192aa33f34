"""The provider that tests run with has what the program uses, and is the version that is locked."""

from __future__ import annotations

import importlib.metadata
import json

from infra.recording import DEV, run
from scripts.build_tools import MODULES, PULUMI_GCP_VERSION, PULUMI_VERSION, TOOLS
from tests.infra.test_program import EVERYTHING, FLEETS

LISTED = json.loads((MODULES / "pulumi-resource-gcp" / "resources.json").read_text())


def test_the_provider_lists_what_the_program_uses_and_nothing_else() -> None:
    stacks = [{**DEV, "fleet": fleet} for fleet in FLEETS]
    stacks.append(
        {**EVERYTHING, "fleet": "job", "drainSchedule": "0 7 * * *", "collectorImage": ""}
    )
    stacks.append({**DEV, "source": f"{DEV['project']}.imagery.latest_observations"})
    used = {resource.type for stack in stacks for resource in run(stack).resources}
    assert {kind for kind in used if kind.startswith("gcp:")} == set(LISTED["resources"].values())


def test_the_provider_answers_for_the_locked_version_of_its_package() -> None:
    assert importlib.metadata.version("pulumi-gcp") == PULUMI_GCP_VERSION


def test_the_engine_is_that_of_its_module() -> None:
    module = (MODULES / "pulumi" / "go.mod").read_text()
    assert f"github.com/pulumi/pulumi/pkg/v3 v{PULUMI_VERSION}\n" in module


def test_every_tool_has_a_module_with_its_sums() -> None:
    for tool in TOOLS.values():
        assert (MODULES / tool.module / "go.sum").is_file()
