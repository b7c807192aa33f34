"""Names that are not known are asked back: asset types, tasks, fields, values, settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Command, Mistake
from tests.cli.photographs import PHOTOS
from tests.docs.program import commands


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


def test_a_setting_that_is_misspelt_is_asked_back(tmp_path: Path, mistake: Mistake) -> None:
    (tmp_path / "sightline.toml").write_text('[models]\nclasify = "demo-1"\n')
    mistake("status", says="models.clasify is not a setting (did you mean classify?)")
