"""The one table of what a dead letter's reason says of the image, the task and the job."""

from __future__ import annotations

from sightline.errors import Reason, Scope
from tests.conftest import CHECKOUT
from tests.docs.pages import code, rows, sections


def test_a_denied_permission_speaks_of_one_image_and_of_the_job_when_nothing_else_comes() -> None:
    assert (Reason.PERMISSION_DENIED.scope, Reason.PERMISSION_DENIED.systemic) == (
        Scope.IMAGE,
        True,
    )


def test_the_page_says_of_each_reason_what_it_speaks_of() -> None:
    section = sections(CHECKOUT / "docs" / "dead-letters.md", 2)["The reasons"]
    listed = {code(cells[0]): cells[2] for cells in rows(section)}
    systemic = {True: "; systemic", False: ""}
    assert listed == {one.value: f"{one.scope}{systemic[one.systemic]}" for one in Reason}
