"""A home with answers in its warehouse, written by hand: fast, and known to the last one."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import orjson

from sightline.local.warehouse import LocalAnswers
from sightline.model import WorkItem
from sightline.ports import ClassificationRow
from sightline.tasks import TaskSpec, parse_task
from tests.contracts.answers_suite import AnswersRig
from tests.contracts.test_warehouse_contract import local_rig
from tests.contracts.warehouse_rig import (
    EMBEDDING,
    answer_part,
    answer_row,
    asking,
    dead_row,
    embedding_row,
    observation,
    task,
)

SIGNS: TaskSpec = task("signs")
POLES: TaskSpec = parse_task(
    'name = "poles"\nprompt = "?"\nasset_types = ["utility_pole"]\n'
    '[fields.confidence]\ntype = "number"\ndescription = "c"\nminimum = 0\nmaximum = 1\n'
).resolve("demo-1")
IMAGES = 12
"""Images, two an asset; the last has no answer but a dead letter, the one before no position."""


def answered_home(folder: Path) -> Path:
    """Fill ``.sightline`` below a folder, and return it."""
    home = folder / ".sightline"
    asyncio.run(_fill(home))
    return home


async def _fill(home: Path) -> None:
    warehouse = local_rig(home)
    rig = AnswersRig(warehouse, LocalAnswers(home / "warehouse"))
    nowhere = {"latitude": None, "longitude": None}
    images = [observation(n, **(nowhere if n == IMAGES - 2 else {})) for n in range(IMAGES)]
    await warehouse.load(images)
    for spec in (SIGNS, POLES):
        await rig.ask(spec)
    await warehouse.open(asking(answer_part(SIGNS), EMBEDDING), "run-1")
    items = sorted(await warehouse.items("run-1"), key=lambda item: item.subject_id)
    await warehouse.writer.write([answer_row(work_item, answer_part(SIGNS), answer=signs(n))
                                  for n, work_item in enumerate(items[:-1])])  # fmt: skip
    await warehouse.writer.write([embedding_row(work_item) for work_item in items[:4]])
    await warehouse.writer.write([dead_row(items[-1], answer_part(SIGNS))])
    await warehouse.writer.write([_pole(work_item, n) for n, work_item in enumerate(items[2:4])])


def _pole(work_item: WorkItem, number: int) -> ClassificationRow:
    part = answer_part(POLES)
    text = orjson.dumps({"confidence": 0.25 + number / 2}).decode()
    return answer_row(replace(work_item, parts=(part,)), part, answer=text)


def signs(number: int) -> str:
    """Return an answer of the task ``signs``; the third is of nothing."""
    if number == 2:
        return '{"kind":"unknown","tilted":null,"count":null,"height":null,"note":null,"damage":[]}'
    return orjson.dumps(
        {
            "kind": "yield" if number % 4 == 0 else "stop",
            "tilted": number % 3 == 0,
            "count": number,
            "height": number / 4,
            "note": '=1+1,"x"\n' if number == 1 else f"note {number}",
            "damage": ["rust", "dent"][: number % 3],
        }
    ).decode()
