"""SQL on the emulator accepts the same answers as the workers' own rules."""

from __future__ import annotations

import json
from dataclasses import replace

import orjson
import pytest

from sightline.errors import PermanentError, Reason
from sightline.gcp.gemini.outcome import classification_of
from sightline.gcp.sql.judging import expected_of, judged_answers, judged_vectors, valid
from sightline.http_client.outcomes import answer_in
from sightline.model import Usage
from sightline.tasks import FieldSpec, TaskSpec
from tests.contracts.warehouse_rig import task
from tests.gcp.servers import BigQueryEmulator
from tests.gcp.sql.rig import GEMINI, price
from tests.gcp.warehouse_rig import open_dataset

pytestmark = [pytest.mark.needs("go")]

BOUNDED: TaskSpec = replace(
    task(),
    model=GEMINI,
    fields=(
        FieldSpec("kind", "enum", "What it is", ("stop", "unknown")),
        FieldSpec("count", "integer", "How many", minimum=0, maximum=9),
        FieldSpec("many", "integer", "How many, without bounds"),
        FieldSpec("height", "number", "Metres", minimum=0.0, maximum=50.0),
        FieldSpec("note", "string", "A note"),
        FieldSpec("tilted", "boolean", "Whether"),
        FieldSpec("damage", "list", "Which", ("rust", "dent")),
    ),
)
GOOD = {
    "kind": "stop", "count": 2, "many": 7, "height": 3.5, "note": "é", "tilted": True,
    "damage": ["rust"],
}  # fmt: skip
FULL = json.dumps(GOOD)


def _with(field: str, value: str) -> str:
    """Return the good answer with a field's JSON text replaced."""
    rest = {name: value for name, value in GOOD.items() if name != field}
    return f'{{"{field}": {value}, {json.dumps(rest)[1:]}'


ANSWERS = [
    FULL,
    f" {FULL}\n",
    f"Here it is: {FULL}",
    f"```json\n{FULL}\n```",
    f"[{FULL}]",
    "",
    "null",
    "{}",
    '"stop"',
    FULL[:-1],
    _with("extra", "1"),
    *(_with("kind", value) for value in ('"Stop"', '"STOP"', "null", '"unknown"', "1", '["stop"]')),
    *(_with("count", value) for value in ("-1", "10", "9", "true", "null", "[]")),
    *(_with("count", value) for value in ('"many"', '"3"', '""', '{"a":1}')),
    *(_with("many", value) for value in ("-5", "99999999999999999999999", "2.25")),
    *(_with("many", value) for value in ('"lots"', "2.5")),
    *(_with("height", value) for value in ("3", "0", "50", "50.0001", "-0.1", "1e1", '"tall"')),
    _with("height", "1e400"),
    _with("height", "3.14159265358979323846264338327950288"),
    *(_with("note", value) for value in ("null", '""', "5", '"a\\u0041\\n"', '["a"]')),
    *(_with("tilted", value) for value in ("null", "false", '"true"', "1", "0")),
    *(_with("damage", value) for value in ("[]", "null", '"rust"', '["rust","dent"]', '["gone"]')),
    *(_with("damage", value) for value in ("[null]", '["rust",null]', '[["rust"]]', "[1]", "{}")),
]  # fmt: skip

"""Without integers written as 3.0 or 1e3: the emulator reads numbers as doubles, and returns 3."""


def _workers_accept(text: str) -> bool:
    try:
        BOUNDED.validate_answer(answer_in(text, Usage()))
    except PermanentError:
        return False
    return True


async def test_exactly_the_answers_that_workers_accept_are_accepted(
    bigquery_with_ledgers: BigQueryEmulator,
) -> None:
    select = (
        f"SELECT answer, {valid(BOUNDED)} FROM UNNEST(@answers) AS answer WITH OFFSET AS place"
        " ORDER BY place"
    )
    async with open_dataset(bigquery_with_ledgers) as client:
        rows = await client.bound(select, {"answers": ANSWERS})
    differ = {text: accepted for text, accepted in rows if accepted != _workers_accept(text)}
    assert differ == {}
    assert len(rows) == len(ANSWERS)


RESPONSES = {
    '{"candidates":[{"finish_reason":"STOP"}]}': "answered",
    '{"candidates":[{"finishReason":"STOP"}]}': "answered",
    '{"candidates":[{"finish_reason":"MAX_TOKENS"}]}': Reason.ANSWER_TRUNCATED,
    '{"prompt_feedback":{"block_reason":"PROHIBITED_CONTENT"}}': Reason.BLOCKED_BY_SAFETY,
    '{"promptFeedback":{"blockReason":"OTHER"}}': Reason.BLOCKED_BY_SAFETY,
    '{"candidates":[{"finish_reason":"STOP"}],"usage_metadata":{"prompt_token_count":"x"}}': (
        "answered"
    ),
    "null": Reason.ANSWER_INVALID,
}


