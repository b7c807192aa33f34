"""The statements as sent to BigQuery, including model calls, parsed with BigQuery's grammar."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
import sqlglot
from sqlglot import exp

from sightline.errors import ConfigurationError
from sightline.gcp.bigquery.ledgers import ALL_SETTLED, ALL_WRITTEN, ledger_names
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.gemini.question import config_of
from sightline.gcp.sql.files import names, statement
from sightline.gcp.sql.images import Images, ObjectTable, References, Uris
from sightline.gcp.sql.judging import FAILED, GEMINI, RETRYABLE, judged_answers, judged_vectors
from sightline.gcp.sql.model_calls import (
    Generate,
    GenerateEmbedding,
    GenerateText,
    ModelCall,
    model_params,
)
from sightline.gcp.sql.remote_models import remote_model
from sightline.gcp.sql.result_mappings import ANSWER, VECTOR
from sightline.gcp.vertex_location import VertexLocation
from sightline.schema import CLASSIFICATIONS
from sightline.tasks import load_tasks, shipped_directory
from tests.gcp.sql.rig import GEMINI as MODEL
from tests.gcp.sql.rig import price

PLACE = BigQueryPlace("my-project", "ledgers")
NAMES = ledger_names(PLACE)
RESPONSES, CHOSEN, VECTORS = (PLACE.table(table) for table in ("asked", "to_ask", "vectors"))
HOSTILE = 'it\'s "all"\n\\ `over`; DROP TABLE x -- {braces} é'
TASK = replace(load_tasks((shipped_directory(),))["road_signs"].resolve(MODEL), prompt=HOSTILE)
LISTED = statement("listed", work_items=NAMES["work_items"], settled=ALL_SETTLED.format_map(NAMES))
CALLS: dict[str, ModelCall] = {
    "AI.GENERATE_TEXT": GenerateText(TASK, PLACE.table("m")),
    "ML.GENERATE_TEXT": GenerateText(TASK, PLACE.table("m"), "ML.GENERATE_TEXT"),
    "AI.GENERATE": Generate(TASK, "https://models.example/v1/m", "p.us.c"),
    "AI.GENERATE_EMBEDDING": GenerateEmbedding(PLACE.table("m"), 768),
    "ML.GENERATE_EMBEDDING": GenerateEmbedding(PLACE.table("m"), 768, "ML.GENERATE_EMBEDDING"),
}
RESULTS = {"answers": ANSWER, "vectors": VECTOR}
JUDGED = {
    "answers": judged_answers(RESPONSES, TASK, price(MODEL), location="global"),
    "vectors": judged_vectors(RESPONSES, 768, tokens=258, cost_usd_micros=116),
}


def rendered() -> Iterator[tuple[str, str]]:
    """Yield every statement, with its name and the variant of its pieces."""
    values = {"retryable": RETRYABLE, "failed": FAILED, "listed": LISTED}
    values |= {"responses_table": RESPONSES, "chosen_table": CHOSEN}
    values |= {"run_events": NAMES["run_events"], "staging_table": PLACE.table("said")}
    yield "listed", LISTED
    for name in (
        "left",
        "unsettled",
        "last_pass",
        "discard",
        "clear",
        "chosen",
        "take_responses",
        "ignored",
    ):
        yield name, statement(name, **values)
    all_written = ALL_WRITTEN.format_map(NAMES)
    yield (
        "settle",
        statement("settle", **values, written=all_written, dead_letters=NAMES["dead_letters"]),
    )
    yield "drop", statement("drop", table=CHOSEN)
    named = ("one", "two")
    for images in (
        References("p.us.c"),
        ObjectTable(PLACE.table("images")),
        Uris(),
        References("p.us.c", named),
        ObjectTable(PLACE.table("images"), named),
        Uris(named),
    ):
        pieces = {"image": images.image, "objects": images.objects, "parts": "100"}
        yield f"choose {images}", statement("choose", **values, **pieces)
        for unreadable, _ in images.unreadable():
            yield f"refuse {images}", statement("refuse", **values, unreadable=unreadable)
    for name, call in CALLS.items():
        ask = statement("ask", responses_table=RESPONSES, responses=call.responses(CHOSEN))
        yield f"ask {name}", ask
    for name, judged in JUDGED.items():
        yield f"judged {name}", judged
        yield f"tally {name}", statement("tally", judged=judged)
        pieces = {**NAMES, "listed": LISTED, "judged": judged, "ending": GEMINI.ending}
        columns = ", ".join(f"`{name}`" for name in CLASSIFICATIONS.column_names())
        result = {"ledger": VECTORS, "columns": columns, "result": RESULTS[name]}
        for write in ("write_results", "write_dead_letters"):
            yield f"{write} {name}", statement(write, **{**pieces, **result})
    yield (
        "make_model",
        statement(
            "make_model",
            model=PLACE.table("m"),
            connection="p.us.c",
            endpoint="'https://m.example'",
        ),
    )
    yield "drop_model", statement("drop_model", model=PLACE.table("m"))


STATEMENTS = dict(rendered())


def test_every_statement_file_is_rendered() -> None:
    assert {name.partition(" ")[0] for name in STATEMENTS} == set(names())


@pytest.mark.parametrize("name", STATEMENTS)
def test_each_file_is_one_statement_in_bigquery_s_grammar(name: str) -> None:
    (parsed,) = sqlglot.parse(STATEMENTS[name], dialect="bigquery")
    assert parsed is not None
    assert not isinstance(parsed, exp.Command), "passed through without being parsed"


@pytest.mark.parametrize("function", CALLS)
def test_the_statement_calls_the_function_with_quoted_arguments(function: str) -> None:
    text = STATEMENTS[f"ask {function}"]
    assert f"{function}(" in text
    literals = {
        literal.this
        for literal in sqlglot.parse_one(text, dialect="bigquery").find_all(exp.Literal)
    }
    if "EMBED" in function:
        assert "768" in literals
    else:
        assert HOSTILE in literals, "the prompt is one literal, whatever it contains"


@pytest.mark.parametrize(
    "images", [References("p.us.c", ("one",)), ObjectTable("`t`", ("one",)), Uris(("one",))]
)
def test_every_kind_of_image_reference_refuses_buckets_that_are_not_allowed(
    images: Images,
) -> None:
    reasons = [status for _, status in images.unreadable()]
    assert sum("images.buckets" in status for status in reasons) == 1
    assert reasons[0].startswith("bad_uri: ")
    assert reasons[1].startswith("bad_uri: ")


def test_a_call_has_all_parameters_that_the_workers_send() -> None:
    assert json.loads(model_params(TASK)) == {"generationConfig": config_of(TASK, model=MODEL)}


def test_a_remote_model_has_the_endpoint_of_the_configured_location() -> None:
    model = remote_model("gemini-3.5-flash-lite", VertexLocation("p", "global"), "p.us.models")
    assert model.name == "sightline_gemini_3_5_flash_lite"
    assert model.endpoint == (
        "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/google/models"
        "/gemini-3.5-flash-lite"
    )


@pytest.mark.parametrize("connection", ["", "models", "p.us.c` OPTIONS", "a.b.c.d e"])
def test_an_invalid_connection_is_refused(connection: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape("sql.connection")):
        remote_model("gemini-3.5-flash-lite", VertexLocation("p", "global"), connection)
