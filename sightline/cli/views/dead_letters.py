"""What ``sightline dead-letters`` shows."""

from __future__ import annotations

from collections import Counter

from sightline.cli.output import print_table, remark, say
from sightline.operations.dead_letters import DeadLetterList, Purge, Replay
from sightline.ports import DeadLetterRow


def dead_letters_json(result: DeadLetterList) -> list[dict[str, object]]:
    """Return the document of ``list --json``."""
    return [_row_json(row) for row in result.rows]


def _row_json(row: DeadLetterRow) -> dict[str, object]:
    return {
        "at": row.at.isoformat(timespec="seconds"),
        "reason": row.reason.value,
        "subject_id": row.subject_id,
        "run_id": row.run_id,
        "part_key": row.part_key,
        "detail": row.detail,
        "delivery_attempt": row.delivery_attempt,
        "cost_usd_micros": row.usage.cost_usd_micros,
    }


def print_dead_letters(result: DeadLetterList) -> None:
    """Print dead letters as a table."""
    if not result.rows:
        say("no dead letters")
        return
    columns = ("at", "reason", "subject_id", "run_id", "detail")
    rows = dead_letters_json(result)
    print_table("", columns, [[row[name] for name in columns] for row in rows])
    if result.has_more:
        remark(
            f"there are more than {len(result.rows):,}; --limit shows them,"
            " `sightline status` counts them"
        )
    (reason, _), *_ = Counter(row["reason"] for row in rows).most_common()
    remark(f"next: fix the cause, then `sightline dead-letters replay --reason {reason}`")


def replay_json(result: Replay) -> dict[str, object]:
    """Return the document of ``replay --json``."""
    passed_by = {"passed_by": result.passed_by} if result.passed_by else {}
    return {"replay": result.replayed, **passed_by}


def print_replay(result: Replay) -> None:
    """Print how many dead letters were replayed."""
    say(f"{result.replayed:,} dead letters replayed")
    if result.passed_by:
        remark(f'{result.passed_by:,} are of workers\' runs; replay them with `engine = "gcp"`')
    if result.replayed:
        remark(f"next: `sightline work{' --drain' if result.has_workers else ''}`")


def purge_json(result: Purge) -> dict[str, object]:
    """Return the document of ``purge --json``."""
    return {"purge": result.purged}


def print_purge(result: Purge) -> None:
    """Print how many dead letters were purged."""
    say(f"{result.purged:,} dead letters purged")