async def test_finish_reasons_have_the_same_outcome_as_with_workers(
    bigquery_with_ledgers: BigQueryEmulator,
) -> None:
    responses_table = (
        "(SELECT response, @answer AS answer, CAST(NULL AS STRING) AS status,"
        " CAST(NULL AS ARRAY<FLOAT64>) AS vector, FALSE AS settled"
        " FROM UNNEST(@responses) AS response)"
    )
    judged = judged_answers(responses_table, BOUNDED, price(GEMINI), location="global")
    async with open_dataset(bigquery_with_ledgers) as client:
        rows = await client.bound(
            f"SELECT response, outcome FROM ({judged})",
            {"answer": FULL, "responses": list(RESPONSES)},
        )
    assert dict(rows) == {text: str(outcome) for text, outcome in RESPONSES.items()}


STATUSES = {
    "NOT_FOUND: Publisher Model was not found": Reason.MODEL_REJECTED_REQUEST,
    "NOT_FOUND: gs://bucket/x.jpg": Reason.IMAGE_GONE,
    "The connection does not have the permission": Reason.PERMISSION_DENIED,
    "INVALID_ARGUMENT: seed": Reason.MODEL_REJECTED_REQUEST,
    "A retryable error occurred: RESOURCE_EXHAUSTED": "retryable",
}


async def test_a_status_has_the_reason_that_its_words_imply(
    bigquery_with_ledgers: BigQueryEmulator,
) -> None:
    responses_table = (
        "(SELECT status, CAST(NULL AS STRING) AS answer, CAST(NULL AS STRING) AS response,"
        " CAST(NULL AS ARRAY<FLOAT64>) AS vector, FALSE AS settled"
        " FROM UNNEST(@statuses) AS status)"
    )
    judged = judged_answers(responses_table, BOUNDED, price(GEMINI), location="global")
    async with open_dataset(bigquery_with_ledgers) as client:
        rows = await client.bound(
            f"SELECT status, outcome FROM ({judged})", {"statuses": list(STATUSES)}
        )
    assert dict(rows) == {text: str(outcome) for text, outcome in STATUSES.items()}


IMPOSSIBLE = ["18446744073709551615", "9223372036854775807", "-1", "1.5", "true", '"many"', "1e99"]


async def test_impossible_token_counts_cost_what_the_request_can_use_at_most(
    bigquery_emulator: BigQueryEmulator,
) -> None:
    def response(prompt: str, answer: str = "20", cached: str = "0") -> str:
        return (
            f'{{"candidates":[{{"finishReason":"STOP"}}],"usageMetadata":{{"promptTokenCount":'
            f'{prompt},"candidatesTokenCount":{answer},"cachedContentTokenCount":{cached}}}}}'
        )

    responses = [response(tokens) for tokens in IMPOSSIBLE]
    responses += [response("500", tokens) for tokens in IMPOSSIBLE]
    responses += [response("500", cached=tokens) for tokens in IMPOSSIBLE]
    responses.append('{"candidates":[{"finishReason":"STOP"}]}')
    own = price(GEMINI)
    assert own is not None
    responses_table = (
        "(SELECT response, @answer AS answer, CAST(NULL AS STRING) AS status,"
        " CAST(NULL AS ARRAY<FLOAT64>) AS vector, FALSE AS settled"
        " FROM UNNEST(@responses) AS response)"
    )
    judged = judged_answers(responses_table, BOUNDED, price(GEMINI), location="global")
    select = (
        f"SELECT response, outcome, input_tokens, output_tokens, cost_usd_micros FROM ({judged})"
    )
    async with open_dataset(bigquery_emulator) as client:
        rows = await client.bound(select, {"answer": FULL, "responses": responses})
    by_response = {str(row[0]): tuple(row[1:]) for row in rows}
    assert {row[0] for row in by_response.values()} == {"answered"}
    for response_text in responses:
        usage = classification_of(
            {**orjson.loads(response_text), **ANSWERED},
            own,
            location="global",
            expected=expected_of(BOUNDED, own),
        ).usage
        assert by_response[response_text][1:] == (
            usage.input_tokens,
            usage.output_tokens,
            usage.cost_usd_micros,
        )


ANSWERED = {"candidates": [{"finishReason": "STOP", "content": {"parts": [{"text": FULL}]}}]}


async def test_a_vector_that_no_table_can_hold_is_invalid_and_fails_no_statement(
    bigquery_emulator: BigQueryEmulator,
) -> None:
    # The emulator holds no NaN and no infinity.
    vectors = ["3.0,4.0", "1.0", "0.0,0.0", "1e300,1e300", "1e101,1.0", "-1e300,1.0"]
    responses_table = (
        "(SELECT part_key, CAST(NULL AS STRING) AS status, FALSE AS settled,"
        " ARRAY(SELECT CAST(number AS FLOAT64) FROM UNNEST(SPLIT(part_key, ',')) AS number)"
        " AS vector FROM UNNEST(@vectors) AS part_key)"
    )
    judged = judged_vectors(responses_table, 2, tokens=258, cost_usd_micros=116)
    async with open_dataset(bigquery_emulator) as client:
        rows = await client.bound(f"SELECT part_key, outcome FROM ({judged})", {"vectors": vectors})
    assert dict(rows) == dict.fromkeys(vectors, "answer_invalid") | {"3.0,4.0": "answered"}
