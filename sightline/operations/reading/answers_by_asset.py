"""Groups answers by asset in bounded memory; temporary files hold what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import replace
from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import IO
from zlib import crc32

import orjson

from sightline.errors import NotFoundError
from sightline.model import Filter
from sightline.operations.reading.chosen_task import chosen_task
from sightline.operations.selection import Emptied, check_asset_types, why_empty
from sightline.ports import AnswerQuery, AnswerRow, Answers, Warehouse
from sightline.progress import Progress

ROWS_AT_ONCE = 50_000
"""The most answers in memory as objects."""

_IN_MEMORY = 64 * 2**20


class ByAsset:
    """Collects answers for grouping by asset; answers ``without_asset`` are in no group."""

    def __init__(self, files: Sequence[IO[bytes]]) -> None:
        self._files = files
        self.answers = 0
        self.without_asset = 0

    def add(self, page: Sequence[AnswerRow]) -> None:
        """Add rows."""
        for answer in page:
            self.answers += 1
            if not answer.asset_id:
                self.without_asset += 1
                continue
            file = self._files[crc32(answer.asset_id.encode()) % len(self._files)]
            file.write(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))

    def groups(self) -> Iterator[list[AnswerRow]]:
        """Yield each asset's answers, about ``ROWS_AT_ONCE`` in memory, by asset ID."""
        for file in self._files:
            file.seek(0)
            by_asset: dict[str, list[AnswerRow]] = {}
            for line in file:
                answer = _row(line)
                by_asset.setdefault(answer.asset_id, []).append(answer)
            for asset_id in sorted(by_asset):
                yield by_asset.pop(asset_id)


@contextmanager
def gathering(total: int) -> Iterator[ByAsset]:
    """Yield a collector for this number of answers; its files are deleted afterwards."""
    with ExitStack() as stack:
        share = _IN_MEMORY // (count := -(-max(total, 1) // ROWS_AT_ONCE))
        yield ByAsset(
            [stack.enter_context(SpooledTemporaryFile(max_size=share)) for _ in range(count)]
        )


async def each_page(
    answers: Answers,
    query: AnswerQuery,
    total: int,
    take: Callable[[Sequence[AnswerRow]], object],
    progress: Progress,
    label: str = "reading answers",
    *,
    keep: Callable[[AnswerRow], bool] | None = None,
) -> int:
    """Pass each page of the current answers to a consumer; return the number of answers passed.

    Of the answers, only those that ``keep`` accepts are passed.
    """
    done = passed = 0
    with progress(label, total) as update:
        async with aclosing(answers.pages(query)) as pages:  # type: ignore[type-var]  # a generator
            async for page in pages:
                kept = page if keep is None else [row for row in page if keep(row)]
                take(kept)
                done, passed = done + len(page), passed + len(kept)
                update(done, max(total, done))
    return passed


async def selected_answers(
    warehouse: Warehouse, task: str | None, which: Filter
) -> tuple[AnswerQuery, int]:
    """Return the query for a task's matching current answers, and their number.

    Raises:
        NotFoundError: there is no such task, or no answer matches.
        ConfigurationError: no task is named, and there are several.
    """
    await check_asset_types(warehouse, which)
    query = AnswerQuery(await chosen_task(warehouse, task), which)
    total = await warehouse.answers.count(query)
    if not total:
        name = query.task.name
        emptied = await why_no_answers(warehouse, query)
        raise NotFoundError(
            f"no answer of {name} passes: {emptied}; `sightline stats {name}` counts all"
        )
    return query, total


async def why_no_answers(warehouse: Warehouse, query: AnswerQuery) -> Emptied:
    """Return which filter leaves no answer of a task.

    Raises:
        ConfigurationError: latitude and longitude of a place are exchanged.
    """

    async def count(which: Filter, _answers: object) -> int:
        return await warehouse.answers.count(replace(query, filter=which))

    return await why_empty(count, query.filter)


def _row(line: bytes) -> AnswerRow:
    values = orjson.loads(line)
    for name in ("capture_time", "written_at"):
        if values[name] is not None:
            values[name] = datetime.fromisoformat(values[name])
    return AnswerRow(**values)
