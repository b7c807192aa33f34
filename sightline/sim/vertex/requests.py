"""Parses and checks the requests of the three methods, according to Google's API reference.

https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/projects.locations.publishers.models
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sightline.sim.vertex.errors import InvalidArgumentError
from sightline.sim.vertex.fields import fields, number, texts

PREDICT_DIMENSIONS = (128, 256, 512, 1408)
EMBED_DIMENSIONS = (128, 3072)
_LABEL = re.compile(r"[\w-]{1,63}")
_RESOLUTIONS = {"LOW": 280, "MEDIUM": 560, "HIGH": 1120, "UNSPECIFIED": 1120}
"""Tokens of an image by media resolution, for Gemini 3."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image of a request: a ``gs://`` URI, or content named ``inline:<sha256>``."""

    uri: str
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class GenerateRequest:
    """The fields of a ``generateContent`` request on which an answer depends."""

    images: tuple[Image, ...]
    text: str
    schema: Mapping[str, Any] | None
    tokens_per_image: int
    max_output_tokens: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Embed:
    """A request for one vector, into which several images and texts are combined."""

    images: tuple[Image, ...]
    text: str
    dimension: int


_GENERATE = frozenset(
    {"contents", "systemInstruction", "generationConfig", "labels", "safetySettings", "tools",
     "toolConfig", "cachedContent", "modelArmorConfig"}
)  # fmt: skip
_CONFIG = frozenset(
    {"temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences", "seed",
     "responseMimeType", "responseSchema", "responseJsonSchema", "mediaResolution",
     "thinkingConfig", "presencePenalty", "frequencyPenalty", "responseModalities"}
)  # fmt: skip
_THINKING = frozenset({"thinkingBudget", "includeThoughts", "thinkingLevel"})
_SCHEMA = frozenset(
    {"type", "format", "title", "description", "nullable", "default", "items", "minItems",
     "maxItems", "enum", "properties", "propertyOrdering", "required", "minProperties",
     "maxProperties", "minimum", "maximum", "minLength", "maxLength", "pattern", "example",
     "anyOf", "additionalProperties", "ref", "defs"}
)  # fmt: skip
_TYPES = frozenset({"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"})


def read_generate(body: object) -> GenerateRequest:
    """Return a ``generateContent`` request.

    Raises:
        InvalidArgumentError: a field is invalid; the error names it.
    """
    request = fields(body, "", _GENERATE)
    contents = request.get("contents")
    if not isinstance(contents, list) or not contents:
        raise InvalidArgumentError("at least one contents field is required", "contents")
    images: list[Image] = []
    words: list[str] = []
    for place, content in enumerate(contents):
        content_images, text = _content(content, f"contents[{place}]")
        images += content_images
        words += text
    config = fields(request.get("generationConfig", {}), "generation_config", _CONFIG)
    fields(config.get("thinkingConfig", {}), "generation_config.thinking_config", _THINKING)
    most = _check_numbers(config)
    return GenerateRequest(
        images=tuple(images),
        text="\n".join(words),
        schema=_response_schema(config),
        tokens_per_image=_tokens_per_image(config.get("mediaResolution")),
        max_output_tokens=most,
        labels=_labels(request.get("labels", {})),
    )


def _check_numbers(config: Mapping[str, Any]) -> int | None:
    at = "generation_config."
    number(config.get("temperature"), at + "temperature", least=0, most=2)
    number(config.get("topP"), at + "top_p", least=0, most=1)
    number(config.get("seed"), at + "seed", least=-(2**31), most=2**31 - 1, whole=True)
    most = number(
        config.get("maxOutputTokens"), at + "max_output_tokens", least=1, most=65536, whole=True
    )
    return None if most is None else int(most)


def _tokens_per_image(value: object) -> int:
    if value is None:
        return _RESOLUTIONS["UNSPECIFIED"]
    name = str(value).removeprefix("MEDIA_RESOLUTION_")
    if name not in _RESOLUTIONS:
        path = "generation_config.media_resolution"
        raise InvalidArgumentError(f"Invalid value at '{path}': \"{value}\"", path)
    return _RESOLUTIONS[name]


def _labels(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping) or len(value) > 64:
        raise InvalidArgumentError("Invalid value at 'labels' (at most 64 are accepted).", "labels")
    for key, text in value.items():
        sound = (
            isinstance(text, str) and _LABEL.fullmatch(key) and re.fullmatch(r"[\w-]{0,63}", text)
        )
        if not sound or f"{key}{text}" != f"{key}{text}".lower():
            raise InvalidArgumentError(
                f"The label {key!r} is not valid: keys and values are at most 63 lower case"
                " letters, digits, underscores and dashes.",
                "labels",
            )
    return dict(value)


