"""The local warehouse's vectors pass their suite."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightline.local.warehouse import LocalVectors
from tests.contracts.test_warehouse_contract import local_rig
from tests.contracts.vectors_suite import VectorsContract, VectorsRig


@pytest.fixture
def rig(tmp_path: Path) -> VectorsRig:
    """Return an empty warehouse."""
    return VectorsRig(local_rig(tmp_path), LocalVectors(tmp_path / "warehouse"))


class TestLocalVectors(VectorsContract):
    """Vectors in Parquet."""
