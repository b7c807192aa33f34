"""The local warehouse's answers pass their suite, and are read in constant memory."""

from __future__ import annotations

from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from sightline.errors import StorageError
from sightline.local.warehouse import EngineOptions, LocalAnswers, answers
from sightline.local.warehouse.answers import PAGE_ROWS
from sightline.ports import AnswerQuery
from tests.contracts.answers_suite import EMPTY, SPEC, AnswersContract, AnswersRig
from tests.contracts.test_warehouse_contract import local_rig


@pytest.fixture
def rig(tmp_path: Path) -> AnswersRig:
    """Return an empty warehouse, in a folder whose name is full of wildcards."""
    home = tmp_path / "höme [1] *?'"
    return AnswersRig(local_rig(home), LocalAnswers(home / "warehouse"))


class TestLocalAnswers(AnswersContract):
    """Answers by DuckDB over Parquet."""


async def test_pages_come_in_the_order_of_subjects_and_may_be_left(tmp_path: Path) -> None:
    rig = AnswersRig(
        local_rig(tmp_path),
        LocalAnswers(tmp_path / "warehouse", options=EngineOptions(memory_limit="100MB")),
    )
    await rig.ask()
    await rig.write([EMPTY] * (2 * PAGE_ROWS + 1))
    sizes, subjects = [], []
    async for page in rig.answers.pages(AnswerQuery(SPEC)):
        sizes.append(len(page))
        subjects += [row.subject_id for row in page]
    assert sum(sizes) == 2 * PAGE_ROWS + 1
    assert max(sizes) <= PAGE_ROWS
    assert subjects == sorted(subjects)
    async with aclosing(rig.answers.pages(AnswerQuery(SPEC))) as pages:  # type: ignore[type-var]  # a generator
        async for page in pages:
            assert page[0].subject_id == subjects[0]
            break
    assert not list((tmp_path / "warehouse").glob(".spill-*"))


def written(tmp_path: Path) -> list[Path]:
    """Return the files of the answers."""
    return list((tmp_path / "warehouse" / "classifications").rglob("*.parquet"))


async def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    rig = AnswersRig(local_rig(tmp_path), LocalAnswers(tmp_path / "warehouse"))
    await rig.ask()
    await rig.write([EMPTY])
    (path,) = written(tmp_path)
    path.write_bytes(b"this is no Parquet")
    with pytest.raises(StorageError, match=r"is not a file of the ledger classifications.*move it"):
        await rig.read(AnswerQuery(SPEC))


async def test_files_that_vanish_while_they_are_read_are_no_mystery(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = AnswersRig(local_rig(tmp_path), LocalAnswers(tmp_path / "warehouse"))
    await rig.ask()
    await rig.write([EMPTY])
    prepared = answers._prepared

    def then_gone(*arguments: Any) -> Any:
        answers_source = prepared(*arguments)
        for path in written(tmp_path):
            path.unlink()
        return answers_source

    monkeypatch.setattr(answers, "_prepared", then_gone)
    with pytest.raises(StorageError, match="compacted away while they were read; run"):
        await rig.read(AnswerQuery(SPEC))
