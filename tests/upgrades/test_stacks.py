"""A stack that an earlier version brought up is taken over by today's program."""

from __future__ import annotations

import pytest

from scripts.local_cloud import Cloud
from tests.infra.engine import HOLDS_DATA, Begin, begin, cloud
from tests.upgrades.kept import FLEETS, KeptStack, folder_of, versions

__all__ = ["begin", "cloud"]

pytestmark = pytest.mark.needs("go")


@pytest.mark.extended
@pytest.mark.parametrize("version", versions())
@pytest.mark.parametrize("fleet", FLEETS)
def test_a_kept_stack_is_updated_and_nothing_that_holds_data_is_replaced(
    begin: Begin, cloud: Cloud, version: str, fleet: str
) -> None:
    kept_stack = KeptStack.from_file(folder_of(version) / f"stack-{fleet}.json.xz")
    stack = begin(kept_stack.settings)
    kept_stack.restore(stack)
    data = [(it["urn"], it["id"]) for it in stack.resources() if it["type"] in HOLDS_DATA]
    assert data

    stack.up()
    after = [(it["urn"], it["id"]) for it in stack.resources() if it["type"] in HOLDS_DATA]
    assert set(data) <= set(after)
    assert set(stack.up().changes) == {"same"}
