"""The whole job through the Python API: import, enqueue, work, status, search."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

import sightline as sl
from sightline.vision.scenes import render_collection

SCENES = 12
QUICK = {"worker": {"drain_idle_s": 0.2, "flush_s": 0.2}}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of rendered scenes."""
    folder = tmp_path_factory.mktemp("scenes")
    render_collection(folder, count=SCENES, seed=77)
    return folder


def test_images_in_answers_out(scenes: Path, tmp_path: Path) -> None:
    with sl.open(tmp_path / "project", settings=QUICK) as workspace:
        assert workspace.import_images(scenes).imported == SCENES
        run = workspace.enqueue()
        assert (run.messages, run.parts, run.estimated_cost_usd) == (SCENES, 2 * SCENES, 0.0)
        assert str(run.id) in run._repr_html_()
        summary = workspace.work()
        assert (summary.answers, summary.embeddings, summary.dead_letters) == (SCENES, SCENES, {})
        assert f"<td>{SCENES}</td>" in summary._repr_html_()
        status = workspace.status(check=True)
        assert status.holds
        assert status.balance["written"] == status.balance["parts"] == 2 * SCENES
        again = workspace.enqueue()
        assert again.id is None
        assert again.nothing_to_do is not None
        assert again.nothing_to_do.done == 2 * SCENES
        hits = workspace.search("a stop sign", top=3)
        assert len(hits) == 3
        assert hits[0].image().mode == "RGB"
        assert workspace.dead_letters() == []


def test_a_dead_letter_is_replayed(scenes: Path, tmp_path: Path) -> None:
    photos = Path(shutil.copytree(scenes, tmp_path / "photos"))
    removed = min(photos.rglob("*.jpg"))
    content = removed.read_bytes()
    with sl.open(tmp_path / "project", settings=QUICK) as workspace:
        workspace.import_images(photos)
        workspace.enqueue(max_images=1000)
        removed.unlink()
        workspace.work()
        assert {row.reason for row in workspace.dead_letters()} == {sl.errors.Reason.IMAGE_GONE}
        removed.write_bytes(content)
        assert workspace.replay("image_gone") == 2
        workspace.work()
        assert workspace.dead_letters() == []
        with pytest.raises(sl.errors.ConfigurationError, match="give one of"):
            workspace.replay("no_such_reason")


async def test_work_that_is_cancelled_gives_back_what_was_not_done(
    scenes: Path, tmp_path: Path
) -> None:
    slow = {**QUICK, "classify_limit": {"rate_per_s": 1.0}}
    async with sl.open_async(tmp_path / "project", settings=slow) as workspace:
        await workspace.import_images(scenes)
        await workspace.enqueue()
        working = asyncio.create_task(workspace.work())
        while not (await workspace.status()).balance["written"]:  # noqa: ASYNC110  # a ledger
            await asyncio.sleep(0.05)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        balance = (await workspace.status(check=True)).balance
        assert balance["written"] + balance["queued"] == balance["parts"]
        assert balance["queued"] > 0
    async with sl.open_async(tmp_path / "project", settings=QUICK) as workspace:
        await workspace.work()
        status = await workspace.status(check=True)
        assert status.holds
        assert status.balance["written"] == status.balance["parts"]
