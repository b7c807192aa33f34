"""The main job through the command line: import, enqueue, work, status, search, dead letters."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.conftest import SCENES, Command

PARTS = 2 * SCENES


def test_images_in_answers_out_and_a_second_run_publishes_nothing(
    sightline: Command, scenes: Path
) -> None:
    assert sightline("import", str(scenes))["imported"] == SCENES
    preview = sightline("enqueue", "--dry-run")
    assert (preview["observations"], preview["to_publish"]) == (SCENES, PARTS)
    run = sightline("enqueue")
    assert (run["messages"], run["parts"]) == (SCENES, PARTS)
    again = sightline("enqueue")
    assert again["run_id"] is None
    assert again["nothing_to_do"]["held"] == PARTS
    worked = sightline("work", "--drain")
    assert (worked["answers"], worked["embeddings"], worked["dead"]) == (SCENES, SCENES, {})
    status = sightline("status", "--check")
    assert status["holds"]
    assert [run["written"] for run in status["runs"]] == [PARTS]
    assert sightline("enqueue")["nothing_to_do"]["done"] == PARTS
    scores = sightline("evaluate", str(scenes / "ground_truth.jsonl"))
    assert {score["task"] for score in scores} == {
        "road_signs",
        "utility_poles",
        "maintenance_covers",
    }
    assert all(score["accuracy"] > score["majority"] for score in scores if score["answered"])


def test_bad_input_costs_nobody_else_anything(
    sightline: Command, scenes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sightline("import", str(scenes))
    sightline("enqueue")
    images = sorted(scenes.rglob("*.jpg"))
    images[0].unlink()
    images[1].write_bytes(b"")
    images[2].write_text("this is no picture")
    images[3].write_bytes(images[3].read_bytes()[:2000])
    Image.new("L", (20_000, 20_000)).save(images[4], "PNG")
    images[5].unlink()
    images[5].mkdir()
    worked = sightline("work", "--drain")
    assert worked["dead"] == {"image_gone": 2, "image_unreadable": 8, "image_too_large": 2}
    assert worked["answers"] == SCENES - 6
    status = sightline("status", "--check")
    (run,) = status["runs"]
    assert (run["written"], run["dead"], run["lost"]) == (PARTS - 12, 12, 0)
    letters = sightline("dead-letters", "list")
    assert Counter(letter["reason"] for letter in letters) == worked["dead"]
    assert all(letter["detail"] for letter in letters)
    assert sightline("enqueue")["nothing_to_do"]["dead"] == 12


def test_a_dead_letter_is_replayed_once_its_cause_is_mended(
    sightline: Command, scenes: Path
) -> None:
    sightline("import", str(scenes))
    sightline("enqueue")
    image = min(scenes.rglob("*.jpg"))
    content = image.read_bytes()
    image.unlink()
    sightline("work", "--drain")
    image.write_bytes(content)
    assert sightline("dead-letters", "replay", "--reason", "image_gone") == {"replay": 2}
    status = sightline("status", "--check")
    assert status["runs"][0]["queued"] == 2
    assert sightline("dead-letters", "list") == []
    sightline("work", "--drain")
    status = sightline("status", "--check")
    assert (status["runs"][0]["written"], status["dead_letters"]) == (PARTS, {})


def test_purged_dead_letters_leave_the_list_and_stay_in_the_account(
    sightline: Command, scenes: Path
) -> None:
    sightline("import", str(scenes))
    sightline("enqueue")
    min(scenes.rglob("*.jpg")).unlink()
    sightline("work", "--drain")
    assert sightline("dead-letters", "purge", "--yes") == {"purge": 2}
    assert sightline("dead-letters", "list") == []
    status = sightline("status", "--check")
    assert status["runs"][0]["dead"] == 2
    assert status["holds"]


@pytest.mark.extended
def test_an_edited_task_runs_its_own_parts_again_and_both_versions_stay(
    sightline: Command, scenes: Path, tmp_path: Path
) -> None:
    sightline("import", str(scenes))
    sightline("enqueue")
    sightline("work", "--drain")
    report = sightline("tasks", "show", "road_signs")
    shipped = Path(__file__).parents[2] / "tasks" / "road_signs.toml"
    own = tmp_path / "mine"
    own.mkdir()
    (own / "road_signs.toml").write_text(shipped.read_text().replace("small, tilted", "tilted"))
    (tmp_path / "sightline.toml").write_text('tasks_dir = "mine"\n')
    assert sightline("tasks", "show", "road_signs")["fingerprint"] != report["fingerprint"]
    signs = sightline("sql", "select count(*) n from road_signs_current")[0]["n"]
    run = sightline("enqueue")
    assert run["parts"] == signs
    sightline("work", "--drain")
    (row,) = sightline(
        "sql",
        "select count(*) n, count(distinct fingerprint) versions from classifications_all"
        " where task = 'road_signs'",
    )
    assert (row["n"], row["versions"]) == (2 * signs, 2)
    assert sightline("sql", "select count(*) n from road_signs_current")[0]["n"] == signs
    assert sightline("status", "--check")["holds"]


@pytest.mark.extended
def test_search_finds_by_words_by_image_and_by_answers(sightline: Command, scenes: Path) -> None:
    sightline("import", str(scenes))
    sightline("enqueue")
    sightline("work", "--drain")
    image = min(scenes.rglob("*.jpg"))
    by_image = sightline("search", "--image", str(image), "--top", "3")
    assert by_image[0]["observation_id"] == image.stem
    assert by_image[0]["score"] == pytest.approx(1.0, abs=1e-4)
    scores = [hit["score"] for hit in by_image]
    assert scores == sorted(scores, reverse=True)
    poles = sightline("search", "a wooden pole", "--asset-type", "utility_pole")
    assert {hit["asset_type"] for hit in poles} == {"ASSET_CLASS_UTILITY_POLE"}
    wood = sightline("search", "--answer", "utility_poles.material=wood", "--top", "100")
    assert wood
    assert {hit["answers"]["utility_poles"]["material"] for hit in wood} == {"wood"}
    place = by_image[0]["location"]
    near = f"{place['latitude']},{place['longitude']},1"
    assert image.stem in {
        hit["observation_id"] for hit in sightline("search", "sign", "--near", near)
    }


def test_a_search_over_nothing_says_what_to_do(
    sightline: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    from sightline.cli import main

    assert main(["search", "a stop sign"]) == 2
    assert "sightline work" in capsys.readouterr().err


@pytest.mark.extended
def test_two_workers_at_once_share_the_work_and_double_nothing(
    sightline: Command, scenes: Path
) -> None:
    import os
    import subprocess
    import sys

    sightline("import", str(scenes))
    sightline("enqueue")
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "worker", "--drain", "--json"],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
            stdout=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    assert [worker.wait(120) for worker in workers] == [0, 0]
    (row,) = sightline("sql", "select count(*) n from classifications")
    assert row["n"] == SCENES
    assert sightline("status", "--check")["holds"]


@pytest.mark.needs("photos")
def test_the_whole_job_runs_over_real_photographs(
    sightline: Command, shared_photos: Path, tmp_path: Path
) -> None:
    report = sightline("import", str(shared_photos), "--asset-type", "utility_pole")
    assert (report["imported"], report["refused"]) == (14, 0)
    run = sightline("enqueue")
    assert (run["messages"], run["parts"]) == (14, 28)
    worked = sightline("work", "--drain")
    assert (worked["answers"], worked["embeddings"], worked["dead"]) == (14, 14, {})
    assert sightline("status", "--check")["holds"]
    placed = sightline("search", "a utility pole", "--near", "0,0,20100000", "--top", "20")
    assert {Path(hit["gcs_uri"]).name for hit in placed} >= {"DSC00001.JPG", "DSC00497.JPG"}
