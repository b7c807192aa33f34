"""Compares current answers with ground truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sightline.analysis.evaluation import FieldScore, Truth, score
from sightline.errors import NotFoundError
from sightline.operations.reading.chosen_task import NOTHING_ANSWERED
from sightline.operations.reading.ground_truth import read_truth
from sightline.ports import Warehouse
from sightline.settings import Settings
from sightline.wiring.tasks import known_tasks


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The accuracy of each field of each task."""

    scores: Sequence[FieldScore]


def ground_truth(settings: Settings, path: Path) -> Sequence[Truth]:
    """Return the lines of a ``ground_truth.jsonl``, checked against the known tasks.

    Raises:
        NotFoundError: there is no such file, or it contains no truth.
        ConfigurationError: a line is invalid.
    """
    truths = list(read_truth(path, known_tasks(settings)))
    if not any(values for _, _, values in truths):
        raise NotFoundError(f"{path} contains no truth; give a ground_truth.jsonl that does")
    return truths


async def evaluate(warehouse: Warehouse, truths: Sequence[Truth]) -> Evaluation:
    """Return each field's accuracy in the current answers, with that of its most frequent value.

    Raises:
        NotFoundError: there is no answer, or none to a subject of the ground truth.
    """
    answers = await warehouse.upkeep.current_answers()
    if not answers:
        raise NotFoundError(NOTHING_ANSWERED)
    if not any((subject_id, task) in answers for subject_id, task, _ in truths):
        example = truths[0][0]
        raise NotFoundError(
            f"none of the {len(truths):,} subjects of the ground truth, such as {example}, has an"
            " answer here; give the ground truth of this project's images"
        )
    return Evaluation(score(truths, answers))
