"""``sightline stats``: counts that can be checked by hand, and errors of one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightline.analysis.group_keys import key_text, key_value
from sightline.cli.views.cross_table import cross_table
from sightline.ports import Dimension, Group
from tests.cli.answered import IMAGES, SIGNS, answered_home
from tests.cli.conftest import Command, Mistake, Shown

ANSWERS = IMAGES - 1


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with answers, below the present folder of the command line."""
    return answered_home(tmp_path)


def test_an_overview_of_each_task(sightline: Command, home: Path) -> None:
    poles, signs = sightline("stats")["tasks"]
    assert (poles["task"], signs["task"]) == ("poles", "signs")
    assert (signs["answers"], signs["without_position"], signs["without_time"]) == (ANSWERS, 1, 0)
    assert (signs["stale"], signs["versions"]) == (0, 1)
    by_type = {of_type["asset_type"]: of_type for of_type in signs["coverage"]}
    assert {name: (counts["observations"], counts["answered"], counts["embedded"], counts["dead"])
            for name, counts in by_type.items()} == {
        "ASSET_CLASS_ROAD_SIGN": (6, 6, 2, 0),
        "ASSET_CLASS_UTILITY_POLE": (6, 5, 2, 1),
    }  # fmt: skip
    fields = {of_field["field"]: of_field for of_field in signs["fields"]}
    kinds = fields["kind"]["values"]
    assert kinds == {"stop": 7, "yield": 3, "unknown": 1}
    assert fields["count"]["maximum"] == ANSWERS - 1
    assert fields["note"]["missing"] == 1
    assert [of_type["asset_type"] for of_type in poles["coverage"]] == ["ASSET_CLASS_UTILITY_POLE"]
    assert poles["confidence"] == [
        {"field": "confidence", "from": 0.2, "to": 0.3, "answers": 1},
        {"field": "confidence", "from": 0.7, "to": 0.8, "answers": 1},
    ]
    assert sightline("stats", "signs")["tasks"] == [signs]


def test_a_task_about_nothing_that_passes_takes_one_line(shown: Shown, home: Path) -> None:
    _, text, _ = shown("stats", "--asset-type", "road_sign")
    assert "signs: 6 answers" in text
    assert "poles: " not in text
    assert text.endswith("no observation that passes is of a type of poles\n")


def test_filters_narrow_an_overview(sightline: Command, home: Path) -> None:
    (signs,) = sightline("stats", "signs", "--asset-type", "utility_pole")["tasks"]
    assert signs["answers"] == 5
    (signs,) = sightline("stats", "signs", "--box", "5,52,5.0015,53")["tasks"]
    assert signs["answers"] == 2


def test_answers_by_one_thing_across_another(sightline: Command, home: Path) -> None:
    report = sightline("stats", "signs", "--by", "kind", "--across", "month")
    assert (report["by"], report["across"], report["answers"]) == ("kind", "month", ANSWERS)
    groups = {(group["by"], group["across"]): group["answers"] for group in report["groups"]}
    assert groups == {
        ("stop", "2026-05"): 2, ("yield", "2026-05"): 1, ("unknown", "2026-05"): 1,
        ("stop", "2026-04"): 5, ("yield", "2026-04"): 2,
    }  # fmt: skip
    by_cell = sightline("stats", "signs", "--by", "cell", "--cell", "0.0037")
    cells = {tuple(group["by"] or ()): group["answers"] for group in by_cell["groups"]}
    assert cells == {
        (4.9987, 51.9998, 5.0024, 52.0035): 3,
        (5.0024, 51.9998, 5.0061, 52.0035): 1,
        (5.0024, 52.0035, 5.0061, 52.0072): 3,
        (5.0061, 52.0035, 5.0098, 52.0072): 1,
        (5.0061, 52.0072, 5.0098, 52.0109): 2,
        (): 1,
    }
    bins = sightline("stats", "signs", "--by", "height", "--bin", "1")
    assert {tuple(group["by"] or ()): group["answers"] for group in bins["groups"]} == {
        (0, 1): 3, (1, 2): 4, (2, 3): 3, (): 1
    }  # fmt: skip
    members = sightline("stats", "signs", "--by", "damage")
    assert sum(group["answers"] for group in members["groups"]) > members["answers"]


def test_a_cell_is_a_box_that_other_commands_take(shown: Shown, home: Path) -> None:
    code, out, _ = shown("stats", "signs", "--by", "cell", "--cell", "0.0037")
    assert code == 0
    box = out.splitlines()[1].split()[0]
    assert box == "4.9987,51.9998,5.0024,52.0035"
    assert shown("stats", "signs", "--box", box)[1].startswith("signs: 3 answers")


