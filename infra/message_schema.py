"""The schema of a message, version 1, for Pub/Sub: Protocol Buffers' JSON form, from one table.

Pub/Sub takes one file without imports, with one message at its top level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

MESSAGE = "Message"

FORMS: Mapping[str, Sequence[tuple[str, str]]] = {
    MESSAGE: (
        ("v", "int32"),
        ("run_id", "string"),
        ("subject_id", "string"),
        ("observations", "repeated Observation"),
        ("parts", "repeated Part"),
    ),
    "Observation": (
        ("observation_id", "string"),
        ("asset_id", "string"),
        ("snapshot_id", "string"),
        ("asset_type", "string"),
        ("gcs_uri", "string"),
        ("location", "Location"),
        ("capture_time", "string"),
        ("detection_time", "string"),
        ("bbox", "Bounds"),
        ("camera_pose", "Pose"),
        ("map_url", "string"),
    ),
    "Location": (("latitude", "double"), ("longitude", "double")),
    "Bounds": (
        ("x_min", "double"),
        ("y_min", "double"),
        ("x_max", "double"),
        ("y_max", "double"),
    ),
    "Pose": (
        ("latitude", "double"),
        ("longitude", "double"),
        ("altitude", "double"),
        ("pitch", "double"),
        ("heading", "double"),
        ("roll", "double"),
    ),
    "Part": (
        ("task", "string"),
        ("fingerprint", "string"),
        ("model", "string"),
        ("embed", "Embedding"),
    ),
    "Embedding": (("model", "string"), ("dimension", "int32")),
}
"""The message and its nested types: names and types, numbered in this order."""


def _form(name: str, indent: str = "") -> str:
    inner = [_form(form, "  ") for form in FORMS if form != name] if name == MESSAGE else []
    lines = [
        f"{indent}  {kind} {field} = {number};"
        for number, (field, kind) in enumerate(FORMS[name], 1)
    ]
    return "\n".join([f"{indent}message {name} {{", *inner, *lines, f"{indent}}}"])


MESSAGE_PROTO = f'syntax = "proto3";\n{_form(MESSAGE)}\n'
