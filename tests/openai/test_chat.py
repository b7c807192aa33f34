"""What the classifier sends, by a strict stub, and what it makes of an answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiohttp.test_utils import TestServer

from sightline.model import Usage
from sightline.openai import ChatClassifier
from sightline.tasks import TaskSpec, parse_task
from tests.openai.chat_server import ChatServer, TextPart
from tests.openai.conftest import CONTENTS, MODEL, TASKS, at, read_image

EVERY_KIND = """
name = "every_kind"
description = "One field of each type."
prompt = "What is it?"
temperature = 0.5
seed = 7
media_resolution = "high"
thinking_budget = 100
max_output_tokens = 500

[fields.kind]
type = "enum"
values = ["a", "unknown"]
description = "An enum."

[fields.count]
type = "integer"
minimum = 0
maximum = 9
description = "A number."

[fields.seen]
type = "list"
values = ["x", "y"]
description = "A list."

[fields.notes]
type = "string"
description = "A text."
"""


@pytest.mark.parametrize("name", sorted(TASKS))
async def test_every_shipped_task_is_asked_and_answered_validly(
    name: str, classifier: ChatClassifier
) -> None:
    task = TASKS[name].resolve(MODEL)
    classification = await classifier.classify(task, [at()], run_id="r")
    task.validate_answer(classification.answer)
    assert classification.finish_reason == "STOP"
    assert classification.usage == Usage(900, 40, 2 * 900 + 10 * 40)


async def test_the_images_come_first_in_their_order_and_then_the_prompt(
    classifier: ChatClassifier, server: ChatServer, task: TaskSpec
) -> None:
    await classifier.classify(task, [at(uri) for uri in reversed(CONTENTS)], run_id="r")
    assert server.images == [list(reversed(CONTENTS.values()))]
    (chat_request,) = server.requests
    *image_parts, last = chat_request.messages[0].content
    assert isinstance(last, TextPart)
    assert last.text == task.prompt
    types = [
        shown_part.image_url.url.partition(";")[0]
        for shown_part in image_parts
        if not isinstance(shown_part, TextPart)
    ]
    assert types == ["data:image/webp", "data:image/png", "data:image/jpeg"]
    assert chat_request.model == MODEL == classifier.model


async def test_a_task_s_parameters_and_schema_are_sent(
    classifier: ChatClassifier, server: ChatServer
) -> None:
    task = parse_task(EVERY_KIND).resolve(MODEL)
    task.validate_answer((await classifier.classify(task, [at()], run_id="r")).answer)
    (chat_request,) = server.requests
    assert (chat_request.temperature, chat_request.seed, chat_request.max_tokens) == (0.5, 7, 600)
    assert '"detail":"high"' in chat_request.model_dump_json()
    form = chat_request.response_format.json_schema
    assert form.name == "every_kind"
    assert list(form.schema_["properties"].items()) == [
        ("kind", {"description": "An enum.", "type": "string", "enum": ["a", "unknown"]}),
        (
            "count",
            {
                "description": "A number.", "type": ["integer", "null"], "minimum": 0,
                "maximum": 9,
            },
        ),
        (
            "seen",
            {
                "description": "A list.", "type": "array",
                "items": {"type": "string", "enum": ["x", "y"]},
            },
        ),
        ("notes", {"description": "A text.", "type": ["string", "null"]}),
    ]  # fmt: skip


async def test_a_seed_that_is_not_set_is_not_sent(
    classifier: ChatClassifier, server: ChatServer, task: TaskSpec
) -> None:
    await classifier.classify(replace(task, seed=None), [at()], run_id="r")
    assert "seed" not in server.requests[0].model_fields_set


async def test_without_a_key_none_is_sent_and_without_a_price_nothing_costs(task: TaskSpec) -> None:
    open_to_all = ChatServer()
    async with (
        TestServer(open_to_all.application()) as running,
        ChatClassifier.open(
            model=MODEL, base_url=str(running.make_url("/v1")), read_image=read_image,
            timeout_s=30.0,
        ) as classifier,
    ):  # fmt: skip
        classification = await classifier.classify(task, [at()], run_id="r")
    assert classification.usage == Usage(900, 40, 0)
