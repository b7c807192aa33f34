"""What ``sightline compact`` shows."""

from __future__ import annotations

from dataclasses import asdict

from sightline.cli.output import print_table, remark, say
from sightline.operations.compact import Compaction, Repair


def compaction_json(result: Compaction) -> list[dict[str, object]]:
    """Return the document of ``--json``."""
    return [asdict(ledger) for ledger in result.ledgers]


def print_compaction(result: Compaction) -> None:
    """Print what was done to each ledger."""
    if not result.ledgers:
        say("nothing to compact")
        return
    _print_table(compaction_json(result))


def repair_json(result: Repair) -> list[dict[str, object]]:
    """Return the document of ``--repair --json``."""
    return [asdict(ledger) for ledger in result.ledgers]


def print_repair(result: Repair) -> None:
    """Print which ledgers were repaired."""
    if not result.ledgers:
        say("nothing to repair")
        return
    _print_table(repair_json(result))
    remark("next: `sightline status --check`")


def _print_table(rows: list[dict[str, object]]) -> None:
    print_table("", tuple(rows[0]), [tuple(row.values()) for row in rows])
