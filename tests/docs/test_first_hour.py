"""The first hour in a plain shell: the commands of the first pages, and likely mistakes.

Only what a page says is activated. The output goes to a pipe or to a narrow terminal.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from sightline.vision.scenes import render_collection
from tests.conftest import CHECKOUT
from tests.docs.first_hour import FILES, MISTAKES, Mistake
from tests.docs.pages import blocks
from tests.plain_shell import COLUMNS, plain_shell

ACTIVATE = f"source {Path(sys.executable).parent / 'activate'}\n"
"""As the pages say, after ``make setup``."""

OUTPUTS = pytest.mark.parametrize(
    "terminal",
    [False, pytest.param(True, marks=pytest.mark.extended)],
    ids=["pipe", "terminal"],
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of photographs without a table, which were imported and worked on."""
    folder = tmp_path_factory.mktemp("first hour")
    scenes = folder / "scenes"
    render_collection(scenes, count=6, seed=4)
    (folder / "photos").mkdir()
    for number, scene in enumerate(sorted(scenes.rglob("*.jpg"))):
        shutil.copyfile(scene, folder / "photos" / f"IMG_{number}.jpg")
    shutil.rmtree(scenes)
    for name, text in FILES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    plain_shell(
        f"{ACTIVATE}set -e; sightline import photos --asset-type road_sign; sightline enqueue;"
        " sightline work --drain",
        folder,
    )
    return folder


@OUTPUTS
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.command)
def test_a_mistake_gets_one_sentence_that_says_what_to_do(
    project: Path, mistake: Mistake, terminal: bool
) -> None:
    printed = plain_shell(ACTIVATE + mistake.command, project, code=mistake.code, terminal=terminal)
    lines = unwrapped(printed).splitlines()
    assert any(mistake.sentence in line for line in lines), printed
    assert "Traceback" not in printed
    errors = [line for line in lines if line.startswith("sightline: ")]
    assert len(errors) == (mistake.code != 0 and "doctor" not in mistake.command), printed


@OUTPUTS
@pytest.mark.parametrize("page", ["README.md", "docs/getting-started.md"])
@pytest.mark.extended
def test_the_first_pages_can_be_followed(tmp_path: Path, page: str, terminal: bool) -> None:
    render_collection(tmp_path / "photos", count=24, seed=78)
    commands = [block.text for block in blocks(CHECKOUT / page) if block.kind == "run"]
    printed = plain_shell(f"{ACTIVATE}set -ex\n{''.join(commands)}", tmp_path, terminal=terminal)
    assert "0 dead letters" in printed
    assert "sightline: " not in printed


def unwrapped(printed: str) -> str:
    """Return what was printed without control sequences, and without a terminal's line breaks."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", printed.replace("\r", "\n"))
    return re.sub(rf"(?<=^.{{{COLUMNS}}})\n", "", plain, flags=re.MULTILINE)
