"""The cloud's run of the demo ends with the local run's answers and vectors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scripts.cloud_demo import make_bucket
from scripts.servers import CHECKOUT
from scripts.stack import run_stack

pytestmark = pytest.mark.needs("go")

SCENES = 90
ANSWERS = "select subject_id, task, answer from classifications_current"
VECTORS = "select subject_id, embedding from embeddings"


def sightline(*arguments: str | Path) -> Any:
    """Run a command with ``--json``; return what it printed."""
    command = [sys.executable, "-m", "sightline", *map(str, arguments), "--json"]
    completed = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr
    return json.loads(completed.stdout)


def answers(*where: str | Path) -> dict[tuple[str, str], Any]:
    """Return the current answers by subject and task."""
    rows = sightline(*where, "sql", ANSWERS)
    return {
        (row["subject_id"], row["task"]): (
            json.loads(row["answer"]) if isinstance(row["answer"], str) else row["answer"]
        )
        for row in rows
    }


def vectors(*where: str | Path) -> dict[str, np.ndarray[Any, Any]]:
    """Return the vectors by subject."""
    return {
        row["subject_id"]: np.asarray(row["embedding"]) for row in sightline(*where, "sql", VECTORS)
    }


@pytest.mark.extended
def test_answers_and_vectors_are_those_of_the_local_run(tmp_path: Path) -> None:
    local, cloud = tmp_path / "local", tmp_path / "cloud"
    demo = ("--scenes", str(SCENES), "--seed", "7")
    sightline("demo", "--dir", local, *demo)
    at_home = ("--home", local / ".sightline")
    with run_stack(tmp_path / "servers", answers="demo") as stack:
        make_bucket(stack.gcs)
        in_cloud = ("--config", stack.settings)
        outcome = sightline(*in_cloud, "demo", "--dir", cloud, *demo)
        assert outcome["balance"]["holds"]
        assert outcome["dead_letters"] == {}
        actual, expected = answers(*in_cloud), answers(*at_home)
        assert len(expected) == SCENES
        assert actual == expected
        theirs, ours = vectors(*in_cloud), vectors(*at_home)
    assert theirs.keys() == ours.keys()
    cosines = [
        float(theirs[name] @ ours[name] / np.linalg.norm(theirs[name]) / np.linalg.norm(ours[name]))
        for name in ours
    ]
    assert min(cosines) >= 0.9999
