"""The one table of what a dead letter's reason says of the image, the task and the job."""

from __future__ import annotations

import re

from sightline.reasons import Reason, Scope
from tests.conftest import CHECKOUT
from tests.docs.pages import code, rows, sections


def test_a_denied_permission_speaks_of_one_image_and_of_the_job_when_nothing_else_comes() -> None:
    assert (Reason.PERMISSION_DENIED.scope, Reason.PERMISSION_DENIED.systemic) == (
        Scope.IMAGE,
        True,
    )


def test_the_page_says_of_each_reason_what_it_means_and_speaks_of() -> None:
    section = sections(CHECKOUT / "docs" / "dead-letters.md", 2)["The reasons"]
    listed = {
        code(cells[0]): (re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", cells[1]), cells[2])
        for cells in rows(section)
    }
    systemic = {True: "; systemic", False: ""}
    assert listed == {
        reason.value: (reason.meaning, f"{reason.scope}{systemic[reason.systemic]}")
        for reason in Reason
    }


def test_words_of_two_reasons_in_one_status_mean_the_more_telling_one() -> None:
    orders = [reason.status_order for reason in Reason if reason.status_words]
    assert len(set(orders)) == len(orders)
    assert Reason.PERMISSION_DENIED.status_order < Reason.IMAGE_GONE.status_order
    assert Reason.IMAGE_TOO_LARGE.status_order < Reason.IMAGE_UNREADABLE.status_order
