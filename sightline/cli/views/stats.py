"""What ``sightline stats`` shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from sightline.analysis.group_keys import key_value
from sightline.cli.output import print_table, remark, say
from sightline.cli.views.cross_table import cross_table
from sightline.model import asset_name
from sightline.operations.reading.chosen_task import NEXT
from sightline.operations.stats import AnswerCounts, TaskOverview, TasksOverview
from sightline.ports import Coverage, FieldSummary


def counted_json(result: AnswerCounts) -> dict[str, object]:
    """Return the document of ``--by --json``."""
    labels = ("by", "across")
    return {
        "task": result.task.name,
        "fingerprint": result.task.fingerprint,
        **dict(zip(labels, result.names, strict=False)),
        "answers": result.answers,
        "cut_off": result.cut_off,
        "groups": [
            {
                **{
                    label: key_value(by, key)
                    for label, by, key in zip(labels, result.by, group.keys, strict=False)
                },
                "answers": group.answers,
            }
            for group in result.groups
        ],
    }


def overview_json(result: TasksOverview) -> dict[str, object]:
    """Return the document of ``--json``."""
    coverage = None if result.coverage is None else [asdict(row) for row in result.coverage]
    tasks = [_task_json(overview) for overview in result.tasks]
    return {"tasks": tasks} if coverage is None else {"tasks": tasks, "coverage": coverage}


def _task_json(overview: TaskOverview) -> dict[str, object]:
    return {
        "task": overview.task.name,
        "fingerprint": overview.task.fingerprint,
        "model": overview.task.model,
        **asdict(overview.quality),
        "coverage": [asdict(row) for row in overview.coverage],
        "fields": [_field_json(summary) for summary in overview.fields],
        "confidence": [
            {"field": bin_.field, "from": bin_.low, "to": bin_.high, "answers": bin_.answers}
            for bin_ in overview.confidence
        ],
    }


def _field_json(summary: FieldSummary) -> dict[str, object]:
    document = {**asdict(summary), "field": summary.field.name, "type": summary.field.type}
    return {**document, "values": dict(summary.values)}


def print_counted(result: AnswerCounts, top: int) -> None:
    """Print groups as a table, with remarks."""
    if not result.answers:
        say(f"no answer of {result.task.name} passes")
        if result.emptied is not None:
            remark(f"nothing is left: {result.emptied}")
        return
    across = result.by[1] if len(result.by) > 1 else None
    columns, rows = cross_table(
        result.by[0], across, result.groups, answers=result.answers, top=top
    )
    columns[0] = " \\ ".join(result.names)
    print_table("", columns, rows)
    say(f"\n{result.answers:,} answers of {result.task.name}")
    if any(by.field is not None and by.field.type == "list" for by in result.by):
        remark("an answer counts under each member of a list")
    if result.cut_off:
        remark(f"only the {len(result.groups):,} largest groups are counted; narrow it, or"
               " give a larger --cell or --bin")  # fmt: skip


def print_overview(result: TasksOverview, top: int) -> None:
    """Print statistics of each task."""
    if not result.tasks:
        if result.coverage:
            _print_coverage(result.coverage)
        say("no answers yet")
        remark(f"next: {NEXT}")
    about_something = [
        overview for overview in result.tasks if overview.coverage or overview.quality.answers
    ]
    for number, overview in enumerate(about_something):
        if number:
            say()
        say(
            f"{overview.task.name}: {overview.quality.answers:,} answers by {overview.task.model},"
            f" version {overview.task.fingerprint[:12]}"
        )
        _print_coverage(overview.coverage)
        _print_fields(overview, top)
        _print_checks(overview)
    rest = [overview.task.name for overview in result.tasks if overview not in about_something]
    if rest and about_something:
        say()
    if rest:
        say(f"no observation that passes is of a type of {', '.join(rest)}")
    if result.emptied is not None and result.emptied.steps:
        remark(f"nothing is left: {result.emptied}")
    elif result.emptied is not None and not result.emptied.total:
        remark("no observation was enqueued yet; run `sightline enqueue`")


def _print_coverage(rows: Sequence[Coverage]) -> None:
    columns = ("asset_type", "observations", "assets", "embedded", "answered", "dead")
    print_table(
        "",
        [name.replace("_", " ") for name in columns],
        [
            (asset_name(row.asset_type) or "-",
             *(getattr(row, name) for name in columns[1:]))
            for row in rows
        ],
    )  # fmt: skip


def _print_fields(overview: TaskOverview, top: int) -> None:
    answers, fields = overview.quality.answers, overview.fields
    if not answers:
        return
    columns = ("known", "unknown", "missing", "assets", "disagreeing", "minimum", "mean", "maximum")
    filled = [name for name in columns if any(getattr(row, name) is not None for row in fields)]
    say()
    print_table(
        "",
        ("field", "type", *filled, "share known"),
        [
            (row.field.name, row.field.type, *(getattr(row, name) for name in filled),
             row.known / answers)
            for row in fields
        ],
    )  # fmt: skip
    say()
    values = [
        (row.field.name, value, number, number / answers)
        for row in fields
        for value, number in sorted(row.values, key=lambda pair: -pair[1])[:top]
    ]
    if values:
        print_table("", ("field", "value", "answers", "share"), values)
    if overview.confidence:
        say()
        print_table(
            "",
            ("field", "from", "to", "answers"),
            [(bin_.field, bin_.low, bin_.high, bin_.answers) for bin_ in overview.confidence],
        )


def _print_checks(overview: TaskOverview) -> None:
    quality = overview.quality
    say()
    say(f"  {quality.without_position:,} without a usable position")
    say(f"  {quality.without_time:,} without a capture time")
    say(f"  {quality.stale:,} subjects answered at an older version only")
    for row in overview.fields:
        if row.disagreeing:
            say(
                f"  {row.disagreeing:,} of {row.assets:,} assets whose images differ in"
                f" {row.field.name}"
            )
    name = overview.task.name
    if quality.versions > 1:
        say(f"  {quality.versions:,} versions of {name} have answers; the active one counts")
    if quality.stale:
        remark(f"`sightline enqueue --task {name}` requests the stale ones again")
