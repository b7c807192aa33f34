"""A search says what it cannot find, and why: filters, words, places, times."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Mistake, Shown


def test_a_filter_alone_shows_the_newest_images_that_pass(
    worked_scenes: None, shown: Shown
) -> None:
    code, out, _ = shown("search", "--near", "52.09,5.12,20000", "--top", "3", "--json")
    assert (code, [hit["score"] for hit in json.loads(out)]) == (0, [None] * 3)


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
    assert f"{place[0]} {place[1]}" in err.replace("52,5,52.2", "52.0,5.0,52.2")
    assert ": latitude and longitude are exchanged: no image is there, and " in err
