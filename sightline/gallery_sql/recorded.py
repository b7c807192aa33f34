"""Statements over the ledgers: everything that is recorded about one image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from sightline.errors import PermanentError, Reason
from sightline.gallery_sql.statements import GalleryDialect, Row
from sightline.model import AnswerPart
from sightline.ports.gallery import AnswerDetail, DeadLetterDetail
from sightline.schema import ONE_ROW_A_PART
from sightline.wire import parts_from_json

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_ABOUT = "SELECT * FROM {ledger} AS written WHERE subject_id IN ({subjects})"


def answers(
    dialect: GalleryDialect, names: Mapping[str, str], subjects: Sequence[str], *, json: str
) -> str:
    """Return the query of all answers about some subjects, the newest first.

    ``json`` is the answer as a text.
    """
    about = _about(dialect, names["classifications"], subjects)
    every = ONE_ROW_A_PART.format(ledger=f"({about})")
    return f"""
SELECT answered.task, {json}, answered.model, answered.fingerprint,
  active.fingerprint IS NOT NULL, answered.observation_id IS NULL, answered.input_tokens,
  answered.output_tokens, answered.cost_usd_micros, answered.latency_ms, answered.attempt,
  answered.run_id, answered.worker_id, {dialect.microseconds("answered.written_at")}
FROM ({every}) AS answered
LEFT JOIN {names["tasks_active"]} AS active
  ON answered.task = active.task AND answered.fingerprint = active.fingerprint
ORDER BY answered.written_at DESC, answered.part_key
"""  # noqa: S608 - literals


def dead_letters(dialect: GalleryDialect, names: Mapping[str, str], subjects: Sequence[str]) -> str:
    """Return the query of the current dead letters of some subjects, the newest first."""
    return f"""
SELECT reason, COALESCE(detail, ''), COALESCE(body, ''), COALESCE(part_key, ''),
  {dialect.microseconds("letters.at")}
FROM {names["dead_letters_current"]} AS letters
WHERE subject_id IN ({_listed(dialect, subjects)})
ORDER BY letters.at DESC, event_id
"""  # noqa: S608 - literals


def embedded_by(dialect: GalleryDialect, names: Mapping[str, str], observation_id: str) -> str:
    """Return the query of the models that embedded an image, with their dimensions."""
    return f"""
SELECT DISTINCT model, dimension FROM {names["embeddings_rows"]} AS written
WHERE observation_id = {dialect.literal(observation_id)} ORDER BY model, dimension
"""  # noqa: S608 - literals


def answer_details(rows: Sequence[Row]) -> Sequence[AnswerDetail]:
    """Return the answers in the rows of ``answers``; one a task is current."""
    details: list[AnswerDetail] = []
    current: set[tuple[str, bool]] = set()
    for task, answer, model, fingerprint, active, by_asset, *rest, written_us in rows:
        is_current = bool(active) and (task, bool(by_asset)) not in current
        if is_current:
            current.add((task, bool(by_asset)))
        details.append(
            AnswerDetail(
                task,
                orjson.loads(answer),
                model,
                fingerprint,
                is_current,
                bool(by_asset),
                *(*rest, _moment(written_us)),
            )
        )
    return details


def dead_letter_details(rows: Sequence[Row]) -> Sequence[DeadLetterDetail]:
    """Return the dead letters in the rows of ``dead_letters``."""
    return [
        DeadLetterDetail(Reason(reason), detail, _part(body, key), key, _moment(at_us))
        for reason, detail, body, key, at_us in rows
    ]


def _part(body: str, key: str) -> str:
    """Return the task of a dead part, or the model of an embedding; empty if it is not known."""
    try:
        message = orjson.loads(body)
        parts = parts_from_json(message["parts"])
        subject = str(message["subject_id"])
    except (orjson.JSONDecodeError, PermanentError, KeyError, TypeError):
        return ""
    for part in parts:
        if part.key(subject) == key or len(parts) == 1:
            return part.task if isinstance(part, AnswerPart) else part.model
    return ""


def _about(dialect: GalleryDialect, ledger: str, subjects: Sequence[str]) -> str:
    return _ABOUT.format(ledger=ledger, subjects=_listed(dialect, subjects))


def _listed(dialect: GalleryDialect, texts: Sequence[str]) -> str:
    return ", ".join(map(dialect.literal, texts))


def _moment(microseconds: Any) -> datetime:
    return _EPOCH + timedelta(microseconds=int(microseconds))
