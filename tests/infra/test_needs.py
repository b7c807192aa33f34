"""What ``sightline doctor --cloud`` looks for is what ``pulumi up`` needs, and the page says so."""

from __future__ import annotations

from infra.recording import DEV
from infra.services import wanted_apis
from infra.stack_reader import read_stack
from sightline.operations.doctor.pulumi_needs import APIS


def test_the_apis_of_the_default_stack_are_looked_for() -> None:
    wanted = {f"{api}.googleapis.com" for api in wanted_apis(read_stack(DEV, "dev"))}
    assert wanted <= set(APIS)
