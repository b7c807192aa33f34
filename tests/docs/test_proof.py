"""What the page on proof names is there: every test, and a test for everything that is shown."""

from __future__ import annotations

import re

from tests.conftest import CHECKOUT
from tests.docs.pages import rows, sections

PAGE = CHECKOUT / "docs" / "proof.md"
NAMED = re.compile(r"`(tests/[^`]+)`")


def test_every_test_that_is_named_is_there() -> None:
    named = NAMED.findall(PAGE.read_text(encoding="utf-8"))
    assert named
    assert [path for path in named if not (CHECKOUT / path).is_file()] == []


def test_everything_that_is_shown_names_its_server_and_its_tests() -> None:
    table_rows = rows(sections(PAGE, 2)["Shown"])
    assert table_rows
    unproven = [what for what, server, tests in table_rows if not (server and NAMED.findall(tests))]
    assert unproven == []


def test_every_run_against_all_servers_is_listed() -> None:
    runs = {path.relative_to(CHECKOUT).as_posix() for path in CHECKOUT.glob("tests/cloud/test_*")}
    assert runs - set(NAMED.findall(PAGE.read_text(encoding="utf-8"))) == set()


def test_the_tests_of_the_second_tier_are_listed_with_their_smaller_form() -> None:
    marked = {
        path.relative_to(CHECKOUT).as_posix()
        for path in (CHECKOUT / "tests").rglob("test_*.py")
        if "pytest.mark.extended" in path.read_text(encoding="utf-8")
    } - {"tests/docs/test_proof.py"}
    listed = rows(sections(PAGE, 2)["Two tiers"])
    assert {test.strip("`") for test, _, _ in listed} == marked
    assert all(second and first for _, second, first in listed)
