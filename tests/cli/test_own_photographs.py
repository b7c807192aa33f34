"""Somebody's own photographs, from an import to answers: nothing goes silently wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sightline.cli import main
from sightline.vision.scenes import ROAD_SIGN, render
from tests.cli.conftest import Command, Mistake, Shown
from tests.docs.program import commands

PHOTOS = 3


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a folder of pictures that nothing tells from photographs."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(PHOTOS):
        render(ROAD_SIGN, number).image.save(folder / f"photo-{number}.jpg")
    return folder


@pytest.fixture
def worked_photos(photos: Path, sightline: Command) -> Path:
    """Return the photographs, imported as road signs, and worked off."""
    sightline("import", str(photos), "--asset-type", "road_sign")
    sightline("enqueue")
    sightline("work", "--drain")
    return photos


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


def test_a_filter_alone_shows_the_newest_images_that_pass(
    worked_scenes: None, shown: Shown
) -> None:
    code, out, _ = shown("search", "--near", "52.09,5.12,20000", "--top", "3", "--json")
    assert (code, [hit["score"] for hit in json.loads(out)]) == (0, [None] * 3)


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


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("road_signs", " (did you mean road_sign?)"), ("poles", " (did you mean utility_pole?)"),
     ("lamp", "")],
)  # fmt: skip
def test_an_import_asks_back_for_a_type_without_a_task(
    photos: Path, mistake: Mistake, sightline: Command, typed: str, meant: str
) -> None:
    message = f"there is no asset type {typed}{meant}; give one of film_poster, "
    mistake("import", str(photos), "--asset-type", typed, says=message)
    assert sightline("import", str(photos), "--asset-type", typed, "--new-type")["imported"] == 3


def test_a_task_that_is_bound_to_a_type_makes_it_known(
    photos: Path, tmp_path: Path, sightline: Command
) -> None:
    tasks = tmp_path / "tasks"
    tasks.mkdir()
    (tasks / "lamps.toml").write_text(LAMPS.format(kind="lamp"))
    (tmp_path / "sightline.toml").write_text('tasks_dir = "tasks"\n')
    sightline("import", str(photos), "--asset-type", "lamp")
    assert sightline("enqueue", "--no-embed")["parts"] == PHOTOS


LAMPS = """
name = "lamps"
asset_types = ["{kind}"]
prompt = "Is it lit?"

[fields.lit]
type = "boolean"
description = "Whether the lamp is lit"
"""


@pytest.mark.parametrize(
    ("kind", "meant"), [("road_signs", "road_sign"), ("Utilty Pole", "utility_pole")]
)
def test_a_task_file_with_a_misspelt_type_is_refused(
    tmp_path: Path, mistake: Mistake, kind: str, meant: str
) -> None:
    file = tmp_path / "lamps.toml"
    file.write_text(LAMPS.format(kind=kind))
    mistake("tasks", "check", str(file), says=f"(did you mean {meant}?); correct it")


ARGUMENTS = {
    "sightline search": ("a stop sign",),
    "sightline similar": ("photos/photo-0.jpg",),
    "sightline stats": ("road_signs",),
    "sightline export": ("out.csv", "--task", "road_signs"),
    "sightline consolidate": ("road_signs",),
    "sightline outliers": ("road_signs",),
    "sightline changes": ("road_signs",),
    "sightline tasks new": ("benches",),
}
FILTERED = [
    name
    for name, command in commands().items()
    if any("--asset-type" in option.opts and option.multiple for option in command.params)
]


def test_every_command_with_filters_asks_back_for_a_misspelt_type(
    worked_photos: Path, mistake: Mistake
) -> None:
    assert len(FILTERED) == 13
    for name in FILTERED:
        if name == "sightline tune submit":
            continue  # it needs a project; its answers are selected as those of export are
        arguments = (*name.split()[1:], *ARGUMENTS.get(name, ()))
        mistake(*arguments, "--asset-type", "road_signs", says="(did you mean road_sign?); ")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("enqueue", "--task", "road_sgins"), "(did you mean road_signs?)"),
        (("export", "out.csv", "--task", "road_sign"), "(did you mean road_signs?)"),
        (("tasks", "show", "roadsigns"), "(did you mean road_signs?)"),
        (("stats", "road_signs", "--by", "conditoin"), "(did you mean condition?)"),
        (("stats", "road_signs", "--by", "months"), "(did you mean month?)"),
        (("outliers", "road_signs", "--field", "sign"), "(did you mean sign_type?)"),
        (("consolidate", "road_signs", "--field", "wether"), "(did you mean weather?)"),
        (("search", "--answer", "road_sign.lighting=day"), "(did you mean road_signs?)"),
        (("search", "--answer", "road_signs.lightning=day"), "(did you mean lighting?)"),
        (("search", "--answer", "road_signs.lighting=nigth"), "(did you mean night?)"),
        (
            ("changes", "road_signs", "--from-snapshot", "import-photo"),
            "(did you mean import-photos?)",
        ),
        (("dead-letters", "list", "--reason", "image_gon"), "(did you mean image_gone?)"),
        (("export", "out.csv", "--format", "geojsn"), "(did you mean geojson?)"),
        (("render", "street", "new"), "(did you mean streets?)"),
    ],
)  # fmt: skip
def test_other_names_are_asked_back_too(
    asked_once: None, mistake: Mistake, arguments: tuple[str, ...], meant: str
) -> None:
    mistake(*arguments, says=meant)


@pytest.fixture(scope="module")
def asked_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a home in which photographs were worked off."""
    folder = tmp_path_factory.mktemp("asked")
    (folder / "photos").mkdir()
    for number in range(PHOTOS):
        render(ROAD_SIGN, number).image.save(folder / "photos" / f"photo-{number}.jpg")
    home = ("--home", str(folder / ".sightline"))
    for command in (
        ("import", str(folder / "photos"), "--asset-type", "road_sign"),
        ("enqueue",),
        ("work", "--drain"),
    ):
        assert main([*home, *command, "--json"]) == 0
    return folder


