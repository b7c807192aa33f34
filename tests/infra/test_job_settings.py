"""Containers are started with what a person's settings file says; messages fit the schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from hypothesis import given, settings

from infra.job_settings import environment, job_settings
from infra.message_schema import FORMS, MESSAGE, MESSAGE_PROTO
from infra.recording import PROD, run
from infra.stack_reader import read_stack
from sightline.settings import load_settings
from sightline.wire import encode
from tests.shared.test_wire import MESSAGES


@pytest.mark.parametrize("fleet", ["worker-pool", "job", "gke"])
def test_variables_and_file_say_the_same(fleet: str, tmp_path: Path) -> None:
    stack = read_stack({**PROD, "fleet": fleet}, "prod")
    by_file = load_settings(environment={}, overrides=dict(job_settings(stack)), directory=tmp_path)
    by_variables = load_settings(environment=environment(stack), directory=tmp_path)
    sections = ("gcp", "bigquery", "pubsub", "vertex", "gcs", "batch", "models", "worker")
    for section in (*sections, "engine"):
        assert getattr(by_variables, section) == getattr(by_file, section)
    assert by_variables.telemetry.log_format == "json"


def test_names_of_the_settings_are_those_of_what_is_made() -> None:
    made = run({**PROD, "fleet": "worker-pool"}, stack="prod")
    settings_written = made.outputs["settings"]
    assert settings_written["pubsub"]["topic"] == made.only(":Topic", "work-topic").inputs["name"]
    names = {
        subscription.inputs["name"] for subscription in made.of("pubsub/subscription:Subscription")
    }
    assert {
        settings_written["pubsub"][key] for key in ("subscription", "dead_letter_subscription")
    } == names
    assert (
        settings_written["bigquery"]["dataset"]
        == made.only(":Dataset", "ledgers").inputs["dataset_id"]
    )
    assert settings_written["gcs"]["bucket"] == made.only(":Bucket", "images").inputs["name"]
    batch = made.only(":Bucket", "batch-files").inputs["name"]
    assert settings_written["batch"]["bucket"] == f"gs://{batch}"


def test_a_worker_is_started_with_these_settings() -> None:
    made = run({**PROD, "fleet": "worker-pool"}, stack="prod")
    (container,) = made.only(":WorkerPool").inputs["template"]["containers"]
    variables = {variable["name"]: variable["value"] for variable in container["envs"]}
    assert variables == environment(read_stack({**PROD, "fleet": "worker-pool"}, "prod"))
    assert container["args"] == ["-m", "worker"]
    assert all(isinstance(value, str) for value in variables.values())


def message_class() -> Any:
    """Return the message of the schema, as Protocol Buffers' own library makes it."""
    kinds = descriptor_pb2.FieldDescriptorProto
    plain = {"int32": kinds.TYPE_INT32, "string": kinds.TYPE_STRING, "double": kinds.TYPE_DOUBLE}
    file = descriptor_pb2.FileDescriptorProto(name="message.proto", syntax="proto3")
    for name, form in FORMS.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(form, 1):
            word = kind.removeprefix("repeated ")
            added = message.field.add(name=field, number=number, json_name=field)
            added.label = kinds.LABEL_REPEATED if word != kind else kinds.LABEL_OPTIONAL
            added.type = plain.get(word, kinds.TYPE_MESSAGE)
            if word not in plain:
                added.type_name = f".{word}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(MESSAGE))


FORM = message_class()


@settings(max_examples=50)
@given(MESSAGES)
def test_every_message_of_the_producer_is_of_the_schema(message: Any) -> None:
    body = json.loads(encode(message))
    parsed = json_format.ParseDict(body, FORM())
    assert parsed.run_id == message.run_id
    assert len(parsed.parts) == len(message.parts)


def test_the_schema_names_one_message_at_its_top_level() -> None:
    assert MESSAGE_PROTO.startswith('syntax = "proto3";\nmessage Message {\n')
    assert MESSAGE_PROTO.count("\nmessage ") == 1
    assert "import" not in MESSAGE_PROTO
