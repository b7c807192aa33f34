"""Judges responses in SQL: answered, retryable, or refused permanently, with the reason.

The rules are those of the workers (``sightline.gcp.gemini.outcome``, ``TaskSpec.validate_answer``),
so that all engines write the same ledgers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sightline.errors import Reason
from sightline.gcp.bigquery.literals import quoted, quoted_list
from sightline.gcp.gemini.outcome import FINISHED, REASONS
from sightline.gcp.gemini.thinking import output_tokens
from sightline.gcp.sql.files import statement
from sightline.prices import (
    MOST_INPUT_TOKENS,
    MOST_OUTPUT_TOKENS,
    Expected,
    Price,
    input_tokens,
)
from sightline.tasks import FieldSpec, TaskSpec
from sightline.work_lists import MAX_OBSERVATIONS

RETRYABLE_PREFIX = "A retryable error occurred"
"""The text with which BigQuery begins the status of a row that should be retried."""

RETRYABLE = f"STARTS_WITH(COALESCE(status, ''), '{RETRYABLE_PREFIX}')"

FAILED = "COALESCE(status, '') <> ''"

PARSED = "SAFE.PARSE_JSON(answer, wide_number_mode => 'round')"
"""The answer; a number with more digits than a double holds is rounded, as the workers do."""

MAX_COMPONENT = 1e100
"""The largest number in a vector; the square of a larger one could overflow, which would fail the
whole statement."""

LENGTH_SQUARED = "(SELECT SUM(IF(ABS(each) <= 1e100, each * each, 0)) FROM UNNEST(vector) AS each)"
FINITE = "(SELECT COUNT(*) FROM UNNEST(vector) AS each WHERE ABS(each) <= 1e100)"
"""The count of valid numbers in a vector; every comparison with NaN is false."""

_UNBOUNDED_COLUMNS = frozenset({"STRING", "BOOL", "FLOAT64"})
"""Column types that can hold every value of the matching JSON type."""


@dataclass(frozen=True, slots=True)
class ResponseColumns:
    """SQL expressions for the values in a response, over the columns of the responses table."""

    ending: str
    input_tokens: tuple[str, ...]
    output_tokens: tuple[str, ...]
    cached_tokens: str


def _in_response(snake: str, camel: str) -> str:
    """Return SQL for a value of a response, with field names in snake or camel case."""
    return f"COALESCE(JSON_VALUE(response, '$.{snake}'), JSON_VALUE(response, '$.{camel}'))"


def _count(what: str, camel: str) -> str:
    """Return SQL for a token count of a response, as text; NULL if it is missing."""
    return _in_response(f"usage_metadata.{what}_token_count", f"usageMetadata.{camel}TokenCount")


GEMINI = ResponseColumns(
    ending="COALESCE("
    + _in_response("candidates[0].finish_reason", "candidates[0].finishReason")
    + ", '')",
    input_tokens=(_count("prompt", "prompt"), _count("tool_use_prompt", "toolUsePrompt")),
    output_tokens=(_count("candidates", "candidates"), _count("thoughts", "thoughts")),
    cached_tokens=_count("cached_content", "cachedContent"),
)
"""A Gemini response as BigQuery returns it, with field names in snake or camel case."""

_BLOCKED = _in_response("prompt_feedback.block_reason", "promptFeedback.blockReason")


@dataclass(frozen=True, slots=True)
class _Tokens:
    """SQL for the tokens of an answer, counted as workers do (``sightline.prices.counted``)."""

    input: str
    output: str
    cached: str


def _tokens_of(expected: Expected) -> _Tokens:
    prompt, answer = expected.input_tokens, expected.output_tokens
    missing = " AND ".join(f"{count} IS NULL" for count in GEMINI.input_tokens)
    counted = _sum(GEMINI.input_tokens, MOST_INPUT_TOKENS, prompt)
    return _Tokens(
        f"IF({missing}, IF({GEMINI.ending} = {quoted(FINISHED)}, {prompt}, 0), {counted})",
        _sum(GEMINI.output_tokens, MOST_OUTPUT_TOKENS, answer),
        f"COALESCE(SAFE_CAST({GEMINI.cached_tokens} AS INT64), 0)",
    )


def _sum(counts: Iterable[str], most: int, expected: int) -> str:
    """Return SQL for the sum of counts, or for ``expected`` if one of them is impossible."""
    # An impossible count becomes 2 * most, so that the sum cannot overflow and fail the statement.
    each = [
        f"IF({count} IS NULL, 0, IF(SAFE_CAST({count} AS INT64) BETWEEN 0 AND {most},"
        f" SAFE_CAST({count} AS INT64), {2 * most}))"
        for count in counts
    ]
    total = " + ".join(each)
    return f"IF({total} <= {most}, {total}, {expected})"


def judged_answers(table: str, task: TaskSpec, price: Price | None, *, location: str) -> str:
    """Return the query that judges the responses for a task."""
    tokens = _tokens_of(expected_of(task, price))
    return statement(
        "judged",
        responses_table=table,
        retryable=RETRYABLE,
        failed=FAILED,
        reason_of_status=_reason_of_status(),
        not_finished=f"{GEMINI.ending} <> {quoted(FINISHED)} OR {_BLOCKED} IS NOT NULL",
        reason_of_ending=_reason_of_ending(),
        valid=valid(task),
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cost=_cost(tokens, price, location=location),
        length_squared=LENGTH_SQUARED,
    )


def judged_vectors(table: str, dimension: int, *, tokens: int, cost_usd_micros: int) -> str:
    """Return the query that judges vectors, all of which cost the same."""
    return statement(
        "judged",
        responses_table=table,
        retryable=RETRYABLE,
        failed=FAILED,
        reason_of_status=_reason_of_status(),
        not_finished="FALSE",
        reason_of_ending=quoted(Reason.ANSWER_INVALID),
        valid=f"ARRAY_LENGTH(vector) = {int(dimension)} AND {FINITE} = {int(dimension)}"
        f" AND {LENGTH_SQUARED} > 0",
        length_squared=LENGTH_SQUARED,
        input_tokens=f"IF(COALESCE(status, '') = '', {int(tokens)}, 0)",
        output_tokens="0",
        cost=f"IF(COALESCE(status, '') = '', {int(cost_usd_micros)}, 0)",
    )


def valid(task: TaskSpec) -> str:
    """Return SQL that is true if ``answer`` (JSON text) matches the task's fields."""
    checks = [*_shape(task), *(_fits(field) for field in task.fields)]
    fits = "\n      AND ".join(checks)
    return f"COALESCE(IF({_kind_of(PARSED)} = 'object', {fits}, FALSE), FALSE)"