def test_tables_for_people(shown: Shown, home: Path) -> None:
    code, out, err = shown("stats", "signs", "--by", "kind", "--across", "month", "--top", "1")
    assert (code, err.count("\n"), "the demo model made" in err) == (0, 1, True)
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["kind", "\\", "month", "2026-04", "2026-05", "all", "share"]
    assert lines[1] == ["stop", "5", "2", "7", "0.636"]
    assert lines[2] == ["(2", "others)", "2", "2", "4", "0.364"]
    code, out, err = shown("stats")
    assert code == 0
    assert "signs: 11 answers by demo-1" in out
    assert "1 without a usable position" in out
    assert "images differ in kind" in out
    _, _, err = shown("stats", "signs", "--by", "damage")
    assert "counts under each member" in err
    _, out, err = shown("stats", "signs", "--by", "kind", "--asset-type", "painting")
    assert out == "no answer of signs passes\n"
    assert "nothing is left: of 11, none pass --asset-type painting\n" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("stats", "trees"), "no task 'trees'; there are "),
        (
            ("stats", "road_signs"),
            "road_signs has not been enqueued yet; run `sightline enqueue --task",
        ),
        (("stats", "--by", "kind"), "which task? give one of poles, signs"),
        (("stats", "signs", "--by", "colour"), "signs has no field 'colour'; give one of kind,"),
        (("stats", "signs", "--across", "kind"), "--across kind needs --by"),
        (
            ("stats", "signs", "--by", "count", "--bin", "-1"),
            "--bin -1 is not accepted; give a number from 0.000001 to",
        ),
        (("stats", "signs", "--cell", "0"), "see `sightline stats --help`"),
        (("stats", "signs", "--box", "1,2"), "--box '1,2' is not accepted"),
        (("--home", "nowhere", "stats"), "--home nowhere does not exist"),
    ],
)
def test_a_mistake_is_told_in_one_line(
    mistake: Mistake, home: Path, arguments: tuple[str, ...], message: str
) -> None:
    mistake(*arguments, says=message)


def test_an_empty_warehouse_says_how_to_go_on(shown: Shown, sightline: Command) -> None:
    code, out, err = shown("stats")
    assert (code, out) == (0, "no answers yet\n")
    assert "`sightline enqueue`" in err
    assert sightline("stats") == {"tasks": [], "coverage": []}
    assert shown("stats", "road_signs")[0] == 2
    assert "there are no answers yet" in shown("stats", "--by", "kind")[2]


def test_groups_have_names_without_the_noise_of_binary_fractions() -> None:
    cell = Dimension("cell", step=0.01)
    assert key_text(cell, (5209, -1)) == "-0.01,52.09,0.00,52.10"
    assert key_value(cell, (5209, -1)) == [-0.01, 52.09, 0.0, 52.1]
    assert key_text(Dimension("cell", step=90), (0, -2)) == "-180,0,-90,90"
    assert key_value(Dimension("cell", step=0.7), (128, -258)) == [-180.0, 89.6, -179.9, 90.0]
    assert key_value(Dimension("cell", step=0.7), (-129, 257)) == [179.9, -90.0, 180.0, -89.6]
    height = next(spec_field for spec_field in SIGNS.fields if spec_field.name == "height")
    assert key_text(Dimension("field", height, 0.1), 3) == "0.3 to 0.4"
    assert key_text(Dimension("field", height), 2.0) == "2"
    assert key_text(Dimension("asset_type"), "ASSET_CLASS_ROAD_SIGN") == "road_sign"
    assert key_text(Dimension("month"), None) == "(not known)"


def test_months_stand_in_their_order_and_others_are_not_lost() -> None:
    month, kind = Dimension("month"), Dimension("field", SIGNS.fields[0])
    groups = [Group((f"2026-{n:02d}", f"kind {n}"), n) for n in range(20, 0, -1)]
    columns, rows = cross_table(month, kind, groups, answers=210, top=5)
    assert [row[0] for row in rows] == [*(f"2026-{n}" for n in range(16, 21)), "(15 others)"]
    assert columns[-3:] == ["(others)", "all", "share"]
    assert sum(int(str(row[-2])) for row in rows) == 210
    for row in rows:
        assert sum(int(str(value)) for value in row[1:-2]) == row[-2]


def test_a_bin_width_that_is_not_used_is_refused(mistake: Mistake, home: Path) -> None:
    mistake(
        "stats", "signs", "--by", "kind", "--bin", "5",
        says="--bin 5: kind has no bins, since only numbers do; leave it out",
    )  # fmt: skip


TRUTH = '{"observation_id": "%s", "task": "signs", "truth": {"kind": "stop"}}'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("observation_id,kind", "line 1 is not a line of ground truth; give lines such as {"),
        ('{"type": "FeatureCollection"}', "line 1 is not a line of ground truth"),
        ('{"observation_id": "o1", "task": "signs", "truth": 5}', "line 1 is not a line of"),
        (TRUTH % "elsewhere", "none of the 1 subjects of the ground truth, such as elsewhere, has"),
    ],
)
def test_ground_truth_of_another_kind_or_project_is_refused(
    mistake: Mistake, home: Path, tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "truth.jsonl"
    file.write_text(text, encoding="utf-8")
    mistake("evaluate", str(file), says=says)
