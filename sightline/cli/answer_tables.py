"""What ``sightline stats`` found, as tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sightline.cli.output import print_table, remark, say


def print_counted(found: dict[str, Any], top: int) -> None:
    """Print groups as a table, and what is to be known about it."""
    from sightline.cli.cross_table import cross_table

    by = found["by"]
    if not found["answers"]:
        say(f"no answer of {found['task'].name} passes")
        return
    columns, rows = cross_table(
        by[0], by[1] if len(by) > 1 else None, found["groups"], answers=found["answers"], top=top
    )
    columns[0] = " \\ ".join(found["names"])
    print_table("", columns, rows)
    say(f"\n{found['answers']:,} answers of {found['task'].name}")
    if any(one.field is not None and one.field.type == "list" for one in by):
        remark("an answer counts under each member of a list")
    if found["cut_off"]:
        remark(f"only the {len(found['groups']):,} largest groups are counted; narrow it, or"
               " give a larger --cell or --bin")  # fmt: skip


def print_overview(found: dict[str, Any], top: int) -> None:
    """Print what is known of each task."""
    if not found["tasks"]:
        from sightline.cli.answering import NEXT

        if found["coverage"]:
            _print_coverage(found["coverage"])
        say("no answers yet")
        remark(f"next: {NEXT}")
    about_something = [one for one in found["tasks"] if one["coverage"] or one["answers"]]
    for number, one in enumerate(about_something):
        if number:
            say()
        say(
            f"{one['task']}: {one['answers']:,} answers by {one['model']},"
            f" version {one['fingerprint'][:12]}"
        )
        _print_coverage(one["coverage"])
        _print_fields(one, top)
        _print_checks(one)
    rest = [one["task"] for one in found["tasks"] if one not in about_something]
    if rest and about_something:
        say()
    if rest:
        say(f"no observation that passes is of a type of {', '.join(rest)}")


def _print_coverage(rows: Sequence[dict[str, Any]]) -> None:
    columns = ("asset_type", "observations", "assets", "embedded", "answered", "dead")
    print_table(
        "",
        [name.replace("_", " ") for name in columns],
        [
            (row["asset_type"].removeprefix("ASSET_CLASS_").lower() or "-",
             *(row[name] for name in columns[1:]))
            for row in rows
        ],
    )  # fmt: skip


def _print_fields(one: dict[str, Any], top: int) -> None:
    answers, fields = one["answers"], one["fields"]
    if not answers:
        return
    columns = ("known", "unknown", "missing", "assets", "disagreeing", "minimum", "mean", "maximum")
    shown = [name for name in columns if any(row[name] is not None for row in fields)]
    say()
    print_table(
        "",
        ("field", "type", *shown, "share known"),
        [
            (row["field"], row["type"], *(row[name] for name in shown), row["known"] / answers)
            for row in fields
        ],
    )
    say()
    values = [
        (row["field"], value, number, number / answers)
        for row in fields
        for value, number in sorted(row["values"].items(), key=lambda pair: -pair[1])[:top]
    ]
    if values:
        print_table("", ("field", "value", "answers", "share"), values)
    if one["confidence"]:
        say()
        print_table(
            "",
            ("field", "from", "to", "answers"),
            [tuple(row.values()) for row in one["confidence"]],
        )


def _print_checks(one: dict[str, Any]) -> None:
    say()
    for name, what in (
        ("without_position", "without a usable position"),
        ("without_time", "without a capture time"),
        ("stale", "subjects answered at an older version only"),
    ):
        say(f"  {one[name]:,} {what}")
    disagreeing = [row for row in one["fields"] if row["disagreeing"]]
    for row in disagreeing:
        say(
            f"  {row['disagreeing']:,} of {row['assets']:,} assets whose images differ in"
            f" {row['field']}"
        )
    if one["versions"] > 1:
        say(f"  {one['versions']:,} versions of {one['task']} have answers; the active one counts")
    if one["stale"]:
        remark(f"`sightline enqueue --task {one['task']}` asks the stale ones again")
