"""``sightline evaluate``: the accuracy of the answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json
from sightline.cli.state import State
from sightline.cli.views.evaluate import evaluation_json, print_evaluation
from sightline.model import Filter
from sightline.operations import evaluate as operations


def evaluate(
    context: typer.Context,
    truth: Annotated[Path, typer.Argument(help="A ground_truth.jsonl.")],
    as_json: AsJson = False,
) -> None:
    """Compare the current answers with ground truth: accuracy per field, beside the majority class.

    Each line of the file contains observation_id, task and truth (an object). A field whose truth
    is null is not counted for that subject.
    """
    state: State = context.obj
    state.must_exist()
    truths = operations.ground_truth(state.settings(), truth)
    result = state.read_answers(Filter(), lambda warehouse: operations.evaluate(warehouse, truths))
    print_json(evaluation_json(result)) if as_json else print_evaluation(result)
