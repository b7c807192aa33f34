"""Somebody's own photographs, from an import to answers: nothing goes silently wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightline.vision.scenes import ROAD_SIGN, render
from tests.cli.conftest import Command, Shown
from tests.cli.photographs import PHOTOS


def test_photographs_without_a_type_are_counted_and_the_option_that_changes_it_is_named(
    photos: Path, shown: Shown
) -> None:
    shown("import", str(photos))
    code, out, err = shown("enqueue")
    assert (code, "3 messages, 3 parts" in out) == (6, True)
    assert "3 of 3 observations match no task: 3 of type unspecified" in err
    assert "`sightline import DIR --asset-type TYPE` gives them one of" in err
    assert "road_sign" in err


def test_a_nightly_enqueue_with_nothing_new_is_green(photos: Path, sightline: Command) -> None:
    sightline("import", str(photos))
    assert sightline("enqueue", "--dry-run", code=6)["unmatched"] == {
        "ASSET_CLASS_UNSPECIFIED": PHOTOS
    }
    assert sightline("enqueue", code=6)["unmatched"] == {"ASSET_CLASS_UNSPECIFIED": PHOTOS}
    again = sightline("enqueue")
    assert (again["run_id"], again["unmatched"]) == (None, {"ASSET_CLASS_UNSPECIFIED": PHOTOS})
    sightline("enqueue", "--dry-run")


def test_nothing_at_all_to_ask_is_never_green(photos: Path, sightline: Command) -> None:
    sightline("import", str(photos))
    sightline("enqueue", "--no-embed", code=6)
    sightline("enqueue", "--no-embed", code=6)


def test_before_an_enqueue_the_next_step_is_named_and_nothing_is_the_demo_models(
    photos: Path, sightline: Command, shown: Shown
) -> None:
    sightline("import", str(photos), "--asset-type", "road_sign")
    assert "run `sightline enqueue`" in shown("stats")[2]
    sightline("enqueue")
    _, _, err = shown("sql", "select * from observations_current")
    assert "demo model" not in err


def test_a_table_s_unknown_types_and_missing_images_are_noted(
    photos: Path, sightline: Command
) -> None:
    table = photos.parent / "signs.csv"
    table.write_text(
        "observation_id,asset_type,gcs_uri\n1,road_sgin,photos/photo-0.jpg\n"
        "2,verkeersbord,photos/gone.jpg\n3,road_sign,photos/photo-1.jpg\n"
    )
    report = sightline("import", str(table))
    assert report["by_asset_type"] == {
        "ASSET_CLASS_ROAD_SGIN": 1, "ASSET_CLASS_ROAD_SIGN": 1, "ASSET_CLASS_VERKEERSBORD": 1
    }  # fmt: skip
    notes = {note["where"]: note["text"] for note in report["notes"]}
    assert notes["asset type road_sgin"].endswith("(did you mean road_sign?); observations: 1")
    assert notes["asset type verkeersbord"] == "no task covers this type; observations: 1"
    assert notes["signs.csv"].startswith("images that do not exist: 1; put them there before")


def test_embeddings_alone_leave_no_observation_out(
    photos: Path, sightline: Command, shown: Shown
) -> None:
    sightline("import", str(photos))
    assert sightline("enqueue", "--embed-only", "--dry-run")["unmatched"] == {}
    run = sightline("enqueue", "--embed-only")
    assert (run["parts"], run["unmatched"]) == (PHOTOS, {})
    for other in (("--task", "road_signs"), ("--no-embed",)):
        code, _, err = shown("enqueue", "--embed-only", *other)
        assert (code, f"--embed-only and {other[0]} exclude each other" in err) == (2, True)


def test_tasks_that_are_named_leave_other_types_out_on_purpose(
    photos: Path, tmp_path: Path, sightline: Command
) -> None:
    signs = tmp_path / "signs" / "Road Sign"
    signs.mkdir(parents=True)
    render(ROAD_SIGN, 77).image.save(signs / "sign.png")
    sightline("import", str(photos))
    sightline("import", str(signs.parent))
    assert sightline("enqueue", "--task", "road_signs")["unmatched"] == {}
    assert sightline("enqueue", "--task", "utility_poles", "--no-embed", code=6)["unmatched"] == {
        "ASSET_CLASS_ROAD_SIGN": 1,
        "ASSET_CLASS_UNSPECIFIED": PHOTOS,
    }
    assert sightline("enqueue", "--task", "describe")["unmatched"] == {}


def test_a_type_that_is_imported_later_is_the_type_everywhere(
    photos: Path, sightline: Command
) -> None:
    sightline("import", str(photos))
    sightline("enqueue", code=6)
    sightline("work", "--drain")
    assert sightline("import", str(photos), "--asset-type", "road_sign")["replaced"] == PHOTOS
    sightline("enqueue")
    sightline("work", "--drain")
    assert len(sightline("search", "a stop sign", "--asset-type", "road_sign")) == PHOTOS
    assert sightline("search", "a stop sign", "--asset-type", "unspecified") == []
    (coverage,) = sightline("stats", "road_signs")["tasks"][0]["coverage"]
    assert (coverage["asset_type"], coverage["answered"]) == ("ASSET_CLASS_ROAD_SIGN", PHOTOS)
    assert sightline("duplicates", "--asset-type", "road_sign")["images"] == PHOTOS


SHOWING_ANSWERS = [
    ("search", "a stop sign"),
    ("similar", "photos/photo-0.jpg"),
    ("stats", "road_signs"),
    ("stats", "road_signs", "--by", "lighting"),
    ("export", "{out}", "--task", "road_signs"),
    ("consolidate", "road_signs"),
    ("outliers", "road_signs"),
    ("duplicates",),
    ("sql", "select count(*) from road_signs_current"),
]


@pytest.mark.parametrize("command", SHOWING_ANSWERS)
def test_a_command_that_shows_the_demo_models_answers_on_photographs_says_so_once(
    asked_once: None, shown: Shown, tmp_path: Path, command: tuple[str, ...]
) -> None:
    out = str(tmp_path / "out.csv")
    code, _, err = shown(*(word.format(out=out) for word in command))
    assert code == 0
    assert err.count("it cannot read photographs") == 1
    assert "docs/mix-and-match.md" in err


def test_the_only_task_with_answers_need_not_be_named(
    asked_once: None, shown: Shown, tmp_path: Path
) -> None:
    code, out, _ = shown("export", str(tmp_path / "out.csv"))
    assert (code, "road_signs" in out) == (0, True)


def test_nothing_is_said_of_rendered_scenes(scenes: Path, sightline: Command, shown: Shown) -> None:
    sightline("import", str(scenes))
    sightline("enqueue")
    sightline("work", "--drain")
    for command in (("search", "a stop sign"), ("stats", "road_signs")):
        _, _, err = shown(*command)
        assert "photographs" not in err


def test_an_import_that_could_read_nothing_fails_and_names_no_next_step(
    tmp_path: Path, shown: Shown
) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    code, _, err = shown("import", str(folder))
    assert (code, "broken contains no photographs and no rows; give a folder" in err) == (1, True)
    (folder / "a.jpg").write_bytes(b"no image")
    code, out, err = shown("import", str(folder))
    assert (code, "1 refused" in out) == (1, True)
    assert "could be read: 1 image_unreadable; docs/import.md says what to do" in err
    assert "next:" not in err


def test_an_import_that_was_there_already_is_no_failure(photos: Path, shown: Shown) -> None:
    shown("import", str(photos))
    code, out, err = shown("import", str(photos))
    assert (code, "3 unchanged" in out) == (0, True)
    assert err.endswith("nothing is new; next: `sightline status`\n")


def test_the_last_line_of_work_fits_what_was_done(
    photos: Path, shown: Shown, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_WORKER__DRAIN_IDLE_S", "0.2")
    shown("import", str(photos), "--asset-type", "road_sign")
    _, _, err = shown("work", "--drain")
    assert err.endswith(
        "next: `sightline status` shows what is left; `sightline enqueue` publishes what is new\n"
    )
    shown("enqueue")
    for photo in photos.iterdir():
        photo.unlink()
    _, out, err = shown("work", "--drain")
    assert "6 dead letters" in out
    assert err.endswith(
        "next: `sightline dead-letters list` shows what could not be done, and why\n"
    )
    _, out, err = shown("enqueue")
    assert "6 are dead letters" in out
    assert err.endswith("next: `sightline dead-letters list` shows why they are dead\n")


def test_a_preview_tells_the_filter_from_the_tasks(photos: Path, shown: Shown) -> None:
    shown("import", str(photos))
    _, out, err = shown("enqueue", "--dry-run")
    assert "observations that pass the filter" in out
    assert "parts asked about them" in out
    assert "match" not in out
    assert "3 of 3 observations match no task" in err


def test_a_type_is_not_removed_and_the_import_says_so(photos: Path, sightline: Command) -> None:
    assert not sightline("import", str(photos), "--asset-type", "unspecified")["notes"]
    sightline("import", str(photos), "--asset-type", "road_sign")
    (note,) = sightline("import", str(photos), "--asset-type", "unspecified")["notes"]
    assert note["where"] == "--asset-type unspecified"
    assert note["text"].startswith("images that were imported before keep their type; give another")


def test_the_options_of_a_table_apply_to_the_table_in_a_folder(
    photos: Path, sightline: Command
) -> None:
    (photos / "observations.csv").write_text("id,asset_type,gcs_uri\n1,road_sign,photo-0.jpg\n")
    assert sightline("import", str(photos), "--column", "observation_id=id")["imported"] == 1


def test_sql_shows_what_is_imported_before_anything_is_enqueued(
    photos: Path, sightline: Command, shown: Shown
) -> None:
    sightline("import", str(photos), "--asset-type", "road_sign")
    rows = sightline("sql", "select asset_type, count(*) n from source_latest group by all")
    assert rows == [{"asset_type": "ASSET_CLASS_ROAD_SIGN", "n": PHOTOS}]
    says = f"none of the {PHOTOS} imported observations is enqueued yet: query `source_latest`"
    assert says in shown("sql", "select * from observations_current")[2]
    sightline("enqueue")
    assert says not in shown("sql", "select * from classifications")[2]


def test_a_photograph_that_was_moved_is_replayed_where_it_is_now(
    photos: Path, sightline: Command
) -> None:
    sightline("import", str(photos), "--asset-type", "road_sign")
    sightline("enqueue")
    elsewhere = photos.rename(photos.with_name("elsewhere"))
    assert sightline("work", "--drain")["dead"] == {"image_gone": 2 * PHOTOS}
    sightline("import", str(elsewhere))
    assert sightline("dead-letters", "replay", "--reason", "image_gone")["replay"] == 2 * PHOTOS
    worked = sightline("work", "--drain")
    assert (worked["dead"], sightline("dead-letters", "list")) == ({}, [])
