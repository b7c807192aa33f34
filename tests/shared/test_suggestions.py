"""What was probably meant by a name that is not known."""

from __future__ import annotations

import pytest

from sightline.suggestions import closest, did_you_mean, is_plural_of, surely_meant

TYPES = ("film_poster", "maintenance_cover", "road_sign", "utility_pole")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("road_signs", "road_sign"),
        ("road_sgin", "road_sign"),
        ("Road-Sign", "road_sign"),
        ("sign", "road_sign"),
        ("poles", "utility_pole"),
        ("utilty_pole", "utility_pole"),
        ("maintainance_cover", "maintenance_cover"),
        ("lamp", None),
        ("", None),
        ("___", None),
    ],
)
def test_the_closest_name_is_asked_back(name: str, meant: str | None) -> None:
    assert closest(name, TYPES) == meant
    assert did_you_mean(name, TYPES) == (f" (did you mean {meant}?)" if meant else "")


def test_nothing_is_meant_where_nothing_is_known() -> None:
    assert did_you_mean("road_sign", ()) == ""


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("road_signs", "road_sign"),
        ("road_sgn", "road_sign"),
        ("maintainance_cover", "maintenance_cover"),
        ("road_signal", None),
        ("sign", None),
        ("pole", None),
    ],
)
def test_only_a_misspelling_is_taken_for_another_name(name: str, meant: str | None) -> None:
    assert surely_meant(name, TYPES) == meant


def test_number_case_and_separators_do_not_tell_names_apart() -> None:
    assert is_plural_of("Road Signs", "road_sign")
    assert is_plural_of("utility-poles", "utility_pole")
    assert not is_plural_of("road", "road_sign")
