"""What the simulator takes and sends, in the shapes of Google's API reference, by bare HTTP."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest

from sightline.sim.vertex.server import VertexSimulator
from sightline.tasks import load_tasks, shipped_directory
from tests.sim.conftest import EMBED, GENERATE, PREDICT, Ask, request

TASKS = load_tasks((shipped_directory(),))


def schema_request(schema: dict[str, Any], uri: str = "gs://b/1.jpg") -> dict[str, Any]:
    body = request(
        generationConfig={
            "responseMimeType": "application/json",
            "responseSchema": schema,
            "mediaResolution": "MEDIA_RESOLUTION_LOW",
        }
    )
    body["contents"][0]["parts"][0]["fileData"]["fileUri"] = uri
    return body


async def test_an_answer_has_the_shape_of_the_reference(ask: Ask) -> None:
    response = await ask(GENERATE, schema_request(TASKS["road_signs"].response_schema()))
    (candidate,) = response["candidates"]
    assert candidate["content"]["role"] == "model"
    assert candidate["finishReason"] == "STOP"
    usage = response["usageMetadata"]
    assert usage["totalTokenCount"] == usage["promptTokenCount"] + usage["candidatesTokenCount"]
    assert {"modality": "IMAGE", "tokenCount": 280} in usage["promptTokensDetails"]
    assert response["modelVersion"] == "gemini-3.5-flash"
    assert response["responseId"]
    assert response["createTime"].endswith("Z")


@pytest.mark.parametrize("name", sorted(TASKS))
async def test_answers_satisfy_their_task(name: str, ask: Ask) -> None:
    task = TASKS[name]
    for number in range(5):
        body = schema_request(task.response_schema(), f"gs://b/{number}.jpg")
        response = await ask(GENERATE, body)
        task.validate_answer(json.loads(response["candidates"][0]["content"]["parts"][0]["text"]))


async def test_the_same_image_is_answered_the_same_and_another_is_not(ask: Ask) -> None:
    async def text(uri: str) -> Any:
        response = await ask(GENERATE, schema_request(TASKS["road_signs"].response_schema(), uri))
        return response["candidates"][0]["content"]["parts"][0]["text"]

    texts = [await text(f"gs://b/{number}.jpg") for number in (1, 1, 2, 3, 4)]
    assert texts[0] == texts[1]
    assert len(set(texts)) > 2


async def test_names_are_accepted_in_either_spelling(ask: Ask) -> None:
    body = request(generation_config={"max_output_tokens": 100})
    body["contents"][0]["parts"][0] = {
        "file_data": {"file_uri": "gs://b/1.jpg", "mime_type": "image/jpeg"}
    }
    assert (await ask(GENERATE, body))["candidates"]


async def test_an_answer_longer_than_asked_for_is_cut_off(ask: Ask) -> None:
    body = schema_request(TASKS["road_signs"].response_schema())
    body["generationConfig"]["maxOutputTokens"] = 3
    (candidate,) = (await ask(GENERATE, body))["candidates"]
    assert candidate["finishReason"] == "MAX_TOKENS"
    with pytest.raises(json.JSONDecodeError):
        json.loads(candidate["content"]["parts"][0]["text"])


WRONG: dict[str, dict[str, Any]] = {
    "nothing in it": {},
    "an unknown name": request(prompt="x"),
    "no parts": {"contents": [{"role": "user", "parts": []}]},
    "a strange role": {"contents": [{"role": "system", "parts": [{"text": "x"}]}]},
    "a schema without JSON": request(generationConfig={"responseSchema": {"type": "STRING"}}),
    "a schema that is none": request(
        generationConfig={"responseMimeType": "application/json", "responseSchema": {"type": "X"}}
    ),
    "too hot": request(generationConfig={"temperature": 3}),
    "a resolution that is none": request(generationConfig={"mediaResolution": "SHARP"}),
    "a label in capitals": request(labels={"Run": "x"}),
    "an image over HTTP": {
        "contents": [
            {"parts": [{"fileData": {"fileUri": "http://x/1.jpg", "mimeType": "image/jpeg"}}]}
        ]
    },
    "no type of the image": {"contents": [{"parts": [{"fileData": {"fileUri": "gs://b/1.jpg"}}]}]},
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG.keys())
async def test_a_request_that_is_not_valid_is_refused_in_google_s_form(
    body: dict[str, Any], ask: Ask, simulator: VertexSimulator
) -> None:
    error = (await ask(GENERATE, body, code=400))["error"]
    assert error["code"] == 400
    assert error["status"] == "INVALID_ARGUMENT"
    assert error["message"]
    for detail in error.get("details", []):
        assert detail["@type"] == "type.googleapis.com/google.rpc.BadRequest"
        assert detail["fieldViolations"]
    assert simulator.counters.rejected["generateContent"] == 1


async def test_a_call_without_a_token_is_refused(simulator: VertexSimulator) -> None:
    async with (
        aiohttp.ClientSession(simulator.base_url + "/") as session,
        session.post(GENERATE, json=request()) as response,
    ):
        assert response.status == 401
        assert (await response.json())["error"]["status"] == "UNAUTHENTICATED"


async def test_gemini_3_is_not_found_in_a_region(ask: Ask) -> None:
    path = GENERATE.replace("/us/", "/europe-west4/")
    error = (await ask(path, request(), code=404))["error"]
    assert error["status"] == "NOT_FOUND"
    assert "was not found or your project does not have access" in error["message"]


@pytest.mark.parametrize("dimension", [128, 768, 3072])
async def test_embed_content_sends_one_vector(dimension: int, ask: Ask) -> None:
    part = {"fileData": {"fileUri": "gs://b/1.jpg", "mimeType": "image/jpeg"}}
    body = {
        "content": {"role": "user", "parts": [part]},
        "embedContentConfig": {"outputDimensionality": dimension},
    }
    response = await ask(EMBED, body)
    assert len(response["embedding"]["values"]) == dimension
    assert response["usageMetadata"]["promptTokensDetails"] == [
        {"modality": "IMAGE", "tokenCount": 258}
    ]
    assert response == await ask(EMBED, body)


@pytest.mark.parametrize("dimension", [128, 256, 512, 1408])
async def test_predict_sends_a_vector_for_each_thing_given(dimension: int, ask: Ask) -> None:
    body = {
        "instances": [{"image": {"gcsUri": "gs://b/1.jpg"}, "text": "a pole"}],
        "parameters": {"dimension": dimension},
    }
    response = await ask(PREDICT, body)
    (prediction,) = response["predictions"]
    assert {name: len(vector) for name, vector in prediction.items()} == {
        "imageEmbedding": dimension,
        "textEmbedding": dimension,
    }
    assert response["deployedModelId"]


@pytest.mark.parametrize(
    "body",
    [
        {"instances": []},
        {"instances": [{}]},
        {"instances": [{"text": "x"}], "parameters": {"dimension": 300}},
        {"instances": [{"image": {"gcsUri": "b/1.jpg"}}]},
        {"instances": [{"image": {"bytesBase64Encoded": "*"}}]},
    ],
)
async def test_predict_refuses_what_the_model_does_not_take(body: object, ask: Ask) -> None:
    assert (await ask(PREDICT, body, code=400))["error"]["status"] == "INVALID_ARGUMENT"