@pytest.fixture
def asked_once(asked_folder: Path, shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command line be in that folder, which no test changes."""
    monkeypatch.chdir(asked_folder)


def test_a_setting_that_is_misspelt_is_asked_back(tmp_path: Path, mistake: Mistake) -> None:
    (tmp_path / "sightline.toml").write_text('[models]\nclasify = "demo-1"\n')
    mistake("status", says="models.clasify is not a setting (did you mean classify?)")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--near", "52.09,5.12,500"),
            "of 3, none pass --near 52.09,5.12,500 (3 have no position)",
        ),
        (
            ("--from", "2025-01-01"),
            "of 3, none pass --from 2025-01-01T00:00:00+00:00 (3 have no capture time)",
        ),
        (("--asset-type", "utility_pole"), "of 3, none pass --asset-type utility_pole"),
        (("--answer", "road_signs.lighting=unknown", "--asset-type", "utility_pole"),
         "of 3, none pass --asset-type utility_pole"),
    ],
)  # fmt: skip
def test_a_search_that_finds_nothing_names_the_filter_that_left_nothing(
    asked_once: None, shown: Shown, options: tuple[str, ...], message: str
) -> None:
    code, out, err = shown("search", "a stop sign", *options)
    assert (code, out) == (0, "nothing found\n")
    assert f"nothing is left: {message}\n" in err


@pytest.mark.parametrize("text", ["a red flower", "the", "a photo of a cat", "über", "?!"])
def test_a_search_for_words_that_say_nothing_is_refused(
    asked_once: None, mistake: Mistake, text: str
) -> None:
    mistake("search", text, says=f"knows none of the words {text!r} for what an image shows")


def test_unknown_words_among_known_ones_are_ignored_and_named(
    asked_once: None, shown: Shown
) -> None:
    code, _, err = shown("search", "a red stop sign")
    assert (code, "the model does not know: red" in err) == (0, True)


def test_hits_that_score_as_a_random_query_does_are_pointed_out(
    asked_once: None, shown: Shown
) -> None:
    _, _, err = shown("search", "a displaced maintenance cover at night in the rain")
    assert "3 of 3 hits score 0.125 or less, as a random query does" in err
    _, _, err = shown("similar", "photos/photo-0.jpg", "--top", "1")
    assert "random query" not in err or "1 of 1" in err


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


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "a stop sign", "--from", "2026-05-02", "--until", "2026-05-01"),
        ("stats", "--from", "2026-05-01", "--until", "2026-05-01"),
        ("enqueue", "--from", "2026-05-01T10:00", "--until", "2026-05-01T09:59"),
    ],
)
def test_times_the_wrong_way_round_are_an_error(
    mistake: Mistake, arguments: tuple[str, ...]
) -> None:
    mistake(*arguments, says="is not before --until")


@pytest.mark.parametrize(
    "place",
    [
        ("--box", "52.0,5.0,52.2,5.3"),
        pytest.param(("--near", "5.12,52.09,20000"), marks=pytest.mark.extended),
        pytest.param(("--polygon", "exchanged.geojson"), marks=pytest.mark.extended),
    ],
)
@pytest.mark.parametrize(
    "command",
    [("search", "a stop sign"), ("enqueue",), ("enqueue", "--dry-run"), ("stats",),
     ("export", "out.csv", "--task", "road_signs")],
)  # fmt: skip
def test_a_place_with_latitude_and_longitude_exchanged_is_an_error(
    worked_scenes: None, shown: Shown, command: tuple[str, ...], place: tuple[str, str]
) -> None:
    corners = [[52.0, 5.0], [52.2, 5.0], [52.2, 5.3], [52.0, 5.3], [52.0, 5.0]]
    Path("exchanged.geojson").write_text(
        json.dumps({"type": "Polygon", "coordinates": [corners]}), encoding="utf-8"
    )
    code, _, err = shown(*command, *place)
    assert code == 2
    assert ": latitude and longitude are exchanged: no image is there, and " in err


@pytest.fixture(scope="module")
def scenes_folder(rendered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a home in which rendered scenes were worked off."""
    folder = tmp_path_factory.mktemp("worked")
    home = ("--home", str(folder / ".sightline"))
    for command in (("import", str(rendered)), ("enqueue",), ("work", "--drain")):
        assert main([*home, *command, "--json"]) == 0
    return folder


@pytest.fixture
def worked_scenes(scenes_folder: Path, shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command line be in that folder, which no test changes."""
    monkeypatch.chdir(scenes_folder)


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
