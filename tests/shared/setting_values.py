"""Values that each setting accepts, and values that it refuses, by what its field says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from hypothesis import strategies as st
from pydantic.fields import FieldInfo

from sightline.settings import Settings
from sightline.settings.fields import (
    Checked,
    all_fields,
    bounds_of,
    may_be_unset,
    required_kind,
)

FIELDS = dict(all_fields(Settings))
URLS = (["", "https://host:8443", "http://127.0.0.1:1/v1"], ["ftp://h", "host:80", "http://a b"])
TEXTS: Mapping[str, tuple[list[str], list[str]]] = {
    "a URL such as https://host:8443, without spaces": URLS,
    "a URL such as https://host:8443, without spaces and without a user: access tokens are sent to"
    " it": (URLS[0], [*URLS[1], "https://me:geheim@host"]),
    "host:port, such as 127.0.0.1:8085": (["", "127.0.0.1:8085"], ["me@127.0.0.1:8085"]),
    "names such as worker or worker.lan:9464, commas between them": (
        ["", "worker,worker.lan:9464", "[::1]:9464"], ["a b", "http://worker", "a,*"],
    ),
    "a URL such as http://127.0.0.1:4318, without user, query and fragment: credentials go into"
    " the environment variable OTEL_EXPORTER_OTLP_HEADERS": (
        ["", "http://127.0.0.1:4318", "https://c/v1"],
        ["c:4318", "http://me@c", "http://c?a=b", "http://c#a"],
    ),
}  # fmt: skip
"""Texts that a rule accepts, and texts that it refuses, by what it says."""
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SOME_PATH = st.text("ab./ -é", min_size=1, max_size=12)
COLUMN = st.from_regex(r"[a-z]{1,5}(_[a-z]{1,5})?", fullmatch=True)

PEOPLE = st.sampled_from(["ann@example.org", "@example.org"])
MEMBERS: Mapping[str, st.SearchStrategy[str]] = {
    "images.buckets": st.from_regex(r"[a-z0-9][a-z0-9._-]{0,9}", fullmatch=True),
    "gallery.owners": PEOPLE,
    "gallery.reviewers": PEOPLE,
}
"""Members of lists; those of others are paths."""


def rule_of(info: FieldInfo) -> Checked | None:
    return next((bound for bound in info.metadata if isinstance(bound, Checked)), None)


def accepted(name: str) -> st.SearchStrategy[Any]:
    """Return values that a setting accepts."""
    info = FIELDS[name]
    kind = required_kind(info.annotation)
    rule = rule_of(info)
    if rule is not None:
        return st.sampled_from(TEXTS[rule.accepted][0])
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if kind in {int, float}:
        least, most = bounds_of(info)
        edges = st.sampled_from([kind(least), kind(most)])
        inside = (
            st.integers(math.ceil(least), math.floor(most))
            if kind is int
            else st.floats(least, most)
        )
        return edges | inside
    if get_origin(kind) is tuple:
        return st.lists(MEMBERS.get(name, SOME_PATH), max_size=3)
    if get_origin(kind) is Mapping:
        return st.dictionaries(COLUMN, ANY_TEXT, max_size=3)
    return {bool: st.booleans(), Path: SOME_PATH, str: ANY_TEXT}[kind]


def refused(name: str) -> st.SearchStrategy[Any]:
    """Return values of a settings file that a setting refuses."""
    info = FIELDS[name]
    kind = required_kind(info.annotation)
    tables = st.sampled_from([{"a": 3}, [3], [[]], 3.5])
    rule = rule_of(info)
    if rule is not None:
        return tables | st.sampled_from([*TEXTS[rule.accepted][1], 3, True])
    if get_origin(kind) is Literal:
        return tables | st.booleans() | ANY_TEXT.filter(lambda text: text not in get_args(kind))
    if kind in {int, float}:
        no_numbers = st.sampled_from([True, False, "5", "soon", math.nan, math.inf, -math.inf])
        return out_of_bounds(name) | no_numbers | st.sampled_from([{"a": 3}, [3]])
    if get_origin(kind) is tuple:
        bad = [["gs://b"], ["b/p"], ["B"], ["*"], "b/p"] if name == "images.buckets" else []
        return st.sampled_from([3, True, 3.5, [3], ["a", 3], {"a": "b"}, *bad])
    if get_origin(kind) is Mapping:
        return st.sampled_from([3, True, "a", ["a"], {"a": 3}, {"a": {"b": "c"}}])
    return (
        tables
        | {
            bool: st.sampled_from([0, 1, "true", "yes", ""]),
            Path: st.sampled_from([3, True, "a\0b", *([] if may_be_unset(info) else [""])]),
            str: st.sampled_from([3, True, math.nan]),
        }[kind]
    )


def out_of_bounds(name: str) -> st.SearchStrategy[Any]:
    least, most = bounds_of(FIELDS[name])
    if required_kind(FIELDS[name].annotation) is float:
        return st.floats(max_value=least, exclude_max=True, allow_infinity=False) | st.floats(
            min_value=most, exclude_min=True, allow_infinity=False
        )
    fractions = st.floats(least, most)  # 2.0 too: a whole number has no fraction
    most, least = math.floor(most), math.ceil(least)
    beyond = st.integers(max_value=least - 1) | st.integers(most + 1, 2**63 - 1)
    return beyond.filter(lambda number: number >= -(2**63)) | fractions


def refused_texts(name: str) -> st.SearchStrategy[str] | None:
    """Return texts of the environment that a setting refuses; ``None`` where it takes each."""
    info = FIELDS[name]
    kind = required_kind(info.annotation)
    rule = rule_of(info)
    unset = [] if may_be_unset(info) else [""]
    words: Mapping[Any, list[str]] = {
        bool: ["yes", "1", "", "0"],
        Path: ["a\0b", *unset],
        tuple: ["[3]", '["a", null]', "[[]]"],
        Mapping: ["a"],
    }
    if rule is not None:
        return st.sampled_from(TEXTS[rule.accepted][1])
    if kind is str:
        return None
    if get_origin(kind) is Literal:
        return ANY_TEXT.filter(lambda text: text not in get_args(kind))
    if kind in {int, float}:
        no_numbers = ["nan", "inf", "-Infinity", "NaN", "true", "soon", "1,5", "0x10", *unset]
        return st.sampled_from(no_numbers) | out_of_bounds(name).map(str)
    return st.sampled_from(words[get_origin(kind) or kind])
