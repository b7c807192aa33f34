"""Builds GoogleSQL for current answers: which rows they are, and conditions on their values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.bigquery.selection import BigQueryCondition
from sightline.ports import AnswerFilter
from sightline.schema import CURRENT_ANSWERS, ONE_ROW_A_PART

_FIELD = re.compile(r"[A-Za-z_]\w*", re.ASCII)

# Compares as text, as a number (so that 2 finds 2.0), and with each member of a list.
ANSWER_IS = """(JSON_VALUE(answer, '{path}') = @{value}
      OR SAFE_CAST(TO_JSON_STRING(JSON_QUERY(answer, '{path}')) AS FLOAT64)
        = SAFE_CAST(@{value} AS FLOAT64)
      OR @{value} IN UNNEST(JSON_VALUE_ARRAY(answer, '{path}')))"""

# An answer about an asset applies to all its images.
ANSWERED = """observation_id IN (
    SELECT subject_id FROM ({current}) WHERE observation_id IS NOT NULL AND {answer_is})
  OR asset_id IN (
    SELECT subject_id FROM ({current}) WHERE observation_id IS NULL AND {answer_is})"""


def answered(place: BigQueryPlace, filters: Sequence[AnswerFilter]) -> Iterator[BigQueryCondition]:
    """Yield conditions over images, one for each filter on their current answers."""
    for number, answer_filter in enumerate(filters):
        if _FIELD.fullmatch(answer_filter.field) is None:  # no task has such a field
            yield BigQueryCondition("false")
            continue
        task, value = f"answer_task_{number}", f"answer_value_{number}"
        yield BigQueryCondition(
            ANSWERED.format(
                current=current_answers(place, f"task = @{task}"),
                answer_is=ANSWER_IS.format(path=f"$.{answer_filter.field}", value=value),
            ),
            {task: answer_filter.task, value: answer_filter.value},
        )


def current_answers(place: BigQueryPlace, where: str) -> str:
    """Return the query of ``classifications_current``, restricted to rows that meet a condition.

    The condition must hold for all rows of a part or for none. BigQuery then reads only the blocks
    that may contain such rows, by the table's clustering.
    """
    rows = f"(SELECT * FROM {place.table('classifications')} WHERE {where})"  # noqa: S608 - our own
    parts = f"({ONE_ROW_A_PART.format(ledger=rows)})"
    return CURRENT_ANSWERS.format(answers=parts, tasks_active=place.table("tasks_active"))