def _shape(task: TaskSpec) -> Iterable[str]:
    names = quoted_list(field.name for field in task.fields)
    keys = f"JSON_KEYS({PARSED}, 1)"
    yield f"ARRAY_LENGTH({keys}) = {len(task.fields)}"
    unknown = f"SELECT 1 FROM UNNEST({keys}) AS name WHERE name NOT IN UNNEST({names})"  # noqa: S608 - ours
    yield f"NOT EXISTS ({unknown})"


def _kind_of(value: str) -> str:
    """Return SQL for the type of a JSON value; a missing value has the type 'null'."""
    return f"JSON_TYPE(COALESCE({value}, JSON 'null'))"


def _fits(field: FieldSpec) -> str:
    # A field's name has only letters, digits and underscores; other task files are rejected.
    path = f"'$.{field.name}'"
    value = f"JSON_VALUE(answer, {path})"  # from the text, which distinguishes 3.0 from 3
    kind = _kind_of(f"JSON_QUERY({PARSED}, {path})")
    if field.type == "enum":
        return f"({kind} = 'string' AND {value} IN UNNEST({quoted_list(field.values)}))"
    if field.type == "list":
        items = f"UNNEST(JSON_QUERY_ARRAY({PARSED}, {path})) AS item"
        wrong = f"{_kind_of('item')} <> 'string'"
        if field.values:
            wrong += f" OR JSON_VALUE(item) NOT IN UNNEST({quoted_list(field.values)})"
        wrong_items = f"SELECT 1 FROM {items} WHERE {wrong}"  # noqa: S608 - ours
        return f"({kind} = 'array' AND NOT EXISTS ({wrong_items}))"
    # SAFE_CAST: AND is not guaranteed to stop at the first false operand.
    json_type = field.form.json_schema["type"]
    right = [f"{kind} = '{'number' if json_type == 'integer' else json_type}'"]
    if field.type == "integer":
        right.append(f"REGEXP_CONTAINS({value}, r'^-?[0-9]+$')")
    if field.form.column not in _UNBOUNDED_COLUMNS:
        right.append(f"SAFE_CAST({value} AS {field.form.column}) IS NOT NULL")
    if field.minimum is not None:
        right.append(f"SAFE_CAST({value} AS FLOAT64) >= {float(field.minimum)!r}")
    if field.maximum is not None:
        right.append(f"SAFE_CAST({value} AS FLOAT64) <= {float(field.maximum)!r}")
    return f"({kind} = 'null' OR ({' AND '.join(right)}))"


def _reason_of_status() -> str:
    """Return SQL for the reason of a status: the one that it begins with, or that its words imply.

    Without either, the reason is that the model rejected the request.
    """
    cases = [f"WHEN STARTS_WITH(status, '{reason}: ') THEN {quoted(reason)}" for reason in Reason]
    cases += [
        f"WHEN {' OR '.join(f'STRPOS(LOWER(status), {quoted(word)}) > 0' for word in words)}"
        f" THEN {quoted(reason)}"
        for reason in sorted(Reason, key=lambda reason: reason.status_order)
        if (words := reason.status_words)
    ]
    return f"CASE {' '.join(cases)} ELSE {quoted(Reason.MODEL_REJECTED_REQUEST)} END"


def _reason_of_ending() -> str:
    cases = " ".join(
        f"WHEN {quoted(ending)} THEN {quoted(reason)}" for ending, reason in REASONS.items()
    )
    by_ending = f"CASE {GEMINI.ending} {cases} ELSE {quoted(Reason.ANSWER_INVALID)} END"
    return f"IF({_BLOCKED} IS NOT NULL, {quoted(Reason.BLOCKED_BY_SAFETY)}, {by_ending})"


def expected_of(task: TaskSpec, price: Price | None) -> Expected:
    """Return the expected usage of a request; for tasks about assets, with the most images."""
    images = MAX_OBSERVATIONS if task.multi_observation else 1
    model = task.model if price is None else price.base_model
    most = output_tokens(model, task.max_output_tokens, task.thinking_budget)
    return Expected(input_tokens(task, images), most)


def _cost(tokens: _Tokens, price: Price | None, *, location: str) -> str:
    if price is None:
        return "0"
    a_token = price.a_token(location=location)
    cached = f"LEAST(GREATEST({tokens.cached}, 0), {tokens.input})"
    return (
        f"CAST(ROUND((({tokens.input}) - {cached}) * {a_token.input!r}"
        f" + {cached} * {a_token.cached!r}"
        f" + ({tokens.output}) * {a_token.output!r}) AS INT64)"
    )