def _response_schema(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    path = "generation_config.response_schema"
    schema = config.get("responseSchema")
    if schema is None:
        return None
    if config.get("responseMimeType") != "application/json":
        raise InvalidArgumentError(
            "response_schema is set, but response_mime_type is not application/json.",
            "generation_config.response_mime_type",
        )
    return _schema(schema, path)


def _schema(value: object, path: str) -> dict[str, Any]:
    """Return a schema with JSON names and upper case types."""
    schema = fields(value, path, _SCHEMA)
    kind = str(schema.get("type", "")).upper()
    if kind not in _TYPES and "anyOf" not in schema:
        raise InvalidArgumentError(f"Invalid value at '{path}.type': \"{kind}\"", f"{path}.type")
    normalised = {**schema, "type": kind}
    if "enum" in schema:
        texts(schema["enum"], f"{path}.enum")
    if kind == "ARRAY":
        if "items" not in schema:
            raise InvalidArgumentError(f"{path}.items: missing field.", f"{path}.items")
        normalised["items"] = _schema(schema["items"], f"{path}.items")
    if kind == "OBJECT":
        inner = schema.get("properties")
        if not isinstance(inner, Mapping) or not inner:
            raise InvalidArgumentError(
                f"{path}.properties: should be non-empty for OBJECT type", f"{path}.properties"
            )
        normalised["properties"] = {
            str(name): _schema(field, f"{path}.properties[{name}]") for name, field in inner.items()
        }
        for name in texts(schema.get("required", []), f"{path}.required"):
            if name not in inner:
                raise InvalidArgumentError(
                    f"{path}.required: property {name} is not defined", f"{path}.required"
                )
    return normalised


_PART = frozenset({"text", "fileData", "inlineData", "mediaResolution", "thought"})


def _content(value: object, path: str) -> tuple[list[Image], list[str]]:
    content = fields(value, path, frozenset({"role", "parts"}))
    if content.get("role") not in {"user", "model", None}:
        raise InvalidArgumentError("Please use a valid role: user, model.", f"{path}.role")
    parts = content.get("parts")
    if not isinstance(parts, list) or not parts:
        raise InvalidArgumentError(
            "Unable to submit request because it must include at least one parts field, which"
            " describes the prompt input.",
            f"{path}.parts",
        )
    images: list[Image] = []
    words: list[str] = []
    for place, raw in enumerate(parts):
        at = f"{path}.parts[{place}]"
        part = fields(raw, at, _PART)
        kinds = [name for name in ("text", "fileData", "inlineData") if name in part]
        if len(kinds) != 1:
            raise InvalidArgumentError(f"{at}: exactly one kind of data is required.", at)
        if "text" in part:
            words.append(str(part["text"]))
        else:
            images.append(_image(part, at))
    return images, words


def _image(part: Mapping[str, Any], path: str) -> Image:
    if "inlineData" in part:
        data = fields(part["inlineData"], f"{path}.inline_data", frozenset({"mimeType", "data"}))
        _mime_type(data, path)
        return inline_image(data.get("data"), path)
    data = fields(part["fileData"], f"{path}.file_data", frozenset({"mimeType", "fileUri"}))
    _mime_type(data, path)
    return Image(_gs_uri(data.get("fileUri"), f"{path}.file_data.file_uri"))


def _mime_type(data: Mapping[str, Any], path: str) -> None:
    if not str(data.get("mimeType", "")).startswith("image/"):
        raise InvalidArgumentError(
            f"Unable to submit request because it has a mimeType parameter with value"
            f" {data.get('mimeType')!r}, which is not supported.",
            path,
        )


def _gs_uri(value: object, path: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"gs://[^/]+/.+", value):
        raise InvalidArgumentError(f"Invalid or unsupported file uri: {value}", path)
    return value


def inline_image(value: object, path: str) -> Image:
    """Return an image whose content is in the request.

    Raises:
        InvalidArgumentError: it is not Base64.
    """
    try:
        content = base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidArgumentError(f"Base64 decoding failed at '{path}'.", path) from error
    return Image("inline:" + hashlib.sha256(content).hexdigest(), content)


_EMBED = frozenset(
    {"content", "title", "taskType", "outputDimensionality", "autoTruncate", "embedContentConfig"}
)
_EMBED_CONFIG = frozenset(
    {"title", "taskType", "outputDimensionality", "autoTruncate", "documentOcr",
     "audioTrackExtraction"}
)  # fmt: skip


def read_embed(body: object) -> Embed:
    """Return an ``embedContent`` request.

    Raises:
        InvalidArgumentError: a field is invalid; the error names it.
    """
    request = fields(body, "", _EMBED)
    config = fields(request.get("embedContentConfig", {}), "embed_content_config", _EMBED_CONFIG)
    if "content" not in request:
        raise InvalidArgumentError("content is required.", "content")
    images, words = _content(request["content"], "content")
    least, most = EMBED_DIMENSIONS
    dimension = config.get("outputDimensionality", request.get("outputDimensionality"))
    size = number(dimension, "output_dimensionality", least=least, most=most, whole=True)
    return Embed(tuple(images), "\n".join(words), most if size is None else int(size))


def read_predict(body: object) -> Embed:
    """Return a ``predict`` request of ``multimodalembedding@001``: one instance.

    Raises:
        InvalidArgumentError: a field is invalid; the error names it.
    """
    request = fields(body, "", frozenset({"instances", "parameters", "labels"}))
    instances = request.get("instances")
    if not isinstance(instances, list) or len(instances) != 1:
        raise InvalidArgumentError("Exactly one instance is required.", "instances")
    instance = fields(instances[0], "instances[0]", frozenset({"text", "image", "video"}))
    parameters = fields(request.get("parameters", {}), "parameters", frozenset({"dimension"}))
    dimension = parameters.get("dimension", PREDICT_DIMENSIONS[-1])
    if dimension not in PREDICT_DIMENSIONS:
        raise InvalidArgumentError(
            f"Invalid dimension {dimension}: it must be one of {list(PREDICT_DIMENSIONS)}.",
            "parameters.dimension",
        )
    images = (_predict_image(instance["image"]),) if "image" in instance else ()
    text = str(instance.get("text", ""))
    if not images and not text:
        raise InvalidArgumentError("An instance has a text, an image or a video.", "instances[0]")
    return Embed(images, text, int(dimension))


def _predict_image(value: object) -> Image:
    path = "instances[0].image"
    image = fields(value, path, frozenset({"gcsUri", "bytesBase64Encoded", "mimeType"}))
    if "bytesBase64Encoded" in image:
        return inline_image(image["bytesBase64Encoded"], path)
    return Image(_gs_uri(image.get("gcsUri"), f"{path}.gcsUri"))
