"""A task: its prompt and fields, from which the response schema and the validation follow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any, Literal, Optional

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic import Field as PydanticField

from sightline.errors import PermanentError, Reason
from sightline.tasks.field_types import FIELD_FORMS, FieldForm, FieldType

MediaResolution = Literal["low", "medium", "high"]
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field of an answer.

    ``values`` are those of an enum (including ``unknown``), or of a list of enum items. In an
    answer, a value that is not known is ``unknown`` in an enum, an empty list, and null otherwise.
    """

    name: str
    type: FieldType
    description: str
    values: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    @property
    def form(self) -> FieldForm:
        """The type of its values."""
        return FIELD_FORMS[self.type]


@dataclass(frozen=True)
class TaskSpec:
    """A task. ``model`` is empty until the task is resolved to one (``resolve``).

    ``prompt_price_usd`` and ``answer_price_usd`` are per million tokens, for estimates only.
    """

    name: str
    description: str
    prompt: str
    fields: tuple[FieldSpec, ...]
    asset_types: tuple[str, ...] = ()
    model: str = ""
    media_resolution: MediaResolution = "medium"
    temperature: float = 0.0
    seed: int | None = None
    thinking_budget: int | None = None
    max_output_tokens: int = 1024
    multi_observation: bool = False
    prompt_price_usd: float | None = None
    answer_price_usd: float | None = None
    toml: str = field(default="", repr=False, compare=False)

    def resolve(self, model: str) -> TaskSpec:
        """Return the task with its own model, or with this model if it names none."""
        return self if self.model else replace(self, model=model)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hexadecimal) of everything that affects the answer: prompt, fields, model,
        parameters.
        """
        what = {
            "prompt": self.prompt,
            "fields": [
                [
                    field.name,
                    field.type,
                    field.description,
                    field.values,
                    field.minimum,
                    field.maximum,
                ]
                for field in self.fields
            ],
            "model": self.model,
            "media_resolution": self.media_resolution,
            "temperature": self.temperature,
            "seed": self.seed,
            "thinking_budget": self.thinking_budget,
            "max_output_tokens": self.max_output_tokens,
            "multi_observation": self.multi_observation,
        }
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()

    def applies_to(self, asset_type: str) -> bool:
        """Return whether the task applies to assets of this type."""
        return not self.asset_types or asset_type in self.asset_types

    def response_schema(self) -> dict[str, Any]:
        """Return the JSON schema of an answer, in the subset that Gemini supports."""
        return {
            "type": "object",
            "properties": {field.name: _json_schema(field) for field in self.fields},
            "required": [field.name for field in self.fields],
            "propertyOrdering": [field.name for field in self.fields],
        }

    @cached_property
    def answer_model(self) -> type[BaseModel]:
        """The Pydantic model that validates an answer."""
        shape: dict[str, Any] = {
            field.name: (_python_type(field), PydanticField(description=field.description))
            for field in self.fields
        }
        title = "".join(word.title() for word in self.name.split("_")) + "Answer"
        config = ConfigDict(extra="forbid", strict=True, frozen=True)
        model: type[BaseModel] = create_model(title, __config__=config, **shape)
        return model

    def validate_answer(self, answer: Mapping[str, object]) -> str:
        """Return the answer as canonical JSON, its fields in the task's order.

        Raises:
            PermanentError: ``answer_invalid``, naming the first invalid field.
        """
        try:
            valid = self.answer_model.model_validate(answer)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(step) for step in first["loc"])
            raise PermanentError(
                Reason.ANSWER_INVALID, f"{self.name}.{where}: {first['msg']}"
            ) from error
        try:
            return orjson.dumps(valid.model_dump()).decode()
        except orjson.JSONEncodeError as error:
            raise PermanentError(
                Reason.ANSWER_INVALID, f"{self.name}: the answer is not JSON: {error}"
            ) from error


def _json_schema(field_spec: FieldSpec) -> dict[str, Any]:
    schema: dict[str, Any] = {"description": field_spec.description}
    schema |= field_spec.form.json_schema
    if field_spec.type == "enum":
        return {**schema, "enum": list(field_spec.values)}
    if field_spec.type == "list":
        items: dict[str, Any] = {"type": "string"}
        if field_spec.values:
            items["enum"] = list(field_spec.values)
        return {**schema, "items": items}
    schema["nullable"] = True
    if field_spec.minimum is not None:
        schema["minimum"] = field_spec.minimum
    if field_spec.maximum is not None:
        schema["maximum"] = field_spec.maximum
    return schema


def _python_type(field_spec: FieldSpec) -> Any:
    if field_spec.type == "enum":
        return Literal[field_spec.values]
    if field_spec.type == "list":
        item: Any = Literal[field_spec.values] if field_spec.values else str
        return list[item]
    plain: Any = field_spec.form.python
    if field_spec.minimum is None and field_spec.maximum is None:
        return Optional[plain]  # noqa: UP045 - the type is a value here
    return Annotated[plain, PydanticField(ge=field_spec.minimum, le=field_spec.maximum)] | None
