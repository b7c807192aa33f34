"""What ``sightline setup`` shows."""

from __future__ import annotations

from sightline.cli.output import remark, say
from sightline.operations.setup import Item, SetupReport

_WORDS = {"made": "created", "missing": "to create", "differs": "DIFFERS"}


def setup_json(result: SetupReport) -> dict[str, object]:
    """Return the document of ``--json``."""
    return {"items": [_item_json(item) for item in result.items], "commands": result.commands}


def _item_json(item: Item) -> dict[str, object]:
    return {
        "kind": item.kind,
        "name": item.name,
        "state": item.state,
        "wrong": item.wrong,
        "mend": item.mend,
    }


def print_setup(result: SetupReport) -> None:
    """Print what was created or is to be created, and what the user has to do."""
    if not result.in_cloud:
        say("nothing to set up: the local engine creates its folders when it needs them")
        remark("next: `sightline import DIR`; `sightline init --engine gcp` is for the cloud")
        return
    for item in result.items:
        if item.state != "there":
            say(f"{_WORDS[item.state]:<10} {item.kind} {item.name}")
        for wrong in item.wrong:
            say(f"           {wrong}")
        if item.mend:
            say(f"           fix: {item.mend}")
    if result.dry_run:
        say(f"{result.count('missing'):,} to be created, {result.count('there'):,} already exist")
    else:
        say(f"{result.count('made'):,} created, {result.count('there'):,} already exist")
    if result.commands:
        say("so that Pub/Sub may forward dead letters, run once:")
        for command in result.commands:
            say(f"  {command}")
    remark(
        "next: `sightline setup`" if result.dry_run else "next: `sightline doctor` checks it all"
    )
