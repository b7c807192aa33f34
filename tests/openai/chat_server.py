"""A stub that speaks chat completions strictly: what a request may be, and what it must."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class ImageUrl(Strict):
    url: str = Field(pattern=r"^data:image/(jpeg|png|webp);base64,[A-Za-z0-9+/]+={0,2}$")
    detail: Literal["low", "high", "auto"] = "auto"


class ImagePart(Strict):
    type: Literal["image_url"]
    image_url: ImageUrl


class TextPart(Strict):
    type: Literal["text"]
    text: str = Field(min_length=1)


class Message(Strict):
    role: Literal["user"]
    content: list[ImagePart | TextPart] = Field(min_length=1)


class JsonSchema(Strict):
    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")
    strict: Literal[True]
    schema_: dict[str, Any] = Field(alias="schema")


class ResponseFormat(Strict):
    type: Literal["json_schema"]
    json_schema: JsonSchema


class ChatRequest(Strict):
    model: str
    messages: list[Message] = Field(min_length=1, max_length=1)
    response_format: ResponseFormat
    temperature: float = Field(ge=0, le=2)
    max_tokens: int = Field(ge=1)
    stream: Literal[False]
    seed: int | None = None


_KEYWORDS = {
    "type", "description", "properties", "required", "additionalProperties", "items", "enum",
    "minimum", "maximum",
}  # fmt: skip


def check_schema(schema: dict[str, Any]) -> None:
    """Check what OpenAI's strict mode demands of a schema."""
    assert set(schema) <= _KEYWORDS, f"unknown keywords {sorted(set(schema) - _KEYWORDS)}"
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    known = {"object", "array", "string", "number", "integer", "boolean", "null"}
    assert set(kinds) <= known, f"no type {kinds}"
    if "object" in kinds:
        assert schema["additionalProperties"] is False, "additionalProperties must be false"
        assert set(schema["required"]) == set(schema["properties"]), "all must be required"
        for inner in schema["properties"].values():
            check_schema(inner)
    if "array" in kinds:
        check_schema(schema["items"])


def first_value(schema: dict[str, Any]) -> Any:
    """Return some value that a schema allows."""
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "object" in kinds:
        return {name: first_value(inner) for name, inner in schema["properties"].items()}
    if "enum" in schema:
        return schema["enum"][0]
    if "null" in kinds:
        return None
    return [] if "array" in kinds else "x"


@dataclass
class ChatServer:
    """Answers every valid request, or does what ``does`` says instead."""

    key: str = ""
    requests: list[ChatRequest] = field(default_factory=list)
    images: list[list[bytes]] = field(default_factory=list)
    choice: dict[str, Any] = field(default_factory=dict)
    usage: dict[str, Any] | None = field(
        default_factory=lambda: {"prompt_tokens": 900, "completion_tokens": 40, "total_tokens": 940}
    )
    status: int = 200
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    does: Literal["answer", "hang", "reset", "half"] = "answer"
    calls: int = 0
    leaving: asyncio.Event = field(default_factory=asyncio.Event)

    def application(self) -> web.Application:
        application = web.Application(client_max_size=1 << 30)
        application.router.add_post("/v1/chat/completions", self.answer)
        return application

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.calls += 1
        if request.headers.get("Authorization", "") != (f"Bearer {self.key}" if self.key else ""):
            return web.json_response({"error": {"message": "Unauthorized"}}, status=401)
        try:
            chat_request = ChatRequest.model_validate(await request.json())
            check_schema(chat_request.response_format.json_schema.schema_)
        except (ValidationError, AssertionError, KeyError) as error:
            return web.json_response({"error": {"message": f"INVALID: {error}"}}, status=400)
        self.requests.append(chat_request)
        parts = chat_request.messages[0].content
        self.images.append(
            [
                base64.b64decode(image_part.image_url.url.partition(",")[2])
                for image_part in parts
                if isinstance(image_part, ImagePart)
            ]
        )
        if self.does != "answer":
            return await self._fail(request)
        if self.body is not None or self.status != 200:
            return web.Response(status=self.status, body=self.body or b"", headers=self.headers)
        return web.json_response(self._completion(chat_request))

    def _completion(self, chat_request: ChatRequest) -> dict[str, Any]:
        content = json.dumps(first_value(chat_request.response_format.json_schema.schema_))
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": content, "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
            **self.choice,
        }
        completion = {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1,
            "model": chat_request.model, "choices": [choice],
        }  # fmt: skip
        return completion if self.usage is None else {**completion, "usage": self.usage}

    async def _fail(self, request: web.Request) -> web.StreamResponse:
        if self.does == "hang":
            await self.leaving.wait()
        if self.does == "half":
            response = web.StreamResponse()
            response.content_length = 100
            await response.prepare(request)
            await response.write(b"{")
        assert request.transport is not None
        request.transport.abort()
        return web.Response()
