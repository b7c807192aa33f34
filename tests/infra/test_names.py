"""Names follow one scheme, are within Google's limits, and keep two stacks apart."""

from __future__ import annotations

import re
import string

from hypothesis import example, given
from hypothesis import strategies as st

from infra.names import SLUG_CHARACTERS, Names, slug

STACKS = st.text(string.ascii_letters + string.digits + "_.-", min_size=1, max_size=100)
PROJECTS = st.from_regex(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", fullmatch=True)
ACCOUNTS = ("worker", "producer", "starter", "nodes")
OTHERS = ("work", "abandoned", "results", "arrivals", "message", "images", "models", "slots")


@given(STACKS, PROJECTS)
@example("a" * 100, "p" * 30)
@example("google", "my-project")
@example("-._-", "my-project")
def test_every_name_is_legal_for_any_stack_name(stack: str, project: str) -> None:
    names = Names(project, stack)
    for what in ACCOUNTS:
        assert re.fullmatch(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", names.of(what)), names.of(what)
    for what in (*OTHERS, *ACCOUNTS, ""):
        name = names.of(what)
        assert re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", name)
        assert len(name) <= 40  # the shortest of the other limits: a cluster's
    for what in ("", "models", "listing"):
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,1023}", names.dataset(what))
    bucket = names.bucket("images")
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]", bucket)
    assert "goog" not in bucket.removeprefix(project)


@given(STACKS, STACKS)
@example("dev", "Dev")
@example("a.b", "a-b")
@example("production-europe-1", "production-europe-2")
def test_two_stacks_of_one_project_share_no_name(first: str, other: str) -> None:
    if first != other:
        assert slug(first) != slug(other)


@given(STACKS)
def test_a_cut_name_is_no_other_stack_s_own(stack: str) -> None:
    cut = slug(stack)
    assert len(cut) <= SLUG_CHARACTERS
    if cut != stack:
        assert slug(cut) != cut


def test_a_short_plain_name_stands_as_it_is() -> None:
    assert [slug(name) for name in ("dev", "prod", "staging", "eu-1")] == [
        "dev", "prod", "staging", "eu-1"
    ]  # fmt: skip
    assert Names("my-project", "prod").of("worker") == "sightline-prod-worker"
