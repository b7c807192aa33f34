"""What a model said, judged in SQL: answered, refused for now, or refused for good and why.

The rules are those of the workers (``sightline.gcp.gemini.outcome``, ``TaskSpec.validate_answer``),
so that both engines write the same ledgers.
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

FOR_NOW = "A retryable error occurred"
"""What the status of a row begins with that is to be asked again: BigQuery's own words."""

RETRYABLE = f"STARTS_WITH(COALESCE(status, ''), '{FOR_NOW}')"

FAILED = "COALESCE(status, '') <> ''"

PARSED = "SAFE.PARSE_JSON(answer, wide_number_mode => 'round')"
"""The answer; a number with more digits than a double holds is rounded, as the workers do."""

MOST_NUMBER = 1e100
"""Of a vector: where the square of a number overflows, a statement fails as a whole."""

LENGTH_SQUARED = "(SELECT SUM(IF(ABS(each) <= 1e100, each * each, 0)) FROM UNNEST(vector) AS each)"
FINITE = "(SELECT COUNT(*) FROM UNNEST(vector) AS each WHERE ABS(each) <= 1e100)"
"""How many numbers of a vector are some: a NaN compares with nothing."""

_OF_ANY_JSON = frozenset({"STRING", "BOOL", "FLOAT64"})
"""Columns that hold each value of the right JSON type."""


@dataclass(frozen=True, slots=True)
class ResponseColumns:
    """Where what a model said stands: SQL over the columns of the table of what was asked."""

    ending: str
    input_tokens: tuple[str, ...]
    output_tokens: tuple[str, ...]
    cached_tokens: str


def _in_response(snake: str, camel: str) -> str:
    """Return SQL for a value of a response, in either spelling of its fields."""
    return f"COALESCE(JSON_VALUE(response, '$.{snake}'), JSON_VALUE(response, '$.{camel}'))"


def _count(what: str, camel: str) -> str:
    """Return SQL for a count of a response, as a text; NULL where there is none."""
    return _in_response(f"usage_metadata.{what}_token_count", f"usageMetadata.{camel}TokenCount")


GEMINI = ResponseColumns(
    ending="COALESCE("
    + _in_response("candidates[0].finish_reason", "candidates[0].finishReason")
    + ", '')",
    input_tokens=(_count("prompt", "prompt"), _count("tool_use_prompt", "toolUsePrompt")),
    output_tokens=(_count("candidates", "candidates"), _count("thoughts", "thoughts")),
    cached_tokens=_count("cached_content", "cachedContent"),
)
"""A response of Gemini as BigQuery hands it on, in either spelling of its fields."""

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
    """Return SQL for the sum of counts; what is expected where one of them cannot be."""
    # What cannot be is beyond the most, and no sum overflows: that would fail the statement.
    each = [
        f"IF({count} IS NULL, 0, IF(SAFE_CAST({count} AS INT64) BETWEEN 0 AND {most},"
        f" SAFE_CAST({count} AS INT64), {2 * most}))"
        for count in counts
    ]
    total = " + ".join(each)
    return f"IF({total} <= {most}, {total}, {expected})"


def judged_answers(table: str, task: TaskSpec, price: Price | None, *, location: str) -> str:
    """Return the query that judges what was said about a task."""
    tokens = _tokens_of(expected_of(task, price))
    return statement(
        "judged",
        asked=table,
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
    """Return the query that judges vectors, each of which costs the same."""
    return statement(
        "judged",
        asked=table,
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
    """Return SQL that is true of an ``answer`` (a JSON text) that fits the task's fields."""
    checks = [*_shape(task), *(_fits(field) for field in task.fields)]
    fits = "\n      AND ".join(checks)
    return f"COALESCE(IF({_kind_of(PARSED)} = 'object', {fits}, FALSE), FALSE)"


def _shape(task: TaskSpec) -> Iterable[str]:
    names = quoted_list(field.name for field in task.fields)
    keys = f"JSON_KEYS({PARSED}, 1)"
    yield f"ARRAY_LENGTH({keys}) = {len(task.fields)}"
    strangers = f"SELECT 1 FROM UNNEST({keys}) AS name WHERE name NOT IN UNNEST({names})"  # noqa: S608 - ours
    yield f"NOT EXISTS ({strangers})"


def _kind_of(value: str) -> str:
    """Return SQL for the type of a JSON value; of one that is not there, null's."""
    return f"JSON_TYPE(COALESCE({value}, JSON 'null'))"


def _fits(field: FieldSpec) -> str:
    # The name of a field is letters, digits and underscores: a task file with others is not read.
    path = f"'$.{field.name}'"
    value = f"JSON_VALUE(answer, {path})"  # of the text, which tells 3.0 from 3
    kind = _kind_of(f"JSON_QUERY({PARSED}, {path})")
    if field.type == "enum":
        return f"({kind} = 'string' AND {value} IN UNNEST({quoted_list(field.values)}))"
    if field.type == "list":
        items = f"UNNEST(JSON_QUERY_ARRAY({PARSED}, {path})) AS item"
        wrong = f"{_kind_of('item')} <> 'string'"
        if field.values:
            wrong += f" OR JSON_VALUE(item) NOT IN UNNEST({quoted_list(field.values)})"
        strangers = f"SELECT 1 FROM {items} WHERE {wrong}"  # noqa: S608 - ours
        return f"({kind} = 'array' AND NOT EXISTS ({strangers}))"
    # SAFE_CAST: nothing says that an AND stops at the first that is false.
    json_type = field.form.json_schema["type"]
    right = [f"{kind} = '{'number' if json_type == 'integer' else json_type}'"]
    if field.type == "integer":
        right.append(f"REGEXP_CONTAINS({value}, r'^-?[0-9]+$')")
    if field.form.column not in _OF_ANY_JSON:
        right.append(f"SAFE_CAST({value} AS {field.form.column}) IS NOT NULL")
    if field.minimum is not None:
        right.append(f"SAFE_CAST({value} AS FLOAT64) >= {float(field.minimum)!r}")
    if field.maximum is not None:
        right.append(f"SAFE_CAST({value} AS FLOAT64) <= {float(field.maximum)!r}")
    return f"({kind} = 'null' OR ({' AND '.join(right)}))"


def _reason_of_status() -> str:
    """Return SQL for the reason of a status: the one that it begins with, or that its words mean.

    Else the request itself was refused.
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
    """Return what one request of a task is about to use; of a whole asset, with all its images."""
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
